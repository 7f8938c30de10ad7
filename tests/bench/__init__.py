"""Benchmarks: plain scripts, not collected by pytest. Each prints a table under a header line."""
