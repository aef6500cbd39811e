"""The audit pack of a month: what was published, from which bytes, checked how, and what is open.

Belongs here: reading what is known of a month and writing it down. Nothing here decides or builds.
"""
