"""Azure Cost Management exports and the Carbon Optimization API."""
