"""Commands 2xxxxx: orders, and what the counter says of the account."""
