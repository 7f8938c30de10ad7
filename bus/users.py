"""The client accounts of the gateway: who may log in, what for, and where he is sent.

One SQLite file on the machine of the login service. Several processes read it and ``ctpbus user``
writes it while they run. A password is there as an argon2id hash only.

Each user has a *serial*. It rises with every change that is to end the authcodes he has: when he is
disabled or deleted, his password, his account or his rights change. An authcode carries the serial
of its time, so one number tells whether it still counts. Serials are taken from one counter that
begins at the Unix time in ms, so none comes twice, not even when the file was lost.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec

from .errors import BusError
from .passwords import hash_of
from .secrets import Secret

log = logging.getLogger(__name__)

Right = Literal["quote", "trade"]
DEMO: Final = "demo"  # this name is for the embedded exchange only
RIGHTS: Final[tuple[Right, ...]] = get_args(Right)

_APPLICATION: Final = 0x75736572  # "user"
_VERSION: Final = 1
_BUSY_S: Final = 5.0  # how long a writer waits for another one
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_ACCOUNT: Final = re.compile(r"[!-~]{0,15}")  # TThostFtdcUserIDType has 16 bytes with its NUL
_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})")
_COLUMNS: Final = "name, enabled, account, rights, quote, trade, serial, created, last_login"
_VALUES: Final = f"users VALUES ({', '.join('?' * 11)})"
# ``ended`` keeps the serial of a deleted user above those of his authcodes.
_SCHEMA: Final = f"""
    CREATE TABLE users (
        name TEXT PRIMARY KEY, enabled INTEGER NOT NULL, account TEXT NOT NULL,
        rights TEXT NOT NULL, quote TEXT NOT NULL, trade TEXT NOT NULL, serial INTEGER NOT NULL,
        created INTEGER NOT NULL, last_login INTEGER NOT NULL, hash TEXT NOT NULL, psk BLOB
    ) WITHOUT ROWID;
    CREATE TABLE ended (name TEXT PRIMARY KEY, serial INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE counter (serial INTEGER NOT NULL, demo INTEGER NOT NULL);
    INSERT INTO counter VALUES (0, 0);
    PRAGMA application_id = {_APPLICATION};
    PRAGMA user_version = {_VERSION};
"""


# Made when it is needed, so that files of earlier versions are good.
_ADDRESSES: Final = """
    CREATE TABLE IF NOT EXISTS addresses (
        name TEXT, peer TEXT, at_ns INTEGER NOT NULL, PRIMARY KEY (name, peer)
    ) WITHOUT ROWID
"""
_MOST_ADDRESSES: Final = 16  # of a user, the latest


class UsersError(BusError):
    """An account cannot be made or changed, or the file cannot be used; one line."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One client account.

    account       the trading account (CTP's UserID) that it acts for; "": the gateway's only one
    quote, trade  HOST:PORT of the gateway to which it is sent; "": the one that it logs in at
    serial        see above
    created, last_login   Unix time in seconds; 0: never
    """

    name: str
    enabled: bool = True
    account: str = ""
    rights: tuple[Right, ...] = RIGHTS
    quote: str = ""
    trade: str = ""
    serial: int = 0
    created: int = 0
    last_login: int = 0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("a name has 1 to 64 letters, digits and _ . @ -")
        if not _ACCOUNT.fullmatch(self.account):
            raise ValueError("an account is a UserID of 15 characters at the most")
        if not self.rights or set(self.rights) - set(RIGHTS):
            raise ValueError(f"rights are some of {', '.join(RIGHTS)}")
        for address in (self.quote, self.trade):
            if address:
                host_port(address)


def host_port(address: str) -> tuple[str, int]:
    """Of HOST:PORT; an IPv6 address stands in []. Raises ValueError."""
    match = _ADDRESS.fullmatch(address)
    if match is None or not 1 <= int(match[2]) <= 65535:
        raise ValueError(f"expected HOST:PORT with a port of 1 to 65535, not {address!r}")
    return match[1].strip("[]"), int(match[2])


class Users:
    """The file at ``path``. Any thread may use it; no connection is open between the calls, though
    SQLite keeps their descriptors for the next ones where another connection has the file locked,
    as that of ``serials`` has. All methods raise UsersError."""

    def __init__(self, path: Path, *, make: bool = False) -> None:
        """``make``: when it is missing."""
        self.path = path
        if make:
            self._make()

    def all(self) -> list[User]:
        with self._opened() as db:
            return [_user(row) for row in db.execute(f"SELECT {_COLUMNS} FROM users ORDER BY name")]

    def get(self, name: str) -> User:
        with self._opened() as db:
            return _get(db, name)

    def with_hash(self, name: str) -> tuple[User, str] | None:
        """For a login, where ``name`` may be any text."""
        with self._opened() as db:
            query = f"SELECT {_COLUMNS}, hash FROM users WHERE name = ?"
            row = db.execute(query, [name if _NAME.fullmatch(name) else ""]).fetchone()
        return None if row is None else (_user(row[:-1]), row[-1])

    def add(self, user: User, password: Secret, psk: bytes | None = None) -> User:
        """Its serial and its times are given here. Takes as long as a login. ``psk``: what the wire
        of that name keeps of the password."""
        hashed = _hash(password)
        with self._opened(write=True) as db:
            if db.execute("SELECT 1 FROM users WHERE name = ?", [user.name]).fetchone():
                raise UsersError(f"there is a user {user.name} already")
            made = msgspec.structs.replace(
                user, serial=_next_serial(db), created=int(time.time()), last_login=0
            )
            db.execute(
                f"INSERT INTO users VALUES ({', '.join('?' * 11)})", [*_row(made), hashed, psk]
            )
            db.execute("DELETE FROM ended WHERE name = ?", [user.name])
        return made

    def add_demo(self, account: str, psk: bytes | None = None) -> bool:
        """demo with the password demo, once in the life of the file; whether that was now."""
        hashed = _hash(Secret(DEMO))
        demo = User(name=DEMO, account=account, created=int(time.time()))
        with self._opened(write=True) as db:
            if db.execute("SELECT demo FROM counter").fetchone()[0]:
                return False
            db.execute("UPDATE counter SET demo = 1")
            demo = msgspec.structs.replace(demo, serial=_next_serial(db))
            insert = f"INSERT OR IGNORE INTO {_VALUES}"
            return db.execute(insert, [*_row(demo), hashed, psk]).rowcount > 0

    def change(
        self,
        name: str,
        *,
        account: str | None = None,
        rights: Sequence[Right] | None = None,
        quote: str | None = None,
        trade: str | None = None,
    ) -> User:
        """What is not None. Another account or other rights end the authcodes."""
        given = {"account": account, "rights": rights and tuple(rights), "quote": quote}
        given["trade"] = trade
        with self._opened(write=True) as db:
            old = _get(db, name)
            try:
                changes = {key: value for key, value in given.items() if value is not None}
                new = msgspec.structs.replace(old, **changes)
                new.__post_init__()
            except ValueError as exc:
                raise UsersError(str(exc)) from None
            if (new.account, new.rights) != (old.account, old.rights):
                new = msgspec.structs.replace(new, serial=_next_serial(db))
            _update(db, new)
        return new

    def enable(self, name: str, enabled: bool) -> User:
        """To disable a user ends his authcodes, and they stay so when he is enabled again."""
        with self._opened(write=True) as db:
            user = msgspec.structs.replace(_get(db, name), enabled=enabled)
            if not enabled:
                user = msgspec.structs.replace(user, serial=_next_serial(db))
            _update(db, user)
        return user

    def set_password(self, name: str, password: Secret, psk: bytes | None = None) -> User:
        """Ends his authcodes, and what the psk wire keeps of the old password. Takes as long as a
        login."""
        hashed = _hash(password)
        with self._opened(write=True) as db:
            user = msgspec.structs.replace(_get(db, name), serial=_next_serial(db))
            _update(db, user)
            query = "UPDATE users SET hash = ?, psk = ? WHERE name = ?"
            db.execute(query, [hashed, psk, name])
        return user

    def delete(self, name: str) -> None:
        with self._opened(write=True) as db:
            _get(db, name)
            db.execute("INSERT OR REPLACE INTO ended VALUES (?, ?)", [name, _next_serial(db)])
            db.execute("DELETE FROM users WHERE name = ?", [name])
            db.execute(_ADDRESSES)
            db.execute("DELETE FROM addresses WHERE name = ?", [name])

    def entered(self, user: User, peer: str = "") -> None:
        """He has logged in, from the network ``peer``; "": from nowhere in particular. That this is
        not written down does not keep him out."""
        try:
            with self._opened(write=True, patience_s=0.5) as db:
                if peer:
                    _remember(db, user.name, peer)
                db.execute(
                    "UPDATE users SET last_login = ? WHERE name = ? AND serial = ?",
                    [int(time.time()), user.name, user.serial],
                )
        except UsersError as exc:
            log.warning("a login was not noted", extra={"fields": {"reason": str(exc)}})

    def psk(self, name: str) -> bytes | None:
        """What the psk wire keeps of an enabled user's password; None: nothing."""
        with self._opened() as db:
            query = "SELECT psk FROM users WHERE name = ? AND enabled"
            row = db.execute(query, [name]).fetchone()
        return None if row is None else row[0]

    def _make(self) -> None:
        """Complete, or not at all: others may look for the file at the same time."""
        if self.path.exists():
            return
        scratch = self.path.with_name(f"{self.path.name}.{secrets.token_hex(8)}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            with contextlib.closing(sqlite3.connect(scratch, isolation_level=None)) as db:
                # Readers and writers do not wait for each other then; it stays with the file.
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(_SCHEMA)
            with contextlib.suppress(FileExistsError):
                self.path.hardlink_to(scratch)
        except (sqlite3.Error, OSError) as exc:
            raise UsersError(f"{self.path} cannot be made: {exc}") from None
        finally:
            scratch.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _opened(
        self, *, write: bool = False, patience_s: float = _BUSY_S
    ) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(connect(self.path, patience_s)) as db:
                if not write:
                    yield db
                    return
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
        except (sqlite3.Error, msgspec.ValidationError) as exc:
            raise UsersError(f"{self.path} cannot be used: {exc}") from None


def connect(path: Path, patience_s: float = 0.0) -> sqlite3.Connection:
    """Raises UsersError for a file that is missing, not ours or open to others; sqlite3.Error."""
    try:
        mode = path.stat().st_mode
    except OSError as exc:
        raise UsersError(f"{path}: {exc.strerror}") from None
    if mode & 0o077:
        raise UsersError(f"{path} is open to others: chmod 600 {path}")
    # One thread uses it, but whichever thread collects garbage may have to close it.
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=patience_s,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        found = tuple(
            db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version")
        )
    except sqlite3.Error:
        db.close()
        raise
    if found != (_APPLICATION, _VERSION):
        db.close()
        raise UsersError(f"{path} is no file of users of this version")
    return db


def read_serials(db: sqlite3.Connection) -> dict[str, int]:
    """Of all users, the deleted ones too."""
    return dict(
        db.execute("SELECT name, serial FROM ended UNION ALL SELECT name, serial FROM users")
    )


def has_entered(db: sqlite3.Connection, name: str, peer: str) -> bool:
    """Whether this user, which may be any text, has logged in from this network lately."""
    query = "SELECT 1 FROM addresses WHERE name = ? AND peer = ?"
    try:
        found = db.execute(query, [name if _NAME.fullmatch(name) else "", peer]).fetchone()
    except sqlite3.OperationalError:  # nobody has yet
        return False
    return found is not None


def _remember(db: sqlite3.Connection, name: str, peer: str) -> None:
    db.execute(_ADDRESSES)
    db.execute("INSERT OR REPLACE INTO addresses VALUES (?, ?, ?)", [name, peer, time.time_ns()])
    db.execute(
        "DELETE FROM addresses WHERE name = ?1 AND peer IN (SELECT peer FROM addresses "
        "WHERE name = ?1 ORDER BY at_ns DESC LIMIT -1 OFFSET ?2)",
        [name, _MOST_ADDRESSES],
    )


def _hash(password: Secret) -> str:
    try:
        return hash_of(password)
    except ValueError as exc:
        raise UsersError(str(exc)) from None


def _get(db: sqlite3.Connection, name: str) -> User:
    row = db.execute(f"SELECT {_COLUMNS} FROM users WHERE name = ?", [name]).fetchone()
    if row is None:
        raise UsersError(f"there is no user {name}")
    return _user(row)


def _next_serial(db: sqlite3.Connection) -> int:
    last: int = db.execute("SELECT serial FROM counter").fetchone()[0]
    serial = max(last + 1, time.time_ns() // 1_000_000)
    db.execute("UPDATE counter SET serial = ?", [serial])
    return serial


def _update(db: sqlite3.Connection, user: User) -> None:
    columns = ", ".join(f"{name.strip()} = ?" for name in _COLUMNS.split(","))
    db.execute(f"UPDATE users SET {columns} WHERE name = ?", [*_row(user), user.name])


def _user(row: Sequence[object]) -> User:
    values = dict(zip(User.__struct_fields__, row, strict=True))
    values["rights"] = tuple(str(values["rights"]).split(","))
    return msgspec.convert(values, User, strict=False)


def _row(user: User) -> list[object]:
    return [
        ",".join(value) if isinstance(value, tuple) else value
        for value in msgspec.structs.astuple(user)
    ]
