"""Whether a client is gone."""

from __future__ import annotations

from td_worker.presence import Idle, Presence


class FakeRouter:
    def __init__(self, *away: bytes) -> None:
        self.away = set(away)

    def reachable(self, peer: bytes) -> bool:
        return peer not in self.away


def test_only_who_is_away_for_the_whole_time_is_gone() -> None:
    router = FakeRouter(b"b", b"c")
    presence = Presence(router, gone_s=10)
    peers = [b"a", b"b", b"c"]
    assert presence.gone(peers, 100) == set()
    router.away = {b"b"}
    assert presence.gone(peers, 105) == set()
    router.away = {b"b", b"c"}
    assert presence.gone(peers, 109.9) == set()
    assert presence.gone(peers, 110) == {b"b"}
    assert presence.gone(peers, 119.9) == {b"c"}


def test_it_looks_several_times_within_that_time() -> None:
    presence = Presence(FakeRouter(), gone_s=10)
    presence.gone([], 100)
    assert not presence.due(101.9)
    assert presence.due(102)


def test_a_session_ends_when_nobody_has_used_it_for_so_long() -> None:
    idle = Idle(10)
    heard = [idle.over(used, now) for used, now in ((False, 0), (False, 9), (True, 9), (False, 9))]
    assert heard == [False] * 4
    assert (idle.over(False, 18), idle.over(False, 19)) == (False, True)
    assert Idle(0).over(False, 0)
    assert not Idle(None).over(False, 1e9)
