"""Commands 2xxxxx."""
