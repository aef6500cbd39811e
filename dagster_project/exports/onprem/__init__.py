"""On-premises cost in FOCUS files."""
