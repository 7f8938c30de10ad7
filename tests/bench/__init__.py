"""Benchmarks: plain scripts, not collected by pytest. Each prints a table under a header line.

``performance`` runs those that docs/performance.md shows. The others look at one piece, for who
changes it, and say whether it keeps within its limit:

    tick_path      a tick in md_worker, in ws_edge, and to JSON; xtp_tick: as OFX JSON
    merge_path     a message in md_merge
    order_path     an order in td_worker; query_load: beside queries; limits: the rules alone
    book           the orders on record; journal_cost: the journal of returns
    record         the recorder at a rate that no exchange has; history: a day of ticks asked of it
    latency        the whole group on the stand-in front
"""
