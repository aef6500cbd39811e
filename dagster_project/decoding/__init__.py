"""Landed bytes as typed Parquet: bad values are found here, with file and row. Rebuildable."""
