"""The instruments of one socket on /md/."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bus.errors import Refused, Unavailable, request_failed
from bus.frames import Flag, Row, unpack_message
from bus.rpc import refusal
from schemas.errors import BAD_REQUEST, LOCAL_TEXTS

from .requests import Request
from .session import Session
from .ticks import Board, Instrument


class Subscriptions:
    """Ticks and calls for quotes. The first socket that wants an instrument makes the edge
    subscribe it and gets the front's own answer; later ones are answered from here, and so is
    every unsubscription. Ticks come after the answer and begin with the last known one.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._info = session.services.catalogue.codec("RspInfo")
        boards: tuple[Board, Board] = (session.services.ticks, session.services.quotes)
        self._own: dict[Board, dict[str, Instrument]] = {board: {} for board in boards}
        # The unanswered requests that want a name; an unsubscription takes it from all of them.
        self._wishes: dict[Board, dict[str, set[_Wish]]] = {board: {} for board in boards}

    def _board(self, request: Request) -> Board:
        is_quote = request.method.name.endswith("ForQuoteRsp")
        return self._session.services.quotes if is_quote else self._session.services.ticks

    def add(self, request: Request) -> None:
        """A subscription."""
        board = self._board(request)
        names = list(dict.fromkeys(request.instruments))
        self._check_room(board, names)
        claims = {name: board.claim(name) for name in names}
        wish = _Wish(self, self._session, request, board, claims)
        for name in names:
            self._wishes[board].setdefault(name, set()).add(wish)
        if not wish.unknown:
            self.answer(wish)
            return
        try:
            self._session.calls.start(
                request.method.name,
                wish.on_row,
                lambda why: self.fail(wish, request_failed(why)),
                self._session.config.subscribe_s,
                request_id=request.request_id,
                body=msgspec.msgpack.encode(wish.unknown),
                outlives=True,  # the claims must be given back
            )
        except Refused as refused:
            self.fail(wish, refused)
        except Unavailable as error:
            self.fail(wish, request_failed(str(error)))

    def _check_room(self, board: Board, names: Sequence[str]) -> None:
        count = len(self._own[board].keys() | self._wishes[board].keys() | set(names))
        if count > self._session.config.max_subscriptions:
            limit = self._session.config.max_subscriptions
            detail = f"InstrumentID: more than {limit} subscriptions of one socket"
            raise Refused(BAD_REQUEST, LOCAL_TEXTS[BAD_REQUEST], detail)

    def fail(self, wish: _Wish, refused: Refused) -> None:
        """The call failed: those that the edge had anyway are there, the rest is not."""
        request = wish.request
        known = [name for name in request.instruments if name in wish.answers]
        self._session.guard(request, self._answer_names, wish, known, False)
        self._session.guard(request, self._session.refuse, request, refused)
        self._settle(wish)

    def answer(self, wish: _Wish) -> None:
        """The front has answered for all of them, now or earlier."""
        request = wish.request
        self._session.guard(request, self._answer_names, wish, request.instruments, True)
        self._settle(wish)

    def _answer_names(self, wish: _Wish, names: Sequence[str], complete: bool) -> None:
        for index, name in enumerate(names):
            info = wish.answers[name]
            self._session.reply(
                wish.request,
                None if info is None else self._info.json(info),
                last=complete and index + 1 == len(names),
                payload=self._specific(name),
            )

    def _settle(self, wish: _Wish) -> None:
        """Join the instruments that the front accepted, with the last tick of each."""
        board, joined = wish.board, []
        for name, instrument in wish.claims.items():
            if self._end_wish(wish, name) and wish.accepted(name):
                self._own[board][name] = instrument
                instrument.outboxes[self._session.outbox] = None
                joined.append(instrument)
            board.unclaim(instrument)
        if board is self._session.services.ticks:
            self._send_last(joined)

    def _end_wish(self, wish: _Wish, name: str) -> bool:
        """Whether it stood until now."""
        wishes = self._wishes[wish.board].get(name, set())
        stood = wish in wishes
        wishes.discard(wish)
        if stood and not wishes:
            del self._wishes[wish.board][name]
        return stood

    def _send_last(self, instruments: list[Instrument]) -> None:
        services, outbox = self._session.services, self._session.outbox
        for instrument in instruments:
            services.freshness.before_last(instrument, outbox)
            services.ticks.send_last(instrument, outbox)
        missing = [instrument for instrument in instruments if instrument.last is None]
        if missing:
            self._fetch_last(missing)

    def _fetch_last(self, instruments: list[Instrument]) -> None:
        """The worker may have a tick from before; the board takes it unless a newer one came."""
        joined_at = {one.topic: (one, one.place) for one in instruments}

        def on_row(row: Row) -> None:
            if row.flags & Flag.HAS_FIELD:
                self._session.services.ticks.on_message(row.body)
                self._catch_up(row.body, joined_at)

        try:
            self._session.services.md_background.start(
                "Snapshot",
                on_row,
                lambda why: None,
                self._session.config.subscribe_s,
                body=msgspec.msgpack.encode([one.name for one in instruments]),
            )
        except (Refused, Unavailable):
            return  # md_worker is away; live ticks will come with it

    def _catch_up(
        self, message: bytes, joined_at: dict[bytes, tuple[Instrument, tuple[int, int]]]
    ) -> None:
        """The others may have had it before the edge forgot it with what the front had said."""
        services, outbox = self._session.services, self._session.outbox
        tick = unpack_message(message)
        instrument, place = joined_at[tick.topic.encode()]
        if (tick.epoch, tick.seq) == place == instrument.place and outbox in instrument.outboxes:
            services.freshness.before(instrument.name, message, outbox)
            raw = services.ticks.frames.checked(tick.body)
            outbox.tick(instrument, services.ticks.frames.frame(outbox.style_index, raw))

    def remove(self, request: Request) -> None:
        """An unsubscription; the ticks stop before its answer."""
        board = self._board(request)
        last = len(request.instruments) - 1
        for index, name in enumerate(request.instruments):
            self._wishes[board].pop(name, None)
            instrument = self._own[board].pop(name, None)
            if instrument is not None:
                board.leave(instrument, self._session.outbox)
            info, payload = self._session.no_error(), self._specific(name)
            self._session.reply(request, info, last=index == last, payload=payload)

    def clear(self) -> None:
        """The socket is gone, or logged out."""
        for board, own in self._own.items():
            self._wishes[board].clear()
            for instrument in own.values():
                board.leave(instrument, self._session.outbox)
            own.clear()

    def _specific(self, name: str) -> bytes:
        return msgspec.json.encode({"InstrumentID": name})


class _Wish:
    """One request to subscribe.

    claims   its instruments
    unknown  those that the front is asked for
    answers  RspInfo of those that are answered, as struct bytes
    """

    def __init__(
        self,
        owner: Subscriptions,
        session: Session,
        request: Request,
        board: Board,
        claims: dict[str, Instrument],
    ) -> None:
        self._owner, self._session = owner, session
        self.request, self.board, self.claims = request, board, claims
        self.unknown = [name for name, instrument in claims.items() if not instrument.answered]
        self.answers = {name: one.info for name, one in claims.items() if one.answered}
        self._asked = iter(self.unknown)

    def accepted(self, name: str) -> bool:
        return name in self.answers and self._session.is_success(self.answers[name])

    def on_row(self, row: Row) -> None:
        """The front's answers come in the order in which it was asked."""
        refused = refusal(row)
        if refused is not None:
            self._owner.fail(self, refused)
            return
        name = next(self._asked)
        self.answers[name] = self._session.raw_info(row)
        if self.accepted(name):  # a refusal is this request's alone: the next one asks again
            self.claims[name].answered, self.claims[name].info = True, self.answers[name]
        if row.flags & Flag.LAST:
            self._owner.answer(self)
