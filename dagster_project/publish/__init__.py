"""Publishing: build a candidate, check it, swap it in whole, and report on it."""
