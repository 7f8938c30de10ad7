"""OFX over encrypted TCP: the login, quote and trade services of one gateway.

wire/      bytes to request texts and replies to bytes; without I/O
request    a request text as a Request; reply: records and states as reply texts
login/     command 1: who may do what, and where he is sent
quote/     commands 1xxxxx: ticks
trade/     commands 2xxxxx: orders and what the counter says of the account
server     listeners, connections, limits; one process for all services or one for each

The contract is tcp_edge/README.md; what the fields mean at the counter is in ``schemas.xtp``.
"""
