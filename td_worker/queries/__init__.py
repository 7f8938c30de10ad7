"""Queries on their way through the counter, which takes one at a time and so many a second."""
