"""Two lots long while the price is at the mean of its last quotes or above, else none.

    python strategy.py deploy/gateway.yaml 028742 rb2701

The account is one of td_worker.accounts, so no password stands in the process list. It goes by what
the counter says, none of its orders rests in the market, and it waits until it knows what became of
each. So whatever is restarted meanwhile, itself included, it comes to hold what it wants. Ctrl-C
ends it; its last line is what it holds then.
"""

import signal
import sys
import threading
from collections import deque

from bus.strategy import SyncStrategyApi


def follow(api: SyncStrategyApi, instrument: str, over: threading.Event) -> None:
    prices: deque[float] = deque(maxlen=5)
    while not over.is_set():
        try:
            quote = api.wait_quote_update(instrument, timeout=1)
            held = api.get_position(instrument)
        except TimeoutError as exc:  # somebody is away
            print("waiting:", exc, flush=True)
            continue
        prices.append(quote.LastPrice)
        if quote.LastPrice >= sum(prices) / len(prices):
            action, volume, price = "kaiduo", 2 - held.pos_long, quote.AskPrice1
        else:
            action, volume, price = "pingduo", held.pos_long, quote.BidPrice1
        if volume > 0 and price > 0:  # at limit up there is no ask: NaN
            said = api.open_close(instrument, action, volume, price, timeout=300, lasts="fak")
            print(said, flush=True)


if __name__ == "__main__":
    config, user, instrument = sys.argv[1:]
    over = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: over.set())
    with SyncStrategyApi(user, "", config) as api:
        api.run_strategy(follow, api, instrument, over).join()
        print(api.get_position(instrument))
