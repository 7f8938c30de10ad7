"""The accounts of this worker: each with a folder, a lock on it, and sessions at the counter."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple

from bus.errors import Busy, Refused, request_failed
from bus.lock import hold

from .config import TdConfig
from .login.guard import Guard
from .login.strangers import Strangers
from .login.wrongs import Wrongs
from .orders.elsewhere import Elsewhere
from .session import Session

_FLOW: Final = "flow"
_LOCK: Final = "lock"
_GUARD: Final = "guard.json"
_FORGET_S: Final = 7 * 86_400.0  # what the front said about an account that it never let in


class Shared(NamedTuple):
    """What all accounts have in common: wrong passwords by origin, and what the front said about
    our address."""

    wrongs: Wrongs
    address: Guard


class Account:
    """One account. Its lock is held for as long as this is open, whatever td_worker it is that
    works with the folder: two counter sessions that do not know of each other would number their
    orders alike. Raises Busy."""

    def __init__(self, config: TdConfig, root: Path, user: str, rest: Shared) -> None:
        self.user = user
        self.folder = _folder(config, root, user)
        self._lock = _hold(self.folder)
        place = " ".join(config.fronts)
        self.guard = Guard(self.folder / _GUARD, place, config.locked_s, rest.address)
        self.wrongs = rest.wrongs
        self.elsewhere = Elsewhere(self.folder)
        self.sessions: dict[int, Session] = {}  # by slot
        # Slots of which an API object is being released; it still uses the folder.
        self.stopping: list[int] = []

    @property
    def flow(self) -> Path:
        return self.folder / _FLOW

    def slot_folder(self, slot: int) -> Path:
        """Where a session keeps its orders and returns; slot 0 has the account's own folder."""
        return self.folder / "slots" / str(slot) if slot else self.folder

    def free_slot(self) -> int:
        """For a session that one client has for himself."""
        taken = {*self.sessions, *self.stopping}
        return next(slot for slot in itertools.count(1) if slot not in taken)

    def close(self) -> None:
        """Let go; a folder in which nothing but the API's files has been written is removed, for
        anybody can make one by a name that he made up."""
        if not any(self._kept()):
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def _kept(self) -> Iterator[Path]:
        for found in self.folder.iterdir():
            if found.name == _FLOW or found.name == _LOCK:
                continue
            if found.is_file() or any(inner.is_file() for inner in found.rglob("*")):
                yield found


# Makes the session of an account in a slot.
Make = Callable[[Account, int], Session]


