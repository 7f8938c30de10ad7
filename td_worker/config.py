"""The section ``td_worker`` of the group's file."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from bus.fronts import addresses
from bus.secrets import Secret, either

Seconds = Annotated[float, Meta(gt=0, le=600)]
# A front cuts a silent session after this (reason 8193), and not before.
_SILENCE_S: Final = 120.0


class OwnAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account that the worker logs in by itself. ``password``, or ``password_file``: its first
    line, readable by this user only."""

    user: Annotated[str, Meta(min_length=1, max_length=15)]
    password: Secret = Secret("")
    password_file: str = ""

    def __post_init__(self) -> None:
        if bool(self.password) == bool(self.password_file):
            raise ValueError(f"accounts: {self.user} needs either password or password_file")

    def secret(self) -> Secret:
        return either(self.password, self.password_file)


class TdConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One td_worker.

    front          address of the trading front, or a list of them (the API picks one)
    broker_id      of every account of this worker; what clients send as BrokerID is not asked
    app_id, auth_code   for ReqAuthenticate; without app_id the step is left out
    user_product_info   what the counter records as the program
    login_s        within this time a login is answered, with an error if need be
    step_s         a step of the login without an answer is tried anew after this; doubles up to
                   a minute
    query_s        a query without a full answer for so long ends with an error
    queries_per_s  pace of queries; 0: as the front says, one a second where it cannot tell
    quiet_s        after a login new orders wait until the returns have been quiet for so long, and
                   the counter's lists of orders and trades agree with them
    cache_mb       memory for answers that stay the same for a trading day, such as the instruments;
                   0: each query goes to the counter
    answer_s       an order without an answer for so long is told as one of unknown outcome
    unsent_s       an order that may have left over a connection that was lost counts as never sent
                   when so long after the loss the counter does not list it; before that a front
                   may still hold bytes of it. On a connection that stands it stays unknown
    limits_file    what accounts and clients may do, see docs/configuration.md; empty: no limits
    retry_s        first pause after a login that the front refused for now; doubles up to a minute
    wrong_s        a wrong password is answered after this; the next one from the same origin after
                   twice as long, up to 10 s
    locked_s       no login for so long after the front has said that it locked the account (75) or
                   our address (143, 144), not even after a restart
    gone_s         a client that cannot be reached for so long loses its logins
    max_accounts   counter sessions at the most; about 180 connections fit in one Linux process
    max_unproven   of these, sessions of accounts that the front has never accepted: anybody can
                   open one with a name that he made up
    settlement     auto: each login confirms the day's settlement; ask: orders are refused (42)
                   until a client of the account confirms it; never: it is left to clients
    front_session  when no client is logged in, the session at the counter goes on (keep), ends
                   after linger_s (linger) or at once (with_last_client), unless the outcome of an
                   order is unknown or orders are to be cancelled; live orders stay
    sessions       shared: one session at the counter for all clients of an account; exclusive: one
                   for each login, which ends with it
    accounts_folder   where each account has its folder and lock; "": in the folder of td_worker.
                   td_workers of one machine that may serve the same accounts must share it
    users          serve these accounts only, and hold them from the start; empty: whoever logs in
    accounts       the worker logs these in by itself, at its start and again after each loss, and
                   callers whom it trusts use them without the password (verb Attach)
    keep_days      files of so many trading days stay in an account's folder; at least 6, since a
                   client_order_id counts for five days more
    """

    front: str | list[str]
    broker_id: str
    app_id: str = ""
    auth_code: Secret = Secret("")
    user_product_info: str = "ctpbus"
    login_s: Seconds = 8.0
    step_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    query_s: Seconds = 30.0
    queries_per_s: Annotated[float, Meta(ge=0)] = 0
    quiet_s: Seconds = 0.3
    cache_mb: Annotated[int, Meta(ge=0, le=4096)] = 64
    answer_s: Seconds = 5.0
    unsent_s: Annotated[float, Meta(ge=0, le=3600)] = 130.0
    limits_file: str = ""
    retry_s: Seconds = 10.0
    wrong_s: Annotated[float, Meta(gt=0, le=10)] = 1.0
    locked_s: Annotated[float, Meta(gt=0)] = 1800.0
    gone_s: Seconds = 15.0
    max_accounts: Annotated[int, Meta(ge=1, le=180)] = 150
    max_unproven: Annotated[int, Meta(ge=1, le=180)] = 50
    settlement: Literal["auto", "ask", "never"] = "auto"
    front_session: Literal["keep", "linger", "with_last_client"] = "keep"
    linger_s: Annotated[float, Meta(ge=0)] = 300.0
    sessions: Literal["shared", "exclusive"] = "shared"
    accounts_folder: str = ""
    users: list[str] = []
    accounts: list[OwnAccount] = []
    keep_days: Annotated[int, Meta(ge=6, le=1000)] = 30

    def __post_init__(self) -> None:
        real = [front for front in addresses(self.front) if not front.startswith("sim://")]
        if real and self.unsent_s < _SILENCE_S:
            raise ValueError(
                f"unsent_s: at least {_SILENCE_S:.0f} with {real[0]}, where what was sent over a"
                " lost connection may arrive for so long"
            )
        names = [account.user for account in self.accounts]
        if len(set(names)) < len(names):
            raise ValueError("accounts: one is named twice")
        if self.users and not set(names) <= set(self.users):
            raise ValueError("accounts: one is not among users, whom alone this worker serves")
        if names and self.sessions == "exclusive":
            raise ValueError("accounts: need sessions: shared")

    @property
    def idle_s(self) -> float | None:
        """A session at the counter without clients ends after this; None: never."""
        if self.sessions == "exclusive" or self.front_session == "with_last_client":
            return 0.0
        return self.linger_s if self.front_session == "linger" else None

    @property
    def fronts(self) -> list[str]:
        return addresses(self.front)
