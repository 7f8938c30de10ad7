"""The instruments of one socket on /md/."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from bus.errors import Refused, Unavailable, request_failed
from bus.frames import Flag, Row, split_body
from bus.rpc import refusal
from schemas.errors import BAD_REQUEST, LOCAL_TEXTS

from .requests import Request
from .session import Session
from .ticks import Board, Instrument

Claims = dict[str, Instrument]


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
        # Asked for and not given up again; some of them still wait for the front's answer.
        self._wanted: dict[Board, set[str]] = {board: set() for board in boards}

    def _board(self, request: Request) -> Board:
        is_quote = request.method.name.endswith("ForQuoteRsp")
        return self._session.services.quotes if is_quote else self._session.services.ticks

    def add(self, request: Request) -> None:
        """A subscription."""
        board = self._board(request)
        names = list(dict.fromkeys(request.instruments))
        self._check_room(board, names)
        claims = {name: board.claim(name) for name in names}
        self._wanted[board].update(names)
        unknown = [name for name in names if not claims[name].answered]
        if not unknown:
            self.answer(request, claims)
            return
        asked = _Asked(self, request, claims, unknown)
        timeout_s = self._session.config.subscribe_s
        try:
            self._session.calls.start(
                request.method.name,
                asked.on_row,
                partial(asked.fail, self._session.silence("md_worker", timeout_s)),
                timeout_s,
                request_id=request.request_id,
                body=msgspec.msgpack.encode(unknown),
                outlives=True,  # the claims must be given back
            )
        except Refused as refused:
            asked.fail(refused)
        except Unavailable as error:
            asked.fail(request_failed(str(error)))

    def _check_room(self, board: Board, names: Sequence[str]) -> None:
        count = len(self._wanted[board].union(names))
        if count > self._session.config.max_subscriptions:
            limit = self._session.config.max_subscriptions
            detail = f"InstrumentID: more than {limit} subscriptions of one socket"
            raise Refused(BAD_REQUEST, LOCAL_TEXTS[BAD_REQUEST], detail)

    def fail(self, request: Request, claims: Claims, refused: Refused) -> None:
        """The call failed: those that the edge had anyway are there, the rest is not."""
        board = self._board(request)
        for name, instrument in claims.items():
            if not instrument.answered:
                self._wanted[board].discard(name)
        known = [name for name in request.instruments if claims[name].answered]
        self._session.guard(request, self._answer_names, request, claims, known, False)
        self._session.guard(request, self._session.refuse, request, refused)
        self._settle(board, claims)

    def answer(self, request: Request, claims: Claims) -> None:
        """The front has answered for all of them, now or earlier."""
        self._session.guard(request, self._answer_names, request, claims, request.instruments, True)
        self._settle(self._board(request), claims)

    def _answer_names(
        self,
        request: Request,
        claims: Claims,
        names: Sequence[str],
        complete: bool,
    ) -> None:
        for index, name in enumerate(names):
            info = claims[name].info
            self._session.reply(
                request,
                None if info is None else self._info.json(info),
                last=complete and index + 1 == len(names),
                payload=self._specific(name),
            )

    def _settle(self, board: Board, claims: Claims) -> None:
        """Join the instruments that the front accepted, with the last tick of each."""
        joined = []
        for name, instrument in claims.items():
            wanted = name in self._wanted[board] and not self._session.closed
            if wanted and self._accepted(instrument):
                self._own[board][name] = instrument
                instrument.outboxes[self._session.outbox] = None
                joined.append(instrument)
            else:
                self._wanted[board].discard(name)
            board.unclaim(instrument)
        if board is self._session.services.ticks:
            self._send_last(joined)

    def _send_last(self, instruments: list[Instrument]) -> None:
        for instrument in instruments:
            self._session.services.ticks.send_last(instrument, self._session.outbox)
        missing = [instrument.name for instrument in instruments if instrument.last is None]
        if missing:
            self._fetch_last(missing)

    def _accepted(self, instrument: Instrument) -> bool:
        if not instrument.answered:
            return False
        return instrument.info is None or self._info.get(instrument.info, "ErrorID") == 0

    def _fetch_last(self, names: list[str]) -> None:
        """The worker may have a tick from before; the board takes it unless a newer one came."""

        def on_row(row: Row) -> None:
            if row.flags & Flag.HAS_FIELD:
                self._session.services.ticks.on_message(row.body)

        try:
            self._session.services.md_background.start(
                "Snapshot",
                on_row,
                lambda: None,
                self._session.config.subscribe_s,
                body=msgspec.msgpack.encode(names),
            )
        except (Refused, Unavailable):
            return  # md_worker is away; live ticks will come with it

    def remove(self, request: Request) -> None:
        """An unsubscription; the ticks stop before its answer."""
        board = self._board(request)
        last = len(request.instruments) - 1
        for index, name in enumerate(request.instruments):
            self._wanted[board].discard(name)
            instrument = self._own[board].pop(name, None)
            if instrument is not None:
                board.leave(instrument, self._session.outbox)
            info, payload = self._session.no_error(), self._specific(name)
            self._session.reply(request, info, last=index == last, payload=payload)

    def clear(self) -> None:
        """The socket is gone, or logged out."""
        for board, own in self._own.items():
            self._wanted[board].clear()
            for instrument in own.values():
                board.leave(instrument, self._session.outbox)
            own.clear()

    def split(self, row: Row) -> tuple[bytes | None, bytes | None]:
        """(struct bytes, RspInfo bytes) of a row."""
        return split_body(row.flags, row.body, self._info.size)

    def _specific(self, name: str) -> bytes:
        return msgspec.json.encode({"InstrumentID": name})


class _Asked:
    """A subscription that the front is asked for."""

    def __init__(
        self,
        owner: Subscriptions,
        request: Request,
        claims: Claims,
        unknown: list[str],
    ) -> None:
        self._owner, self._request, self._claims = owner, request, claims
        self._unknown = iter(unknown)

    def on_row(self, row: Row) -> None:
        """The front's answers come in the order in which it was asked."""
        refused = refusal(row)
        if refused is not None:
            self.fail(refused)
            return
        instrument = self._claims[next(self._unknown)]
        _, instrument.info = self._owner.split(row)
        instrument.answered = True
        if row.flags & Flag.LAST:
            self._owner.answer(self._request, self._claims)

    def fail(self, refused: Refused) -> None:
        self._owner.fail(self._request, self._claims, refused)
