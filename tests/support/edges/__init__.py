"""ws_edge with a defence taken out, to show that a test would notice."""
