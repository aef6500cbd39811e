"""Any other provider that delivers FOCUS files."""
