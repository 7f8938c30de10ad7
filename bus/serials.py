"""Which authcodes have ended: the serials of all users (``bus.users``), read or heard.

On the machine of the login service they are read in the file of users. To other hosts the login
service tells all of them, each second and at each change, on a PUB socket of its own, login_pub,
which over tcp takes edges and admins only (``bus.security``)::

    topic "serials/"   type Serials   MSGPACK, LOCAL   body: map of name to serial

An authcode has ended when its user's serial is higher than its own. One with a higher serial than
the list is newer than the list. One whose user is not on a later list has lost its user.

A gateway that hears nothing goes on with the last list, and without any with signature and expiry
alone: what is gained by a disabled user's last authcode, until its day ends, is less than what is
lost when all clients of a host stand still because another host does. It says so in its log, and in
``describe``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import zmq

from . import security
from .beats import SILENT_S
from .frames import HEADER, Flag, FrameError, message_type, unpack_message
from .healing import GO_BACK_S
from .security import Keys
from .subscriber import Subscriber
from .tries import network
from .users import UsersError, connect, has_entered, read_serials

log = logging.getLogger(__name__)

TOPIC: Final = "serials/"
TYPE: Final = message_type("Serials")
TELL_S: Final = 1.0
_LOOK_S: Final = 0.25
_MARGIN_MS: Final = 10_000  # a serial is taken a moment before others can read it
_decode: Final = msgspec.msgpack.Decoder(dict[str, int]).decode


class Serials(Protocol):
    """Used by one thread."""

    def ended(self, user: str, serial: int) -> bool:
        """Whether authcodes of this user with this serial count no more."""

    def describe(self) -> dict[str, object]: ...

    def close(self) -> None: ...


class ReadSerials:
    """From the file of users at ``path``; a question costs some microseconds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._inode = self._version = -1
        self._looked = -_LOOK_S
        self._serials: dict[str, int] = {}
        self.failures = 0

    def ended(self, user: str, serial: int) -> bool:
        if self.all.get(user) == serial:
            return False
        self._look()  # he may have been added, or have changed his password, just now
        return self._serials.get(user) != serial

    def has_entered(self, peer: str, user: str) -> bool:
        """Whether he has logged in from there lately, in any process of the machine: for
        ``bus.tries``. What cannot be read now is not known."""
        if self._db is None:
            self._look()
        try:
            return self._db is not None and has_entered(self._db, user, network(peer))
        except sqlite3.Error:
            return False

    @property
    def all(self) -> dict[str, int]:
        """At most a quarter of a second old."""
        if time.monotonic() - self._looked >= _LOOK_S:
            self._look()
        return self._serials

    def describe(self) -> dict[str, object]:
        return {"serials": len(self._serials), "serials_failures": self.failures}

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _look(self) -> None:
        """What cannot be read now, because it is locked, leaves what was read before. A file that
        is gone has no users."""
        self._looked = time.monotonic()
        try:
            self._read()
        except FileNotFoundError:
            self.close()
            self._serials = {}
        except (sqlite3.Error, UsersError, OSError) as exc:
            self.close()
            self.failures += 1
            if self.failures & (self.failures - 1) == 0:
                fields = {"reason": str(exc), "count": self.failures}
                log.error("serials of users not read", extra={"fields": fields})

    def _read(self) -> None:
        inode = self._path.stat().st_ino
        if self._db is None or inode != self._inode:
            self.close()
            self._db, self._inode, self._version = connect(self._path), inode, -1
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._serials = read_serials(self._db)
            self._version = version


class HeardSerials:
    """From the login service of another host, ``address``; made in a running event loop."""

    def __init__(self, context: zmq.Context[Any], address: str, keys: Keys | None) -> None:
        self._serials: dict[str, int] = {}
        self._made_ms = 0  # when the list was made, by the clock that serials are taken from
        self._last = (0, 0)
        self._heard = time.monotonic()
        self.silent = False
        self.silences = 0
        self._subscriber = Subscriber(context, address, self.take, keys=keys, worker="login")
        self._subscriber.subscribe(TOPIC.encode())

    def ended(self, user: str, serial: int) -> bool:
        self._watch()
        known = self._serials.get(user)
        if known is None:
            return self._made_ms > serial + _MARGIN_MS
        return known > serial

    def describe(self) -> dict[str, object]:
        self._watch()
        return {
            "serials": len(self._serials),
            "serials_heard_s": int(time.monotonic() - self._heard),
            "serials_silences": self.silences,
        }

    def close(self) -> None:
        self._subscriber.close()

    def take(self, frame: bytes) -> None:
        """One message, a list that is older than the last one not."""
        try:
            message = unpack_message(frame)
        except FrameError:
            return
        place = message.epoch, message.seq
        if message.type != TYPE or (place <= self._last and not self._goes_back(message.epoch)):
            return
        self._serials = _decode(message.body)
        self._last = place
        self._made_ms = message.sent_ns // 1_000_000
        self._heard = time.monotonic()
        if self.silent:
            self.silent = False
            log.info("revocations are heard again")

    def _goes_back(self, epoch: int) -> bool:
        """Whether a lower epoch is that of now: nothing else has come for long."""
        return epoch != self._last[0] and time.monotonic() - self._heard >= GO_BACK_S

    def _watch(self) -> None:
        if not self.silent and time.monotonic() - self._heard > SILENT_S:
            self.silent = True
            self.silences += 1
            fields = {"lists": self._last[1], "users": len(self._serials)}
            log.warning("revocations are not heard", extra={"fields": fields})


class SerialsPublisher:
    """The login service's side. Used by one thread. Raises ConfigError and Busy."""

    def __init__(
        self,
        context: zmq.Context[Any],
        address: str,
        keys: Keys | None,
        epoch: int,
        read: Callable[[], dict[str, int]],
    ) -> None:
        """``keys``: of the role login, for a tcp address; they end with this."""
        self._read, self._epoch, self._seq = read, epoch, 0
        self._keys = keys
        self._told: dict[str, int] = {}
        self._told_at = -TELL_S
        self._socket = context.socket(zmq.PUB)
        self._socket.set(zmq.LINGER, 0)
        try:
            security.bind(context, self._socket, address, keys, "pub")
        except BaseException:
            self._socket.close()
            raise
        self.address = self._socket.get_string(zmq.LAST_ENDPOINT)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self.tell()
            await asyncio.sleep(_LOOK_S)

    def tell(self) -> None:
        """When something has changed, or a second is over."""
        serials = self._read()
        now = time.monotonic()
        if serials == self._told and now - self._told_at < TELL_S:
            return
        self._told, self._told_at = serials, now
        self._seq += 1
        now_ns = time.time_ns()
        flags = Flag.MSGPACK | Flag.LOCAL
        header = HEADER.pack(self._epoch, self._seq, now_ns, now_ns, TYPE, 0, flags)
        body = msgspec.msgpack.encode(serials)
        with contextlib.suppress(zmq.Again):
            self._socket.send(TOPIC.encode() + b"\0" + header + body, zmq.NOBLOCK)

    def close(self) -> None:
        self._socket.close()
        if self._keys is not None:
            self._keys.close()
