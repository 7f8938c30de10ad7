"""Who waits for a quote gets a new one, a true one, or an error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from bus.strategy.quote import Quote
from bus.strategy.quotes import Quotes
from bus.strategy.stopping import Stopped

LONG_S = 20.0


def a_quote(price: float, instrument: str = "rb2701") -> Quote:
    return Quote(InstrumentID=instrument, LastPrice=price)


def elsewhere(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """In a thread of its own."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(function, *arguments)
    pool.shutdown(wait=False)
    return future


def test_the_newest_one_is_a_copy_of_ones_own() -> None:
    quotes = Quotes()
    quotes.put(a_quote(1.0))
    quotes.put(a_quote(2.0))
    first = quotes.get("rb2701", 0)
    first.LastPrice = 9.0
    assert quotes.get("rb2701", 0).LastPrice == 2.0


def test_without_one_it_is_waited_for_and_not_for_ever() -> None:
    quotes = Quotes()
    with pytest.raises(TimeoutError, match="rb2701"):
        quotes.get("rb2701", 0.01)
    waiting = elsewhere(quotes.get, "rb2701", LONG_S)
    quotes.put(a_quote(3.0, "au2612"))
    quotes.put(a_quote(2.0))
    assert waiting.result(LONG_S).LastPrice == 2.0


def test_the_next_one_is_none_that_this_thread_has_had() -> None:
    quotes = Quotes()
    quotes.put(a_quote(1.0))
    assert quotes.get("rb2701", 0).LastPrice == 1.0
    with pytest.raises(TimeoutError):
        quotes.next("rb2701", 0)
    quotes.put(a_quote(2.0))
    quotes.put(a_quote(3.0))
    assert quotes.next("rb2701", 0).LastPrice == 3.0, "it came while the thread did other things"
    with pytest.raises(TimeoutError):
        quotes.next("rb2701", 0)


def test_for_a_thread_that_has_had_none_the_next_one_comes_after_it_asks() -> None:
    quotes = Quotes()
    quotes.put(a_quote(1.0))
    with pytest.raises(TimeoutError):
        quotes.next("rb2701", 0)


def test_what_one_thread_has_had_is_new_to_another() -> None:
    quotes = Quotes()
    quotes.put(a_quote(1.0))
    quotes.get("rb2701", 0)
    assert elsewhere(quotes.get, "rb2701", 0).result(LONG_S).LastPrice == 1.0


def test_a_stale_one_is_not_given_out() -> None:
    quotes = Quotes()
    quotes.put(a_quote(1.0))
    quotes.stale("rb2701")
    with pytest.raises(TimeoutError):
        quotes.get("rb2701", 0)
    quotes.fresh("rb2701")
    assert quotes.get("rb2701", 0).LastPrice == 1.0
    quotes.stale("rb2701")
    quotes.put(a_quote(2.0))
    assert quotes.get("rb2701", 0).LastPrice == 2.0


def test_who_waits_is_stopped() -> None:
    quotes, began = Quotes(), threading.Barrier(2)

    def wait() -> None:
        began.wait(LONG_S)
        quotes.get("rb2701", LONG_S)

    waiting = elsewhere(wait)
    began.wait(LONG_S)
    quotes.stop()
    with pytest.raises(Stopped):
        waiting.result(LONG_S)
    quotes.put(a_quote(1.0))
    with pytest.raises(Stopped):
        quotes.get("rb2701", 0)
