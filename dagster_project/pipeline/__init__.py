"""The steps of a run, in plain Python: the command line and Dagster both call these.

extract.py  find, fetch, decode, accept or quarantine
plan.py     which months are dirty, from fingerprints
imports.py  the ledger as tables that the models read
build.py    dbt, in two passes over the dirty months
lock.py     one run at a time on a home
"""
