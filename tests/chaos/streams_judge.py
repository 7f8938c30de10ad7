"""The verdict: what each subscriber was given against the publisher's record. No I/O.

Every message after the first one that a subscriber got of a topic must have come once, unchanged
and in order, or its absence must have been told; never a message of an epoch that is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from .streams_diary import Anew, Ended, Entry, Figures, Got, Hole, Missed, Silence
from .streams_ledger import Ledger

KINDS: Final = (
    "hidden loss",
    "twice",
    "old epoch",
    "changed",
    "invented",
    "wrong notice",
    "lost return",
    "end missing",
    "ended",
    "not healed",
    "totals",
)
# What a subscriber is promised. ticks: holes are told with their seqs. counts: the number of the
# missing is told before the next one. returns: there are no holes.
Promise = Literal["ticks", "counts", "returns"]


class Fault(NamedTuple):
    """One thing that must not be."""

    kind: str
    who: str
    topic: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.who}: {self.topic}: {self.text}"


@dataclass
class Account:
    """One topic as one subscriber got it: the place up to which nothing is open."""

    epoch: int = 0
    seq: int = 0
    owed: int = 0  # told as missing, the next message shows whether it is right
    unknown: bool = False  # told that nobody knows how many
    told_anew: int = 0
    begun: dict[int, int] = field(default_factory=dict)  # by epoch: the seq before the first one
    got: Counter[int] = field(default_factory=Counter)
    reported: Counter[int] = field(default_factory=Counter)


class Judge:
    """Takes the entries of one subscriber in their order. ``ledger`` must hold at least what was
    published before they were written."""

    def __init__(self, who: str, promise: Promise, ledger: Ledger) -> None:
        self._who, self._promise, self._ledger = who, promise, ledger
        self.accounts: dict[str, Account] = {}
        self.faults: list[Fault] = []
        self.figures: dict[str, int] = {}
        self.counts: Counter[str] = Counter()

    def take(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            match entry:
                case Got():
                    self._got(self._account(entry.topic), entry)
                case Hole():
                    self._hole(self._account(entry.topic), entry)
                case Missed():
                    self._missed(self._account(entry.topic), entry)
                case Anew():
                    self._anew(self._account(entry.topic), entry)
                case Silence():
                    self.counts["silences told"] += not entry.over
                case Figures():
                    self.figures = entry.values
                case Ended():
                    self._fault("ended", "", entry.why)

    def epoch(self, topic: str) -> int:
        """To which the topic has come here."""
        return self._place(topic)[0]

    def behind(self, topics: Iterable[str]) -> list[str]:
        """Topics whose end has not come here."""
        return [name for name in topics if self._place(name) != self._ledger.end(name)]

    def finish(self, topics: Iterable[str]) -> None:
        """Nothing comes any more."""
        for name in self.behind(topics):
            text = f"ends at {self._place(name)}, published until {self._ledger.end(name)}"
            self._fault("end missing", name, text)
        for name in topics if self._promise != "returns" else ():  # of them none may be missing
            self._reconcile(name, self._account(name))

    def _reconcile(self, topic: str, account: Account) -> None:
        """What was published must be what was got, what was told as missing, and in epochs that are
        over the end that went with the publisher."""
        account.reported[account.epoch] += account.owed
        for epoch, begun in account.begun.items():
            given = begun + account.got[epoch] + account.reported[epoch]
            rest = self._ledger.last(topic, epoch) - given
            self.counts["published"] += self._ledger.last(topic, epoch) - begun
            self.counts["gone with their publisher"] += rest
            if rest < 0 or (rest and epoch == account.epoch):
                self._fault("totals", topic, f"{rest} of {epoch} are neither here nor told")

    def _place(self, topic: str) -> tuple[int, int]:
        account = self.accounts.get(topic, Account())
        return account.epoch, account.seq + account.owed

    # -- entries -----------------------------------------------------------------------------

    def _got(self, account: Account, got: Got) -> None:
        self.counts["got"] += 1
        self._compare(got)
        if got.epoch < account.epoch:
            self._fault("old epoch", got.topic, f"{got.epoch} after {account.epoch}")
            return
        if account.epoch and got.epoch == account.epoch and got.seq <= account.seq:
            self._fault("twice", got.topic, f"{got.seq} of {got.epoch} after {account.seq}")
            return
        account.got[got.epoch] += 1
        if not account.epoch:
            account.epoch = got.epoch
            account.seq = account.begun[got.epoch] = got.seq - 1
            account.owed = 0  # told of what was lost before the first one
        elif got.epoch > account.epoch:
            self._enter(account, got.topic, got.epoch)
            if self._promise == "counts":
                account.seq = account.begun[got.epoch] = got.seq - 1
        elif self._promise == "counts":
            self._settle(account, got)
        missing = self._ledger.missing(got.topic, got.epoch, account.seq, got.seq)
        if missing and not account.unknown:
            text = f"{len(missing)} of {got.epoch} before {got.seq}, the first is {missing[0]}"
            self._fault("hidden loss", got.topic, text)
        account.seq, account.unknown = got.seq, False

    def _settle(self, account: Account, got: Got) -> None:
        """With counts alone: do they say what is missing before this one?"""
        missing, owed = got.seq - account.seq - 1, account.owed
        account.owed, account.seq = 0, got.seq - 1
        if account.unknown:
            self._fault("wrong notice", got.topic, f"{got.epoch} goes on, told that it is over")
            return
        account.reported[got.epoch] += owed
        if missing > owed:
            self._fault("hidden loss", got.topic, f"{missing} before {got.seq}, told {owed}")
        elif missing < owed:
            self._fault("wrong notice", got.topic, f"{missing} before {got.seq}, told {owed}")

    def _hole(self, account: Account, hole: Hole) -> None:
        self.counts["holes told"] += 1
        if self._promise == "returns":
            self._fault("lost return", hole.topic, f"{hole}")
        if not account.epoch:
            return
        if hole.epoch != account.epoch or hole.first != account.seq + 1:
            self._fault("wrong notice", hole.topic, f"{hole} at {account.epoch}/{account.seq}")
        if hole.last is None:
            account.unknown = True
            return
        for seq in (hole.first, hole.last):
            if self._ledger.digest(hole.topic, hole.epoch, seq) is None:
                self._fault("wrong notice", hole.topic, f"{hole}: {seq} was never published")
        account.reported[hole.epoch] += hole.last - account.seq
        account.seq = max(account.seq, hole.last)

    def _missed(self, account: Account, missed: Missed) -> None:
        self.counts["holes told"] += 1
        if missed.count is None:
            account.unknown = True
        else:
            account.owed += missed.count

    def _anew(self, account: Account, anew: Anew) -> None:
        self.counts["new starts told"] += 1
        if account.epoch and anew.epoch <= account.epoch:
            self._fault("wrong notice", anew.topic, f"{anew} in {account.epoch}")
        elif account.epoch:
            account.told_anew = anew.epoch
            self._enter(account, anew.topic, anew.epoch)

    def _enter(self, account: Account, topic: str, epoch: int) -> None:
        """Go on to a later epoch: what was left of the one before?"""
        last = self._ledger.last(topic, account.epoch)
        left = last > account.seq or self._ledger.between(topic, account.epoch, epoch)
        if self._promise == "returns" and left:
            text = f"{account.epoch} ends at {account.seq}, published until {last}"
            self._fault("lost return", topic, f"{text}; now {epoch}")
        elif left and not account.unknown:
            text = f"{account.epoch} ends at {account.seq}, published until {last}"
            self._fault("hidden loss", topic, f"{text}; now {epoch}")
        if self._promise != "counts" and account.told_anew != epoch:
            self._fault("hidden loss", topic, f"{epoch} begins without a word")
        account.epoch, account.seq, account.owed, account.unknown = epoch, 0, 0, False
        account.begun[epoch] = 0

    def _compare(self, got: Got) -> None:
        published = self._ledger.digest(got.topic, got.epoch, got.seq)
        if published is None:
            self._fault("invented", got.topic, f"{got.seq} of {got.epoch} was never published")
        elif got.digest not in ("", published):
            self._fault("changed", got.topic, f"{got.seq} of {got.epoch}")

    def _account(self, topic: str) -> Account:
        return self.accounts.setdefault(topic, Account())

    def _fault(self, kind: str, topic: str, text: str) -> None:
        self.faults.append(Fault(kind, self._who, topic, text))
