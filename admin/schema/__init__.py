"""``ctpbus schema``: the protocols as documents that other languages read.

    documents   every file and its text
    structs     a CTP struct as JSON Schema
    webctp      what travels on /md/ and /td/
    bus         what travels over ZeroMQ as msgpack
    layouts     and as C structs
    asyncapi    who sends what to whom, around both
    typescript  JSON Schema as .d.ts
    table       which request has which payload and reply
    printing    JSON that a person can read

All of it follows from the catalogue of the installed binding and from the tables by which ws_edge
and the workers themselves go; only shapes that the code writes out by hand are repeated here, and
the tests hold them against the messages of running processes.
"""
