"""API classes of the binding's shape that speak to the process. Start with api.py."""
