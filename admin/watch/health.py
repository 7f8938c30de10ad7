"""The lights of a group. No I/O, no clock.

Each light is about one hop, and red only for a fault of that hop: what cannot be known because a
hop before it is broken is grey. So one fault turns one light red. Names, and what each needs:

    process.PROGRAM   heard within ALIVE_S
    md_front.PROGRAM, md_login.PROGRAM   of md_worker, or of each feed: the front is connected, and
                      has let us in
    md_data.PROGRAM   in trading hours of what is subscribed: a tick within ``feed_silence_s``
    session           green: something that is subscribed trades now; grey: nothing does
    td_front, td_login   of all accounts together
    bus.PROGRAM       it hears the workers, and has lost nothing lately
    recorder.PROGRAM  it writes
    replay.PROGRAM    of tcp_edge on wire v1: lines are taken; red while the file of those that were
                      here is new because it was removed, and after the clock was set back
    orders            none is UNKNOWN
    limits            yellow: an order was refused by one lately; red: a kill switch is on
    disk              free space
    canary            what was sent through every hop has come back
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from schemas.calendar import Calendar

from .told import Told

ALIVE_S: Final = 2.0
# A process's own figures say what it sees; when they are older than this it may be frozen, which is
# another light's business.
_FRESH_S: Final = 1.3
_LAG_S: Final = 1.5  # states come each second
_START_S: Final = 5.0  # for processes to be heard first
_LOGIN_S: Final = 2.0  # a login takes a moment
_PAUSE_S: Final = 1.0  # between two looks: we stood still, not the others
_IDLE_RECORDER_S: Final = 5.0

# What is lost or late for good, by the module that counts it. For "bus".
GAPS: Final = {
    "md_merge": ("skipped",),
    "ws_edge": ("ticks_lost", "tails_lost", "returns_lost"),
    "recorder": ("gaps",),
}


_ANY: Final = "au2612"  # gold trades longest; asked about while nothing is subscribed
_REFUSES: Final = "window_refuses_s"  # a level of tcp_edge
_NOT_NEEDED: Final = ("limits", "canary", "recorder")


class Colour(StrEnum):
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    GREY = "grey"


class Light(msgspec.Struct, frozen=True):
    """``since_ns``: Unix time when it took this colour."""

    name: str
    colour: Colour
    since_ns: int
    en: str
    zh: str


class Verdict(NamedTuple):
    colour: Colour
    en: str
    zh: str


class Flight(NamedTuple):
    """The last canary. ``hop``: where it was lost. ``began``: when it started, on the clock of the
    lights."""

    came_back: bool
    hop: str = ""
    began: float = 0.0


@dataclass(frozen=True)
class Bounds:
    """See AdminConfig. ``canary``: the instrument it looks at."""

    feed_silence_s: float
    disk_free_mb: int
    limits_s: float
    instrument: str = ""


OK: Final = Verdict(Colour.GREEN, "ok", "正常")
_GREY: Final = Verdict(Colour.GREY, "not known: see the other lights", "未知：见其他灯")
_OPEN: Final = Verdict(Colour.GREEN, "open", "交易中")
_CLOSED: Final = Verdict(
    Colour.GREY, "nothing that is subscribed trades now", "已订阅的合约均不在交易时间"
)
_WAITING: Final = Verdict(Colour.GREY, "not heard yet", "尚未收到")


class Health:
    """``look`` has to be called several times a second."""

    def __init__(self, calendar: Calendar, bounds: Bounds) -> None:
        self._calendar, self._bounds = calendar, bounds
        self._lights: dict[str, Light] = {}
        self._began = self._looked = self._excused = 0.0
        self._counts: dict[tuple[str, str], int] = {}
        self._rises: dict[tuple[str, str], float] = {}
        self._pids: dict[str, int] = {}
        self._unready = self._red_until = 0.0
        self._instruments: dict[str, list[str]] = {}
        self._opened: dict[str, float] = {}  # when each feed had something to tick

    def look(
        self,
        group: Mapping[str, Told],
        free_mb: int | None,
        flight: Flight | None,
        now: float,
        wall_ns: int,
    ) -> list[Light]:
        """All lights. ``now`` is the clock of ``group``; ``free_mb`` None: not known."""
        if not self._began:
            self._began = self._looked = now
        if now - self._looked > _PAUSE_S:
            self._excused = now + ALIVE_S
        self._looked = now
        self._count(group, now)
        verdicts = self._judge(group, free_mb, now, wall_ns)
        verdicts["canary"] = self._of_canary(flight, verdicts)
        self._lights = {name: self._turn(name, verdicts[name], wall_ns) for name in verdicts}
        return list(self._lights.values())

    def _turn(self, name: str, verdict: Verdict, wall_ns: int) -> Light:
        was = self._lights.get(name)
        if was is not None and self._looked < self._excused and verdict.colour is Colour.RED:
            return was  # what we have missed while we stood still tells nothing
        since = was.since_ns if was is not None and was.colour is verdict.colour else wall_ns
        return Light(name, verdict.colour, since, verdict.en, verdict.zh)

    # -- counting ------------------------------------------------------------------------------

    def _count(self, group: Mapping[str, Told], now: float) -> None:
        """When each counter has risen last, within one start of its process."""
        for told in group.values():
            if told.stat is None:
                continue
            fresh = self._pids.get(told.program) != told.stat.pid
            self._pids[told.program] = told.stat.pid
            counts = dict(told.stat.counters)
            counts["refusals"] = sum(told.stat.kinds.get("refusals", {}).values())
            for name, count in counts.items():
                key = (told.program, name)
                if not fresh and count > self._counts.get(key, 0):
                    self._rises[key] = now
                self._counts[key] = count

    def _risen(self, told: Told, names: Iterable[str], now: float, within_s: float) -> list[str]:
        since = now - within_s
        return [name for name in names if self._rises.get((told.program, name), -1.0) >= since]

    # -- judging -------------------------------------------------------------------------------

    def _judge(
        self, group: Mapping[str, Told], free_mb: int | None, now: float, wall_ns: int
    ) -> dict[str, Verdict]:
        verdicts = {f"process.{told.program}": self._alive(told, now) for told in group.values()}
        feeds = [told for told in group.values() if told.module == "md_worker"]
        trading = {told.program: self._open(told, wall_ns) for told in feeds}
        trades = any(trading.values())
        for told in group.values():
            if told.module == "md_worker":
                verdicts |= self._of_feed(told, trading[told.program], now)
            elif told.module == "td_worker":
                verdicts |= self._of_trading(told, trades, now)
            elif told.module == "recorder":
                verdicts[f"recorder.{told.program}"] = self._of_recorder(told, now)
            elif told.module == "tcp_edge" and told.stat and _REFUSES in told.stat.levels:
                verdicts[f"replay.{told.program}"] = self._of_replays(told, now)
            if told.module in GAPS:
                verdicts[f"bus.{told.program}"] = self._of_bus(told, now)
        verdicts["session"] = _OPEN if trades else _CLOSED
        verdicts["disk"] = self._of_disk(free_mb)
        return verdicts

    def _alive(self, told: Told, now: float) -> Verdict:
        if not told.heard and now - self._began < _START_S:
            return _WAITING
        if told.heard and now - told.heard < ALIVE_S:
            return OK
        return Verdict(
            Colour.RED,
            f"{told.program} is silent: ended, frozen, or its socket is cut",
            f"{told.program} 没有声音：已结束、被冻结或套接字中断",
        )

    def _speaks(self, told: Told, now: float) -> bool:
        return bool(told.heard) and now - told.heard < ALIVE_S

    def _open(self, told: Told, wall_ns: int) -> bool:
        """Whether something trades that the feed has, or had before its front was lost."""
        if told.stat is not None and told.stat.instruments:
            self._instruments[told.program] = told.stat.instruments
        names = self._instruments.get(told.program) or [self._bounds.instrument or _ANY]
        return self._calendar.any_trades(names, wall_ns)

    def _of_feed(self, told: Told, open_: bool, now: float) -> dict[str, Verdict]:
        names = [f"{light}.{told.program}" for light in ("md_front", "md_login", "md_data")]
        state = told.state
        if not self._speaks(told, now) or not state:
            return dict.fromkeys(names, _GREY)
        if not state["logged_in"]:
            self._opened.pop(told.program, None)
        if state["front"] != "connected":
            text = ("the market data front is away", "行情前置断开")
            return dict(zip(names, (_away(text, open_), _GREY, _GREY), strict=True))
        if not state["logged_in"]:
            refused = self._of_login(state["state"], state["reason"])
            return dict(zip(names, (OK, refused, _GREY), strict=True))
        return dict(zip(names, (OK, OK, self._of_data(told, open_, now)), strict=True))

    def _of_login(self, state: str, reason: object) -> Verdict:
        if state == "refused":
            return Verdict(Colour.RED, f"the login was refused: {reason}", f"登录被拒绝：{reason}")
        return Verdict(Colour.YELLOW, "logging in", "正在登录")

    def _of_data(self, told: Told, open_: bool, now: float) -> Verdict:
        assert told.stat is not None
        if not told.stat.instruments or not open_:
            self._opened.pop(told.program, None)
            return _CLOSED
        elapsed = now - told.heard
        opened = self._opened.setdefault(told.program, now)
        if elapsed > _FRESH_S:
            return self._as_before(f"md_data.{told.program}")
        age = told.stat.ages.get("tick", -1.0)
        if age < 0:
            age = now - told.began
        if min(age + elapsed, now - opened) < self._bounds.feed_silence_s:
            return OK
        return Verdict(
            Colour.RED,
            f"no tick for {self._bounds.feed_silence_s:g} s in trading hours",
            f"交易时间内 {self._bounds.feed_silence_s:g} 秒没有行情",
        )

    def _as_before(self, name: str) -> Verdict:
        was = self._lights.get(name)
        return _GREY if was is None else Verdict(was.colour, was.en, was.zh)

    def _of_trading(self, told: Told, trades: bool, now: float) -> dict[str, Verdict]:
        names = ("td_front", "td_login", "orders", "limits")
        state, stat = told.state, told.stat
        if not self._speaks(told, now) or not state or stat is None:
            return dict.fromkeys(names, _GREY)
        front, login = self._of_accounts(state, trades, now)
        return dict(
            zip(
                names,
                (front, login, self._of_orders(told), self._of_limits(told, now)),
                strict=True,
            )
        )

    def _of_accounts(
        self, state: dict[str, object], trades: bool, now: float
    ) -> tuple[Verdict, Verdict]:
        accounts = state["accounts"]
        assert isinstance(accounts, list)
        used = [account for account in accounts if account["clients"]]
        away = sum(account["state"] == "disconnected" for account in accounts)
        waiting = sum(account["state"] not in ("ready", "disconnected") for account in used)
        self._unready = (self._unready or now) if waiting else 0.0
        if not accounts:
            none = Verdict(Colour.GREY, "no account is logged in", "没有账户登录")
            return none, none
        if away:
            en = f"the trading front is away for {away} of {len(accounts)} sessions"
            zh = f"交易前置断开：{len(accounts)} 个会话中的 {away} 个"
            return _away((en, zh), trades), _GREY
        if not waiting:
            return OK, OK
        late = now - self._unready > _LOGIN_S
        return OK, Verdict(
            Colour.RED if late else Colour.YELLOW,
            f"{waiting} of {len(used)} sessions are not ready",
            f"{len(used)} 个会话中有 {waiting} 个未就绪",
        )

    def _of_orders(self, told: Told) -> Verdict:
        unknown = _level(told, "orders_unknown")
        if unknown:
            return Verdict(Colour.RED, f"{unknown} orders are UNKNOWN", f"{unknown} 个委托状态未知")
        if _level(told, "journals_failing"):
            return Verdict(Colour.RED, "a journal cannot be written", "日志无法写入")
        return OK

    def _of_limits(self, told: Told, now: float) -> Verdict:
        if killed := _level(told, "killed"):
            return Verdict(Colour.RED, f"{killed} kill switches are on", f"{killed} 个紧急停止已开")
        if self._risen(told, ["refusals"], now, self._bounds.limits_s):
            return Verdict(Colour.YELLOW, "an order was refused by a limit", "有委托被限额拒绝")
        return OK

    def _of_bus(self, told: Told, now: float) -> Verdict:
        if not self._speaks(told, now):
            return _GREY
        deaf = [source for source, lag in told.lags.items() if lag > _LAG_S]
        if deaf:
            text = ", ".join(deaf)
            return Verdict(
                Colour.RED,
                f"{told.program} hears nothing of {text}",
                f"{told.program} 收不到 {text}",
            )
        gaps = self._risen(told, GAPS[told.module], now, self._bounds.limits_s)
        if gaps:
            text = ", ".join(gaps)
            return Verdict(Colour.RED, f"messages were lost: {text}", f"有消息丢失：{text}")
        return OK

    def _of_recorder(self, told: Told, now: float) -> Verdict:
        if not self._speaks(told, now) or told.stat is None:
            return _GREY
        lost = self._risen(told, ("not_written", "table_failures"), now, self._bounds.limits_s)
        if lost or _level(told, "tables_failing"):
            return Verdict(Colour.RED, "it cannot write", "无法写入")
        if _level(told, "space_low"):
            return Verdict(Colour.YELLOW, "its disk is nearly full", "磁盘将满")
        if not _level(told, "recording"):
            return Verdict(Colour.GREY, "ticks are not recorded, as was asked", "按要求未记录行情")
        if self._risen(told, ["ticks"], now, ALIVE_S) and not self._risen(
            told, ["written"], now, _IDLE_RECORDER_S
        ):
            return Verdict(Colour.RED, "ticks come and none is written", "收到行情但没有写入")
        return OK

    def _of_replays(self, told: Told, now: float) -> Verdict:
        refuses_s = _level(told, _REFUSES)
        if not self._speaks(told, now):
            return _GREY
        if not refuses_s:
            return OK
        return Verdict(
            Colour.RED,
            f"OFX lines are refused for {refuses_s} s: the clock was set back, or the file removed",
            f"{refuses_s} 秒内拒绝 OFX 报文：时钟被调回，或记录文件被删除",
        )

    def _of_disk(self, free_mb: int | None) -> Verdict:
        if free_mb is None:
            return _GREY
        if free_mb < self._bounds.disk_free_mb:
            return Verdict(Colour.RED, f"{free_mb} MB are free", f"剩余 {free_mb} MB")
        return OK

    def _of_canary(self, flight: Flight | None, verdicts: Mapping[str, Verdict]) -> Verdict:
        if flight is None:
            return Verdict(Colour.GREY, "none has flown", "尚未放飞")
        if flight.came_back:
            return OK
        if any(verdict.colour is Colour.RED for verdict in verdicts.values()):
            self._red_until = self._looked
        if flight.began <= self._red_until:
            return _GREY
        return Verdict(Colour.RED, f"lost at {flight.hop}", f"在 {flight.hop} 丢失")


def ready(lights: Iterable[Light]) -> bool:
    """Whether clients are served: nothing is red that they need. A kill switch is meant, and the
    canary and the recorder are nobody's road."""
    return not any(light.colour is Colour.RED and _is_needed(light.name) for light in lights)


def _is_needed(light: str) -> bool:
    kind, _, program = light.partition(".")
    return kind not in _NOT_NEEDED and not program.startswith("recorder")


def _away(text: tuple[str, str], trades: bool) -> Verdict:
    """Fronts are switched off at night and on holidays."""
    en, zh = text
    if trades:
        return Verdict(Colour.RED, en, zh)
    return Verdict(Colour.YELLOW, f"{en}, outside of trading hours", f"{zh}，非交易时间")


def _level(told: Told, name: str) -> int:
    return told.stat.levels.get(name, 0) if told.stat is not None else 0
