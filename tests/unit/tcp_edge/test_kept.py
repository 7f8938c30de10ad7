"""What was had of lists before."""

from __future__ import annotations

from tcp_edge.quote.kept import Had, Kept


def test_what_was_put_last_is_had() -> None:
    kept: Kept[str] = Kept(10_000)
    assert kept["600000"] == Had(0, ())
    kept.put("600000", Had(7, (b"a",)))
    kept.put("600000", Had(7, (b"a", b"b")))
    assert kept["600000"] == Had(7, (b"a", b"b"))
    assert kept.weight == 502


def test_what_was_asked_for_the_longest_ago_goes_first() -> None:
    kept: Kept[str] = Kept(3_000)
    for name in ("old", "used", "new"):
        kept.put(name, Had(1, (bytes(400),)))
    kept.put("used", kept["used"])
    kept.put("newer", Had(1, (bytes(400),)))
    assert kept["old"].pieces == ()
    assert [len(kept[name].pieces) for name in ("used", "new", "newer")] == [1, 1, 1]
    kept.put("large", Had(1, (bytes(9_000),)))
    assert [bool(kept[name].pieces) for name in ("used", "new", "newer", "large")] == [
        False,
        False,
        False,
        True,
    ]
