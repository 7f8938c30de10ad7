"""The model: market, matching, accounts and the counter. No I/O. Start with counter.py."""
