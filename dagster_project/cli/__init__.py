"""The command line: arguments in, readable summaries out. No pipeline logic in this room."""
