"""Command 1: a name and a password for an authcode and the way to the user's gateway."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import zmq

from bus import links
from bus.authcodes import Grant, shown
from bus.config import Loaded, open_calendar
from bus.digits import CodesError
from bus.endpoints import resolve
from bus.epoch import next_epoch
from bus.passwords import Checker, TooManyChecks
from bus.secrets import Secret
from bus.security import Keys
from bus.serials import ReadSerials, SerialsPublisher
from bus.tries import Tries
from bus.users import DEMO, User, Users, UsersError, host_port
from schemas.calendar import Calendar

from ..access import Access
from ..config import SERVICES, Listener, ServiceName, TcpConfig
from ..counters import strangers
from ..reply import Reply, one
from ..request import Request
from ..service import Client, Command
from ..stat import Failed, Stat, flow_limit
from ..wire.channel import derive
from .issued import Issued

log = logging.getLogger("tcp_edge")

# What the embedded exchange knows as deploy/gateway.yaml's canary.
_DEMO_ACCOUNT: Final = "028742"

Address = tuple[str, int]


class LoginService:
    """A Service.

    quote, trade   where users without a route are sent: host and port as clients see them
    valid_until    when an authcode that is issued now ends, Unix time in s
    publisher      tells other hosts which authcodes have ended; None: there are none
    psk            what the psk wire keeps of a password and a user's name
    """

    def __init__(
        self,
        users: Users,
        access: Access,
        quote: Callable[[], Address],
        trade: Callable[[], Address],
        valid_until: Callable[[], int],
        publisher: SerialsPublisher | None = None,
        psk: Callable[[Secret, str], bytes | None] = lambda password, name: None,
    ) -> None:
        self._users, self._access, self._publisher = users, access, publisher
        self._quote, self._trade, self._valid_until = quote, trade, valid_until
        self._psk = psk
        self._checker = Checker(users)
        self._tries = Tries(refusal=flow_limit, knows=access.has_entered)
        self._issued = Issued()
        self._logins = 0
        self._telling: asyncio.Task[None] | None = None
        self.commands: Mapping[int, Command] = {1: self._login}

    async def start(self) -> None:
        """Raises UsersError."""
        if self._access.embedded and await asyncio.to_thread(self._add_demo):
            log.warning("demo account made", extra={"fields": {"user": DEMO}})
        if self._publisher is not None:
            self._telling = asyncio.create_task(self._publisher.run())

    def gone(self, client: Client) -> None:
        pass

    def describe(self) -> dict[str, object]:
        return {
            "logins": self._logins,
            "tries": self._tries.describe(),
            "waiting": self._checker.waiting,
            "codes_of": self._issued.live(time.time(), self._access.serials.ended),
        }

    async def close(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
        if self._publisher is not None:
            self._publisher.close()
        await asyncio.to_thread(self._checker.close)

    def _add_demo(self) -> bool:
        return self._users.add_demo(_DEMO_ACCOUNT, self._psk(Secret(DEMO), DEMO))

    async def _login(self, client: Client, request: Request) -> Reply:
        name, password = _credentials(request.params)
        user = await self._checked(client.peer, name, password)
        grant = Grant(
            user=user.name,
            account=user.account,
            rights=user.rights,
            expires=self._valid_until(),
            serial=user.serial,
        )
        try:
            code = await asyncio.to_thread(self._access.codes.issue, grant, client.peer)
        except CodesError as exc:
            raise Failed(Stat.NOT_CONNECTED, "no authcode can be issued") from exc
        self._access.show(client, code, grant)
        self._issued.add(grant)
        self._logins += 1
        fields = {"user": user.name, "peer": client.peer, "authcode": shown(code)}
        log.info("logged in", extra={"fields": fields})
        return one(self._route(user, code))._replace(secret=True)

    async def _checked(self, peer: str, name: str, password: Secret) -> User:
        """Raises Failed, with one text whatever was wrong."""
        with self._tries.one(peer, name) as attempt:
            try:
                user = await self._checker.check(name, password, peer)
            except TooManyChecks as exc:
                raise Failed(Stat.FLOW_LIMIT, str(exc)) from None
            except UsersError as exc:
                log.error("logins cannot be checked", extra={"fields": {"reason": str(exc)}})
                raise Failed(Stat.NOT_CONNECTED, "logins cannot be checked") from None
            if user is not None and (user.name != DEMO or self._access.embedded):
                attempt.succeeded()
                return user
        strangers.warning("login failed", {"peer": peer})
        raise Failed(Stat.UNAUTHORIZED, "wrong user name or password")

    def _route(self, user: User, code: str) -> dict[str, object]:
        """The keys of the original, in its order."""
        quote = host_port(user.quote) if user.quote else self._quote()
        trade = host_port(user.trade) if user.trade else self._trade()
        return {
            "tradeserver": trade[0],
            "authcode": code,
            "tradeport": trade[1],
            "uname": user.name,
            "quoteserver": quote[0],
            "quoteport": quote[1],
        }


def open_login(
    loaded: Loaded[TcpConfig],
    access: Access,
    context: zmq.Context[Any],
    actual: Callable[[ServiceName], Address | None],
) -> LoginService:
    """``actual``: where a service of this process listens, None for one of another process. Raises
    ConfigError and Busy."""
    common, config = loaded.common, loaded.own
    calendar = open_calendar(common)
    serials = access.serials
    assert isinstance(serials, ReadSerials)  # a group with the login service has the file
    address = resolve(common.bus, common.data).login_pub
    publisher = SerialsPublisher(
        context,
        address,
        Keys(common.keys, "login") if links.is_tcp(address) else None,
        next_epoch(common.folder("tcp_edge/login")),
        lambda: serials.all,
    )
    return LoginService(
        Users(common.users_file),
        access,
        lambda: advertised(config.listener("quote"), actual("quote")),
        lambda: advertised(config.listener("trade"), actual("trade")),
        lambda: valid_until(config.authcode_hours, calendar),
        publisher,
        lambda password, name: psk_of(config, password, name),
    )


def psk_of(config: TcpConfig, password: Secret, name: str) -> bytes | None:
    """What the psk wire keeps of a user's password; None where no listener speaks it. Takes 0.1 s
    then."""
    if all(config.listener(service).wire != "psk" for service in SERVICES):
        return None
    return derive(password, name, config.salt)


def advertised(listener: Listener, actual: Address | None) -> Address:
    host, port = actual or (listener.host, listener.port)
    return listener.advertised_host or host, listener.advertised_port or port


def valid_until(hours: float, calendar: Calendar) -> int:
    """Unix time in s; 0 hours: the end of the trading day."""
    now_ns = time.time_ns()
    return int(now_ns / 1e9 + hours * 3600) if hours else calendar.ends_ns(now_ns) // 10**9


def _credentials(params: Any) -> tuple[str, Secret]:
    """Raises Failed(400). Numbers are taken for their digits, as some clients send them."""
    if not isinstance(params, dict):
        raise Failed(Stat.BAD_REQUEST, "params: username and password are needed")
    texts = [params.get("username"), params.get("password")]
    if any(isinstance(text, bool) or not isinstance(text, str | int) for text in texts):
        raise Failed(Stat.BAD_REQUEST, "params: username and password are texts")
    return str(texts[0]), Secret(str(texts[1]))
