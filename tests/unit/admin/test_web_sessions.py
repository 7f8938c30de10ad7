"""When a session of the web page ends."""

from __future__ import annotations

import pytest

from admin.web.sessions import FAREWELL_S, LONGEST_S, Session, Sessions

IDLE_S = 60.0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(IDLE_S, clock)


def start(sessions: Sessions, user: str = "admin") -> tuple[str, Session]:
    token = sessions.start(user, "127.0.0.1", "en")
    found = sessions.find(token)
    assert found is not None
    return token, found


def test_only_its_token_finds_it(sessions: Sessions) -> None:
    token, session = start(sessions)
    assert sessions.find(token) is session
    for other in ("", token[:-1], token + "x", "\ud800"):
        assert sessions.find(other) is None


def test_it_ends_some_time_after_its_last_use_and_not_before(
    sessions: Sessions, clock: Clock
) -> None:
    token, session = start(sessions)
    for _ in range(5):
        clock.now += IDLE_S - 1
        assert sessions.find(token) is session
        sessions.use(session)
    clock.now += IDLE_S
    assert sessions.find(token) is None
    sessions.use(session)  # too late
    assert not sessions.alive(session)


def test_it_ends_after_half_a_day_however_busy_its_user_is(
    sessions: Sessions, clock: Clock
) -> None:
    _, session = start(sessions)
    until = clock.now + LONGEST_S
    while clock.now < until:
        assert sessions.alive(session)
        sessions.use(session)
        clock.now += IDLE_S / 2
    assert not sessions.alive(session)


def test_its_pages_have_a_moment_to_say_so(sessions: Sessions, clock: Clock) -> None:
    _, session = start(sessions)
    assert not sessions.long_over(session)
    sessions.end(session)
    assert not sessions.long_over(session)
    clock.now += FAREWELL_S + 1
    assert sessions.long_over(session)


def test_a_new_password_ends_the_other_sessions_of_its_user(sessions: Sessions) -> None:
    (kept, mine), (lost, _), (others, _) = start(sessions), start(sessions), start(sessions, "b")
    sessions.end_others(mine)
    assert [sessions.find(token) is not None for token in (kept, lost, others)] == [
        True,
        False,
        True,
    ]


def test_the_oldest_of_too_many_ends(sessions: Sessions) -> None:
    first, _ = start(sessions)
    tokens = [start(sessions)[0] for _ in range(100)]
    assert sessions.find(first) is None
    assert all(sessions.find(token) is not None for token in tokens)
