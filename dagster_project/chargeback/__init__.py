"""Shared costs: which lines form a pool, and by what drivers a pool is handed on.

Belongs here: reading and checking the file, and flattening it for the warehouse. The pools are
executed in SQL by `dbt/macros/finance/chargeback.sql`, never row by row in Python. No driver
changes the fact: the file is content of a publication, not of a month's fingerprint.
"""
