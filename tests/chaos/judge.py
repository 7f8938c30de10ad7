"""The verdict: what clients were told and td_worker has on record against the exchange's record.

Everything is keyed by the mark that the client put into the order's BusinessUnit. No I/O.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from bus.orders import FINAL, OrderState, Outcome

from .diary import Entry, Intent, NoRecord, Refused, Saw, Told, Tried, Wanted, Wrong, mark
from .trouble import is_outside

KINDS: Final = (
    "sent twice",
    "without an intent",
    "changed on the way",
    "stated wrongly",
    "unresolved",
    "shown to others",
    "identity differs",
)
_REACHED: Final = frozenset({"ACK", "REJECTED", "FILLED", "CANCELLED"})
_NEVER_TAKEN: Final = frozenset({"REJECTED", "NOT_SENT"})
_FINAL: Final = frozenset(state.value for state in FINAL)


class Fault(NamedTuple):
    """One thing that must not be."""

    kind: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.mark}: {self.text}"


@dataclass
class Fact:
    """What the exchange knows of the orders with one mark.

    ``turned_away`` came over a connection that was not logged in: the counter answers with an
    error that it repeats to nobody, so whoever missed that may take them for never sent.
    """

    accepted: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    turned_away: list[dict[str, Any]] = field(default_factory=list)
    traded: int = 0
    ended: bool = False

    @property
    def taken(self) -> list[dict[str, Any]]:
        return self.accepted + self.refused

    @property
    def arrived(self) -> list[dict[str, Any]]:
        return self.taken + self.turned_away


@dataclass
class Story:
    """What one client wrote of one order."""

    user: str
    id: str
    intent: Intent
    tried: list[Tried] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    refused: dict[int, Refused] = field(default_factory=dict)
    absent: list[NoRecord] = field(default_factory=list)

    @property
    def mark(self) -> str:
        return mark(self.user, self.id)

    @property
    def never_sent(self) -> bool:
        """Whether of every attempt it was said that nothing was sent."""
        return all(attempt.number in self.refused for attempt in self.tried)

    @property
    def over_ns(self) -> int:
        """From then on no attempt may be executed any more."""
        return max((attempt.deadline_ns for attempt in self.tried), default=0)


@dataclass
class Evidence:
    """All that is known at the end.

    ``outcomes``: by mark, None when there is no record. ``stores``: by user, the marks of his
    recorded intents by OrderMemo.
    """

    ledger: list[dict[str, Any]]
    diaries: Mapping[tuple[str, str], Iterable[Entry]]
    outcomes: Mapping[str, Outcome | None]
    stores: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    deaths_ns: tuple[int, ...] = ()  # when the exchange was killed, and with it what it knew


class Verdict(NamedTuple):
    faults: list[Fault]
    stories: list[Story]
    answers: Counter[str]


def facts(ledger: Iterable[dict[str, Any]]) -> dict[str, Fact]:
    """By mark."""
    found: defaultdict[str, Fact] = defaultdict(Fact)
    numbers: dict[tuple[str, str], Fact] = {}
    for entry in ledger:
        match entry["kind"]:
            case "AcceptedOrder":
                fact = found[entry["business_unit"]]
                fact.accepted.append(entry)
                numbers[entry["exchange"], entry["order_sys_id"]] = fact
            case "RefusedOrder":
                fact = found[entry["business_unit"]]
                (fact.refused if entry["session_id"] else fact.turned_away).append(entry)
            case "ExecutedTrade":
                numbers[entry["exchange"], entry["order_sys_id"]].traded += entry["volume"]
            case "EndedOrder":
                numbers[entry["exchange"], entry["order_sys_id"]].ended = True
    return dict(found)


def judge(evidence: Evidence) -> Verdict:
    stories, faults = _stories(evidence.diaries)
    known = facts(evidence.ledger)
    for name, fact in known.items():
        faults += _arrivals(name, fact, stories.get(name), evidence)
    for name, story in stories.items():
        fact = known.get(name, Fact())
        faults += _statements(story, fact, evidence.deaths_ns)
        if not evidence.deaths_ns:
            faults += _end(name, evidence.outcomes.get(name), fact)
        elif (outcome := evidence.outcomes.get(name)) is not None:
            faults += _consistent(story, outcome)
    answers = Counter(told.state for story in stories.values() for told in story.told)
    return Verdict(faults, list(stories.values()), answers)


def _stories(
    diaries: Mapping[tuple[str, str], Iterable[Entry]],
) -> tuple[dict[str, Story], list[Fault]]:
    stories: dict[str, Story] = {}
    faults: list[Fault] = []
    shown: defaultdict[str, set[tuple[int, str]]] = defaultdict(set)
    for (user, _), entries in diaries.items():
        for entry in entries:
            match entry:
                case Wanted():
                    stories[mark(user, entry.id)] = Story(user, entry.id, entry.intent)
                case Tried():
                    stories[mark(user, entry.id)].tried.append(entry)
                case Told():
                    stories[mark(user, entry.id)].told.append(entry)
                    if entry.session_id:
                        shown[mark(user, entry.id)].add((entry.session_id, entry.order_ref.strip()))
                case Refused():
                    stories[mark(user, entry.id)].refused[entry.number] = entry
                case NoRecord():
                    stories[mark(user, entry.id)].absent.append(entry)
                case Saw():
                    shown[entry.mark].add((entry.session_id, entry.order_ref))
                case Wrong():
                    faults.append(Fault("shown to others", user, entry.text))
    for name, identities in shown.items():
        if len(identities) > 1:
            faults.append(Fault("identity differs", name, f"seen as {sorted(identities)}"))
    return stories, faults


def _arrivals(name: str, fact: Fact, story: Story | None, evidence: Evidence) -> Iterable[Fault]:
    """What the exchange got must have been wanted, recorded, and got once."""
    if len(fact.arrived) > 1:
        yield Fault("sent twice", name, f"{len(fact.arrived)} times: {fact.arrived}")
    if story is None and is_outside(name):
        return
    if story is None:
        yield Fault("without an intent", name, "no client wanted it")
        return
    for entry in fact.arrived:
        recorded = evidence.stores.get(story.user)
        if recorded is not None and recorded.get(entry["order_memo"]) != name:
            theirs = recorded.get(entry["order_memo"])
            text = f"memo {entry['order_memo']!r} is of {theirs} in the store"
            yield Fault("without an intent", name, text)
        if entry["user"] != story.user:
            yield Fault("shown to others", name, f"placed on the account {entry['user']}")
    for entry in fact.accepted:
        ours = story.intent
        for key in ("instrument", "exchange", "direction", "offset", "price", "volume"):
            if entry[key] != getattr(ours, key):
                text = f"{key} {entry[key]!r} instead of {getattr(ours, key)!r}"
                yield Fault("changed on the way", name, text)


def _statements(story: Story, fact: Fact, deaths_ns: tuple[int, ...]) -> Iterable[Fault]:
    """What the client was told at the time."""
    name = story.mark
    if fact.arrived and story.tried and story.never_sent:
        yield Fault("stated wrongly", name, "each attempt was refused, but it arrived")
    if fact.arrived and any(gone.at_ns > story.over_ns + 10**8 for gone in story.absent):
        yield Fault("stated wrongly", name, "told that it is not on record, but it arrived")
    for told in story.told:
        if told.state == "NOT_SENT" and fact.taken and not _forgot(fact, told, deaths_ns):
            yield Fault("stated wrongly", name, f"told NOT_SENT, but it arrived: {told}")
        if told.state == "REJECTED" and fact.accepted:
            yield Fault("stated wrongly", name, f"told REJECTED, but it was accepted: {told}")
        if told.state in _REACHED and not fact.arrived:
            yield Fault("stated wrongly", name, f"told {told.state}, but it never arrived: {told}")
        if told.state == "FILLED" and fact.traded != story.intent.volume:
            yield Fault("stated wrongly", name, f"told FILLED, but {fact.traded} traded: {told}")
        if told.state == "CANCELLED" and not fact.ended:
            yield Fault("stated wrongly", name, f"told CANCELLED, but it has not ended: {told}")
        if told.volume_traded > fact.traded:
            yield Fault("stated wrongly", name, f"told of more trades than {fact.traded}: {told}")
    finals = {told.state for told in story.told if told.state in _FINAL}
    if len(finals) > 1:
        yield Fault("stated wrongly", name, f"told several ends: {sorted(finals)}")


def _forgot(fact: Fact, told: Told, deaths_ns: tuple[int, ...]) -> bool:
    """Whether the exchange that had the order died before this was said, and its successor, which
    begins with empty books, denies it."""
    arrived_ns = max(entry["now_ns"] for entry in fact.taken)
    return any(arrived_ns < death <= told.at_ns for death in deaths_ns)


def _end(name: str, outcome: Outcome | None, fact: Fact) -> Iterable[Fault]:
    """What is on record in the end must be what the exchange has."""
    said = "no record" if outcome is None else outcome.state.value
    truth = expected(fact)
    if outcome is not None and outcome.state in (
        OrderState.INTENT,
        OrderState.SENT,
        OrderState.UNKNOWN,
    ):
        yield Fault("unresolved", name, f"{said} in the end, the exchange has {truth}")
    elif not agrees(said, fact):
        kind = "without an intent" if outcome is None else "stated wrongly"
        yield Fault(kind, name, f"{said} in the end, the exchange has {truth}: {outcome}")
    elif outcome is not None and fact.accepted:
        (order,) = fact.accepted[-1:]
        theirs = (order["exchange"], order["order_sys_id"].strip(), fact.traded)
        ours = (outcome.exchange_id, outcome.order_sys_id.strip(), outcome.volume_traded)
        if ours != theirs:
            yield Fault("stated wrongly", name, f"{ours} in the end, the exchange has {theirs}")


def _consistent(story: Story, outcome: Outcome) -> Iterable[Fault]:
    """With an exchange that forgot: an end that was told is no other end later. It may be unknown
    again, when td_worker died before it had written it and nobody can tell it again; and why an
    order was never taken may be forgotten."""
    end = outcome.state.value
    if end not in _FINAL:
        return
    for told in story.told:
        if told.state in _FINAL and told.state != end and {told.state, end} != _NEVER_TAKEN:
            yield Fault("stated wrongly", story.mark, f"told {told.state}, in the end {end}")


def expected(fact: Fact) -> str:
    """The state that the exchange's record means; "no record" for what never arrived."""
    if not fact.accepted:
        return "REJECTED" if fact.arrived else "no record"
    if fact.ended:
        return "CANCELLED"
    return "FILLED" if fact.traded == fact.accepted[-1]["volume"] else "ACK"


def agrees(said: str, fact: Fact) -> bool:
    """Whether a state, or "no record", is what the exchange's record means."""
    return said == expected(fact) or (said == "NOT_SENT" and not fact.taken)
