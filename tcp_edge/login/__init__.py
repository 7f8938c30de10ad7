"""Command 1: who may do what, and where he is sent."""
