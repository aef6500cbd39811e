"""Any other provider that delivers FOCUS files, or emissions in a plain table."""
