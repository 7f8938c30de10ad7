"""That malformed messages are many, broken in every way, and the same for one seed."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from tests.chaos.mutate import Corpus, json_bytes, twisted

ORDER = {"MsgType": "ReqOrderInsert", "InputOrder": {"Volume": 1, "Legs": [1, 2]}, "RequestID": 3}


def grown(seed: int, count: int = 2000) -> list[bytes]:
    corpus = Corpus([ORDER, b"raw bytes"], json_bytes, Random(seed))
    return [corpus.next() for _ in range(count)]


def test_one_seed_gives_the_same_messages_and_another_one_others() -> None:
    assert grown(1) == grown(1) != grown(2)


def test_nearly_all_differ_from_the_sample_and_from_each_other() -> None:
    messages = grown(1)
    assert messages.count(json_bytes(ORDER)) < 20
    assert len(set(messages)) > 1500


def test_some_are_still_documents_and_some_are_not() -> None:
    def reads(message: bytes) -> bool:
        try:
            msgspec.json.decode(message)
        except (ValueError, RecursionError):
            return False
        return True

    readable = sum(map(reads, grown(1)))
    assert 200 < readable < 1800


def test_a_twisted_document_leaves_its_sample_alone() -> None:
    sample: dict[str, Any] = msgspec.json.decode(json_bytes(ORDER))
    for seed in range(500):
        json_bytes(twisted(sample, Random(seed)))  # it has an end
    assert sample == ORDER


def test_what_is_answered_in_a_new_way_is_grown_from() -> None:
    corpus = Corpus([ORDER], json_bytes, Random(1))
    corpus.learn([b"one", b"two", b"x" * 5000], ["-400 not JSON"])
    assert len(corpus) == 3
    corpus.learn([b"three"], ["-400 not JSON"])
    assert len(corpus) == 3
    for number in range(2000):
        corpus.learn([b"%d" % number], [str(number)])
    assert len(corpus) == 600


def test_what_has_grown_too_deep_to_be_copied_is_no_end_of_it() -> None:
    deep: list[Any] = []
    for _ in range(3000):
        deep = [deep]
    corpus = Corpus([deep], json_bytes, Random(1))
    assert len({corpus.next() for _ in range(200)}) > 100
