"""What the processes of a group say of themselves, and what follows from it.

sources, told, listener, canary   where each process speaks, and its latest words
health     the lights; metrics: the figures for Prometheus. No I/O
events, alarming, webhook   supervisord's events, what is an alarm, and who is told
monitor    all of it for one group, in an asyncio program
"""
