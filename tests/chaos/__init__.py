"""Does ctpbus lose an order, send one twice or show it to another user, whatever dies when?

    python -m tests.chaos.orders --kills 300      # processes killed at random
    python -m tests.chaos.steps --times 5         # td_worker killed at each step of an order
    python -m tests.chaos.stop --orders 100       # td_worker stands still longer than deadlines
    python -m tests.chaos.sdk --seconds 40        # troubles at random, and what the SDK says

The exchange's own record decides (``sim/exchange/ledger.py``): clients mark every order in
BusinessUnit, which nobody on the way has a reason to change, so it is found there without asking
td_worker; those of the SDK have prices of their own. ``judge.py`` says what counts as wrong.

And does a subscriber ever take a hole or an old message for the truth?

    python -m tests.chaos.streams --kills 1000 --freezes 1000 --jobs 2

Here the publishers' own ledgers decide (``streams_ledger.py``), and ``streams_judge.py`` says what
counts as wrong.

Does anything die or grow, whatever it is sent, and does any user get what is another's?

    python -m tests.chaos.malformed --messages 1000000
    python -m tests.chaos.crossing --messages 1000000
"""
