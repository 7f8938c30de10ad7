"""The process: sockets, time and scripted faults around the model. Start with server.py."""