class Accounts:
    """Opens accounts as clients log in, or from the start when the configuration names them.
    Raises Busy."""

    def __init__(self, config: TdConfig, root: Path, make: Make) -> None:
        self._config, self._root, self._make = config, root, make
        self._accounts: dict[str, Account] = {}
        _prune(root, time.time())
        address = Guard(root / "address.json", "", config.locked_s, None)
        self._shared = Shared(Wrongs(config.wrong_s), address)
        self._strangers = Strangers()
        self._fixed = frozenset(config.users)
        self._held = self._fixed | {own.user for own in config.accounts}
        try:
            for user in sorted(self._held):
                self._accounts[user] = Account(config, root, user, self._shared)
        except Busy:
            self.close()
            raise

    def sessions(self) -> list[Session]:
        return [
            session for account in self._accounts.values() for session in account.sessions.values()
        ]

    def close(self) -> None:
        """Let go of the accounts; nothing may run with them any more."""
        for account in self._accounts.values():
            account.close()

    @property
    def wrongs(self) -> Wrongs:
        return self._shared.wrongs

    def of(self, user: str) -> list[Session]:
        account = self._accounts.get(user)
        return list(account.sessions.values()) if account is not None else []

    def find(self, user: str) -> Session | None:
        """The session that the clients of an account share."""
        account = self._accounts.get(user)
        return account.sessions.get(0) if account is not None else None

    def knows(self, session: Session) -> bool:
        account = self._accounts.get(session.user)
        return account is not None and account.sessions.get(session.slot) is session

    def session(self, user: str) -> Session:
        """The session for a client that logs in, begun when there is none that he may share.
        Raises Refused."""
        shared = self._config.sessions == "shared"
        session = self.find(user) if shared else None
        if session is not None:
            return session
        if user not in self._accounts and not _folder(self._config, self._root, user).exists():
            self._check_strangers()  # before anything is made for him
        account = self._account(user)
        try:
            self._check_places(account)
        except Refused:
            self._close_unused(account)
            raise
        return self._begin(account, 0 if shared else account.free_slot())

    def keep(self, user: str) -> Session:
        """The shared session of an account that the configuration names, begun for good."""
        return self._begin(self._accounts[user], 0)

    def release(self, session: Session) -> None:
        """End a session that nobody uses."""
        account = self._accounts[session.user]
        del account.sessions[session.slot]
        account.stopping.append(session.slot)
        if not account.guard.known:
            self._strangers.failed(time.monotonic())
        session.stop()

    def stopped(self, session: Session) -> None:
        """An API object of an account is gone, and with the last one the account."""
        account = self._accounts[session.user]
        account.stopping.remove(session.slot)
        self._close_unused(account)

    def _account(self, user: str) -> Account:
        if self._fixed and user not in self._fixed:
            raise request_failed("this td_worker does not serve the account")
        account = self._accounts.get(user)
        if account is None:
            try:
                account = Account(self._config, self._root, user, self._shared)
            except Busy:
                raise request_failed("another td_worker holds the account") from None
            self._accounts[user] = account
        return account

    def _begin(self, account: Account, slot: int) -> Session:
        session = self._make(account, slot)
        account.sessions[slot] = session
        session.start()
        return session

    def _close_unused(self, account: Account) -> None:
        if not account.sessions and not account.stopping and account.user not in self._held:
            del self._accounts[account.user]
            account.close()

    def _check_places(self, account: Account) -> None:
        """Raises Refused."""
        accounts = self._accounts.values()
        if sum(len(a.sessions) + len(a.stopping) for a in accounts) >= self._config.max_accounts:
            raise request_failed(f"{self._config.max_accounts} accounts are the limit here")
        if account.guard.known:
            self._check_unproven(_unproven(account))
        else:
            self._check_strangers()

    def _check_strangers(self) -> None:
        """Names that somebody made up leave room for those that the front has let in before. What
        is being released counts: that may take longer than to ask for more. Raises Refused."""
        if self._fixed:
            return
        self._strangers.check(time.monotonic())
        strangers = [a for a in self._accounts.values() if not a.guard.known]
        self._check_unproven(sum(_unproven(a) + len(a.stopping) for a in strangers))

    def _check_unproven(self, unproven: int) -> None:
        if unproven >= self._config.max_unproven:
            raise request_failed(f"{unproven} accounts already wait for their first login")


def _folder(config: TdConfig, root: Path, user: str) -> Path:
    """The name of the folder never comes from a client as it is."""
    return root / hashlib.sha256(f"{config.broker_id}\0{user}".encode()).hexdigest()[:24]


def _unproven(account: Account) -> int:
    return _count(not session.gate.proven for session in account.sessions.values())


def _prune(root: Path, now: float) -> None:
    """Remove the folders of names that somebody made up, which hold what the front said and nothing
    else."""
    for guard in root.glob(f"*/{_GUARD}"):
        names = {path.name for path in guard.parent.iterdir()}
        if names <= {_LOCK, _FLOW, _GUARD} and now - guard.stat().st_mtime > _FORGET_S:
            with contextlib.suppress(Busy), hold(guard.parent / _LOCK):
                shutil.rmtree(guard.parent, ignore_errors=True)


def _count(facts: Iterable[bool]) -> int:
    return sum(facts)


def _hold(folder: Path) -> IO[str]:
    """Make the folder and take its lock. Raises Busy."""
    while True:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return hold(folder / _LOCK)
        except FileNotFoundError:
            continue  # who had it has just removed the folder
