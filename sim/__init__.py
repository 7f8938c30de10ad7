"""The embedded exchange: a counter with a market behind it, as a process of its own.

exchange/  the model: market, matching, accounts and CTP's counter, without I/O, clocks or threads
service/   the process around it: clients, time, faults
client/    API classes of the binding's shape, which workers use behind a sim:// front

``front``, ``mdapi`` and ``tdapi`` are how a worker gets at the API classes, ``control`` how tests
and operators reach into a running exchange, ``wire`` what both ends say to each other.
"""
