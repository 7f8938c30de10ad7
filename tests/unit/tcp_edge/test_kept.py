"""Lists that were asked for before, in memory that has a bound."""

from __future__ import annotations

from tcp_edge.quote.kept import Kept


def test_what_was_put_last_is_there_and_weighs_once() -> None:
    kept: Kept[str, bytes] = Kept(10_000)
    assert kept.get("600000") is None
    kept.put("600000", b"a", 700)
    kept.put("600000", b"ab", 900)
    assert kept.get("600000") == b"ab"
    assert (kept.weight, len(kept)) == (900, 1)


def test_what_was_put_the_longest_ago_goes_first() -> None:
    kept: Kept[str, int] = Kept(3_000)
    for number, name in enumerate(("old", "used", "new")):
        kept.put(name, number, 900)
    kept.put("used", 1, 900)
    kept.put("newer", 3, 900)
    assert [kept.get(name) for name in ("old", "used", "new", "newer")] == [None, 1, 2, 3]
    kept.put("large", 4, 9_000)
    assert [kept.get(name) for name in ("used", "new", "newer", "large")] == [None, None, None, 4]
    assert (kept.weight, len(kept)) == (9_000, 1)
