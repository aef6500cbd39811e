"""AWS Data Exports."""
