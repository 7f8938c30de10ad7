"""When the Beats of many topics are sent."""

from __future__ import annotations

from bus.beats import Beats


class Sent:
    """Stands for a publisher: what each turn told."""

    def __init__(self) -> None:
        self.turns: list[list[str]] = []

    def beat(self, topics: list[str]) -> None:
        self.turns.append(topics)

    @property
    def topics(self) -> list[str]:
        return [topic for turn in self.turns for topic in turn]


def test_each_topic_is_told_once_a_second_in_slices() -> None:
    sent = Sent()
    topics = [f"tick/{number}/" for number in range(120)]
    beats = Beats(sent, lambda: topics)  # type: ignore[arg-type]
    for _ in range(5):
        beats.step(10.0)
    assert [len(turn) for turn in sent.turns] == [50, 50, 20]
    assert sent.topics == topics
    beats.step(10.99)
    assert len(sent.turns) == 3
    beats.step(11.0)
    assert beats.busy
    assert sent.topics[120:] == topics[:50]


def test_without_topics_there_is_nothing_to_do() -> None:
    sent = Sent()
    beats = Beats(sent, list)  # type: ignore[arg-type]
    beats.step(0.0)
    assert (sent.turns, beats.busy) == ([], False)


def test_a_loop_that_stood_still_tells_each_topic_once() -> None:
    sent = Sent()
    beats = Beats(sent, lambda: ["a/"])  # type: ignore[arg-type]
    for now in (1.0, 60.0, 60.5):
        beats.step(now)
    assert sent.topics == ["a/", "a/"]
