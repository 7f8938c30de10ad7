"""How ctpbus is tested; ``tests/run`` runs it all, pyproject.toml explains the marks.

unit/        one folder for each package: tables, properties, no processes
process/     real programs on real sockets, and the documents' commands
chaos/       whatever dies, is an order lost, sent twice or shown to another user?
slow/        other versions of the binding, Autobahn's cases
bench/       what it costs
front/       a stand-in for the vendor's front, in C++
asyncapi/    the validator of docs/schema, from npm
golden/      requests, replies and records as they have to be; vectors/: lines of the OFX wires
support/     what tests share: groups, machines, documents, and edges with a defence taken out
"""
