"""What the providers write: how to find a delivery and which columns it must have.

One folder per provider, one small module per export. `registry.py` finds them by name, so that
adding a provider adds a folder and edits nothing here.
"""
