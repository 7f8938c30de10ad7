"""Bytes to request texts, and replies to bytes, without I/O."""
