"""Pages of documentation that are made from the project instead of written by hand."""
