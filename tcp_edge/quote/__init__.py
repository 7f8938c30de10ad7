"""Commands 1xxxxx: ticks."""
