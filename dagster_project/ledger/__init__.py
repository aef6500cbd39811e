"""The append-only record of decisions: the only state that can't be rebuilt."""
