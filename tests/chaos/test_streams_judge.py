"""The verdict on streams finds each kind of wrong, and nothing wrong where all is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from bus.frames import HEADER, message_type
from td_worker.returns.records import NO_DIGEST, DayFile

from .streams_diary import Anew, Diary, Ended, Entry, Got, Hole, Missed, Pages, Silence
from .streams_judge import Judge, Promise
from .streams_ledger import Entry as Published
from .streams_ledger import JournalLedger, Ledger, entry_of
from .streams_readers import Resumer

T = "tick/rb2701/"
NOWHERE = Path("/nonexistent")


def digest(epoch: int, seq: int) -> str:
    return f"{epoch}.{seq}"


def got(epoch: int, seq: int) -> Got:
    return Got(T, epoch, seq, digest(epoch, seq))


def run(epoch: int, *seqs: int) -> list[Entry]:
    return [got(epoch, seq) for seq in seqs]


def shown(epoch: int, *seqs: int) -> list[Entry]:
    """By a way on which the form changes."""
    return [Got(T, epoch, seq) for seq in seqs]


def verdict(promise: Promise, entries: list[Entry], **epochs: int) -> Judge:
    """With so many messages published in each epoch: ``e7=5``."""
    ledger = Ledger(NOWHERE)
    for name, count in (epochs or {"e7": 6}).items():
        for seq in range(1, count + 1):
            epoch = int(name[1:])
            ledger.add(Published(T, epoch, seq, digest(epoch, seq)))
    judge = Judge("somebody", promise, ledger)
    judge.take(entries)
    judge.finish([T])
    return judge


def all_kinds(promise: Promise, entries: list[Entry], **epochs: int) -> list[str]:
    return [fault.kind for fault in verdict(promise, entries, **epochs).faults]


def kinds(promise: Promise, entries: list[Entry], **epochs: int) -> list[str]:
    """Without the sums, which most faults spoil too."""
    return [kind for kind in all_kinds(promise, entries, **epochs) if kind != "totals"]


TWO = {"e7": 4, "e8": 2}


@pytest.mark.parametrize("promise", ["ticks", "returns"])
def test_whatever_comes_once_and_in_order_is_right(promise: Promise) -> None:
    assert kinds(promise, run(7, 1, 2, 3, 4, 5, 6)) == []
    whole = [*run(7, 1, 2, 3, 4), Silence(T, False), Anew(T, 8), Silence(T, True), *run(8, 1, 2)]
    assert kinds(promise, whole, **TWO) == []


def test_a_late_joiner_begins_anywhere() -> None:
    assert kinds("ticks", run(7, 4, 5, 6)) == []
    assert kinds("counts", shown(7, 4, 5, 6)) == []


def test_what_a_late_joiner_is_told_of_before_its_first_message_is_not_owed_later() -> None:
    assert kinds("counts", [Missed(T, 3), *shown(7, 4), Missed(T, 1), *shown(7, 6)]) == []
    assert kinds("counts", [Missed(T, 3), *shown(7, 4, 6)]) == ["hidden loss"]


def test_a_hole_that_is_told_is_no_fault_of_ticks_and_counted() -> None:
    judge = verdict("ticks", [*run(7, 1), Hole(T, 7, 2, 4), *run(7, 5, 6)])
    assert judge.faults == []
    assert judge.accounts[T].reported[7] == 3
    assert judge.accounts[T].got[7] == 3
    left = [*run(7, 1, 2), Hole(T, 7, 3, None), Anew(T, 8), *run(8, 1, 2)]
    assert kinds("ticks", left, **TWO) == []


def test_a_hole_in_returns_is_a_loss_even_when_it_is_told() -> None:
    assert kinds("returns", [*run(7, 1), Hole(T, 7, 2, 4), *run(7, 5, 6)]) == ["lost return"]
    left = [*run(7, 1, 2), Anew(T, 8), *run(8, 1, 2)]
    assert kinds("returns", left, **TWO) == ["lost return"]


def test_a_hole_that_is_not_told_is_found() -> None:
    assert kinds("ticks", run(7, 1, 2, 4, 5, 6)) == ["hidden loss"]
    assert kinds("ticks", [*run(7, 1), Hole(T, 7, 2, 3), *run(7, 5, 6)]) == ["hidden loss"]


def test_a_new_epoch_must_be_told_and_what_was_left_of_the_old_one() -> None:
    assert kinds("ticks", [*run(7, 1, 2, 3, 4), *run(8, 1, 2)], **TWO) == ["hidden loss"]
    left = [*run(7, 1, 2), Anew(T, 8), *run(8, 1, 2)]
    assert kinds("ticks", left, **TWO) == ["hidden loss"]
    skipped = [*run(7, 1, 2, 3, 4), Anew(T, 9), *run(9, 1)]
    assert kinds("ticks", skipped, **TWO, e9=1) == ["hidden loss"]
    late = [*run(7, 1, 2, 3, 4), Anew(T, 8), *run(8, 2)]
    assert kinds("ticks", late, **TWO) == ["hidden loss"]


def test_a_message_that_comes_twice_or_out_of_order_is_found() -> None:
    assert kinds("ticks", run(7, 1, 2, 2, 3, 4, 5, 6)) == ["twice"]
    assert kinds("ticks", [*run(7, 1), Hole(T, 7, 2, 2), *run(7, 3, 2, 4, 5, 6)]) == ["twice"]


def test_an_old_epoch_after_a_new_one_is_found() -> None:
    entries = [*run(7, 1, 2, 3, 4), Anew(T, 8), *run(8, 1), *run(7, 4), *run(8, 2)]
    assert kinds("ticks", entries, **TWO) == ["old epoch"]


def test_a_message_that_was_changed_or_made_up_is_found() -> None:
    changed: list[Entry] = [*run(7, 1, 2), Got(T, 7, 3, "other"), *run(7, 4, 5, 6)]
    assert kinds("ticks", changed) == ["changed"]
    assert "invented" in kinds("ticks", run(7, 1, 2, 3, 4, 5, 6, 7))


def test_a_notice_that_says_what_is_not_so_is_found() -> None:
    assert kinds("ticks", [*run(7, 1, 2, 3), Hole(T, 7, 2, 4), *run(7, 5, 6)]) == ["wrong notice"]
    assert kinds("ticks", [*run(7, 1, 2, 3, 4, 5, 6), Hole(T, 7, 7, 9)])[0] == "wrong notice"
    assert "wrong notice" in kinds("ticks", [*run(7, 1, 2, 3, 4, 5, 6), Anew(T, 7)])


def test_an_end_that_does_not_come_is_found() -> None:
    assert kinds("ticks", run(7, 1, 2, 3)) == ["end missing"]
    assert kinds("ticks", []) == ["end missing"]
    assert kinds("ticks", [*run(7, 1, 2, 3), Hole(T, 7, 4, 6)]) == []
    assert kinds("returns", [*run(7, 1, 2, 3, 4, 5, 6), Ended("why")]) == ["ended"]


def test_counts_must_say_exactly_what_is_missing_before_the_next_message() -> None:
    assert kinds("counts", [*shown(7, 1), Missed(T, 2), Missed(T, 1), *shown(7, 5, 6)]) == []
    assert kinds("counts", [*shown(7, 1), Missed(T, 2), *shown(7, 5, 6)]) == ["hidden loss"]
    assert kinds("counts", [*shown(7, 1), Missed(T, 4), *shown(7, 5, 6)]) == ["wrong notice"]
    assert kinds("counts", [*shown(7, 1, 2, 3), Missed(T, 3)]) == []
    assert kinds("counts", shown(7, 1, 2, 5, 6)) == ["hidden loss"]


def test_a_new_epoch_shows_in_counts_as_what_nobody_knows() -> None:
    assert kinds("counts", [*shown(7, 1, 2), Missed(T, None), *shown(8, 2)], **TWO) == []
    assert kinds("counts", [*shown(7, 1, 2), *shown(8, 1, 2)], **TWO) == ["hidden loss"]
    goes_on = [*shown(7, 1, 2), Missed(T, None), *shown(7, 4), Missed(T, None), *shown(8, 2)]
    assert kinds("counts", goes_on, **TWO) == ["wrong notice"]
    back = [*shown(7, 1), Missed(T, None), *shown(8, 1), *shown(7, 2), *shown(8, 2)]
    assert kinds("counts", back, **TWO) == ["old epoch"]


def test_the_sums_of_each_topic_and_epoch_are_reconciled() -> None:
    assert all_kinds("ticks", run(7, 1, 2, 3, 4, 5, 6)) == []
    assert "totals" in all_kinds("ticks", run(7, 1, 2, 4, 5, 6))
    judge = verdict("ticks", [*run(7, 2), Hole(T, 7, 3, None), Anew(T, 8), *run(8, 1, 2)], **TWO)
    assert judge.faults == []
    assert judge.counts["published"] == 5
    assert judge.counts["gone with their publisher"] == 2
    assert all_kinds("counts", [*shown(7, 1, 2), Missed(T, 4)]) == []


def test_of_returns_the_journal_says_what_must_come_and_the_ledger_what_may(
    tmp_path: Path,
) -> None:
    frames = [T.encode() + b"\0" + HEADER.pack(7, seq, 2, 3, 4, 5, 6) for seq in (1, 2)]
    (tmp_path / "ledger").write_bytes(b"".join(entry_of(frame) for frame in frames))
    folder = tmp_path / "account" / "returns"
    day = DayFile(folder / "20261123.returns")
    day.append(NO_DIGEST, frames[0])
    day.close()
    ledger = JournalLedger(tmp_path / "ledger", tmp_path)
    ledger.read()
    assert ledger.end(T) == (7, 1)
    assert None not in (ledger.digest(T, 7, 1), ledger.digest(T, 7, 2))


def test_a_client_of_the_edge_goes_on_from_its_place() -> None:
    resumer = Resumer(T)
    assert resumer.login("1")["Resume"] == "0-0"
    away = {"MsgType": "RspUserLogin", "RspInfo": {"ErrorID": -1}}
    good = {"MsgType": "RspUserLogin", "RspInfo": {"ErrorID": 0}, "Place": "7-9"}
    assert [resumer.refused(heard) for heard in (away, good)] == [True, False]
    assert resumer.hear(good) == []
    assert resumer.hear({"MsgType": "RtnOrder", "Place": "7-2"}) == [Got(T, 7, 2)]
    assert resumer.hear({"MsgType": "RtnInstrumentStatus", "Place": "7-3"}) == []
    assert resumer.hear({"MsgType": "Pong"}) == []
    assert resumer.login("1")["Resume"] == "7-3"
    assert resumer.hear({"MsgType": "RtnTrade", "Place": "9-1"}) == [Anew(T, 9), Got(T, 9, 1)]
    assert resumer.hear({"MsgType": "Gap", "Place": "9-2"}) == [Hole(T, 9, 2, None)]


def test_of_the_edge_only_what_it_shows_must_come(tmp_path: Path) -> None:
    kind = message_type("OnRtnOrder")
    day = DayFile(tmp_path / "account" / "returns" / "20261123.returns")
    for seq in range(1, 6):
        shown_kind = kind if seq in (2, 4) else 1
        header = HEADER.pack(7, seq, 2, 3, shown_kind, 5, 6)
        day.append(NO_DIGEST, T.encode() + b"\0" + header)
    day.close()
    ledger = JournalLedger(tmp_path / "ledger", tmp_path, ["OnRtnOrder"])
    ledger.read()
    judge = Judge("edge", "returns", ledger)
    judge.take(shown(7, 2, 4))
    judge.finish([T])
    assert judge.faults == []
    other = Judge("edge", "returns", ledger)
    other.take(shown(7, 1, 5))
    assert [fault.kind for fault in other.faults] == ["hidden loss"]


def test_ledger_and_diary_are_read_on_while_they_are_written(tmp_path: Path) -> None:
    first, second = (
        entry_of(T.encode() + b"\0" + HEADER.pack(7, seq, 2, 3, 4, 5, 6) + b"body")
        for seq in (1, 2)
    )
    path = tmp_path / "ledger"
    path.write_bytes(first + second[:-3])
    ledger = Ledger(path)
    ledger.read()
    assert (len(ledger), ledger.end(T)) == (1, (7, 1))
    path.write_bytes(first + second)
    ledger.read()
    assert ledger.end(T) == (7, 2)
    assert ledger.digest(T, 7, 1) != ledger.digest(T, 7, 2)
    diary, pages = Diary(tmp_path / "diary"), Pages(tmp_path / "diary")
    diary.write(got(7, 1))
    assert list(pages.new()) == [got(7, 1)]
    with (tmp_path / "diary").open("ab") as file:
        file.write(b'["hole","to')
    assert list(pages.new()) == []
    with (tmp_path / "diary").open("ab") as file:
        file.write(b'pic",7,2,null]\n')
    assert list(pages.new()) == [Hole("topic", 7, 2, None)]
    diary.close()
