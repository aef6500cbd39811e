"""Google Cloud: what the shipped BigQuery queries unload into a bucket."""
