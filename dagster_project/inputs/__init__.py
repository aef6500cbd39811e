"""Files that the company itself supplies: invoices, billing periods, commitments, rates.

Belongs here: which columns an input has, and how one named file is found. Everything after that is
the way of an export: landed whole, decoded by declared columns, decided in the ledger.
"""
