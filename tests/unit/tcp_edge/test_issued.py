"""How many authcodes of a user may still be used."""

from __future__ import annotations

from bus.authcodes import Grant
from tcp_edge.login.issued import Issued


def grant(user: str, expires: int, serial: int) -> Grant:
    return Grant(user=user, account="", rights=("quote",), expires=expires, serial=serial)


def test_those_that_have_expired_or_ended_count_no_more() -> None:
    issued = Issued()
    for expires, serial in ((100, 1), (200, 1), (200, 2)):
        issued.add(grant("a", expires, serial))
    issued.add(grant("b", 100, 1))
    assert issued.live(50, lambda user, serial: False) == {"a": 3, "b": 1}
    assert issued.live(100, lambda user, serial: False) == {"a": 2}
    assert issued.live(100, lambda user, serial: serial == 1) == {"a": 1}


def test_it_is_bounded() -> None:
    issued = Issued()
    for number in range(3000):
        issued.add(grant(f"u{number}", 100, 1))
        issued.add(grant("busy", 100, 1))
    live = issued.live(0, lambda user, serial: False)
    assert len(live) == 1000
    assert live["busy"] == 1000
