"""What an accountant takes over: a month's spend as a double-entry journal.

Belongs here: ledger accounts, rounding to minor units, the journal as lines and as a file. Reads
published marts only.
"""
