"""What the processes of ctpbus share: frames, sockets, configuration, logs.

Imports schemas and nothing else of ours.
"""
