"""Owns the market data API: publishes ticks, subscribes at the front what the bus asks for.

Read ``worker.py`` first; ``subscriptions.py`` decides what to ask the front for, without I/O.
"""
