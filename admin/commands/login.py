"""``ctpbus login test``: the way to the fronts, step by step, up to a query's answer."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import msgspec
import typer

from admin.watch.told import Told
from bus.errors import CounterRefused, Refused, Unavailable
from bus.secrets import Secret
from schemas.errors import LIMIT, Action, login_action

from . import output
from .account import (
    PasswordFile,
    Refusal,
    User,
    chosen,
    entered,
    password_for,
    rows,
    told_of,
)
from .group import GROUP, Config, Opened, opened
from .status import listen

app = typer.Typer(help="Logins at the counter.", no_args_is_help=True)

_LISTEN_S: Final = 4.0
_UP: Final = "ctpbus up starts the group; ctpbus status shows what runs"
_FRONT: Final = "ctpbus doctor looks whether the fronts are reached"
_REMEDIES: Final = {
    Action.RETRY: "the counter is not ready, as before its opening: try again later",
    Action.WAIT: "a login is under way: try again in a moment",
    Action.PASSWORD: "the counter wants another password first: change it with the broker's "
    "program, or by ReqUserPasswordUpdate",
    Action.CONFIRM: "confirm the settlement",
    Action.SLOW_DOWN: "try again later, and less often",
    Action.STOP: "do NOT try again with the same: some more failures lock the account. Check "
    "UserID, password, broker_id, app_id and auth_code with the broker",
}


class Step(msgspec.Struct, frozen=True):
    """``took_ms``: 0 where it was not timed."""

    step: str
    level: str
    text: str
    remedy: str = ""
    took_ms: float = 0.0


@app.callback()
def _group() -> None:
    """Logins at the counter."""


def of_worker(name: str, told: Told | None) -> Step:
    """What a worker says of its front."""
    state: dict[str, Any] = told.state if told is not None and told.state_heard else {}
    if not state:
        return Step(name, "fault", f"{name} is not heard on the bus", _UP)
    if state["front"] == "disconnected":
        why = "" if state["reason"] is None else f" (reason {state['reason']})"
        text = f"its front is not connected{why}"
        return Step(name, "fault", text, _FRONT)
    if name != "td_worker" and not state["logged_in"]:
        text = f"the front is connected and does not let it in ({state['reason']})"
        return Step(
            name, "fault", text, "md_worker.broker_id, user_id, password: does it want any?"
        )
    if state["front"] == "unknown":  # of td_worker, which connects with the first login
        return Step(name, "ok", "on the bus; no account has been logged in yet")
    return Step(name, "ok", f"on the bus, front {state['front']}")


async def steps(group: Opened, user: str, password: Secret | None) -> list[Step]:
    told = await listen(group, _LISTEN_S)
    md = [group.plan.md] if group.plan.md_fronts else []
    done = [of_worker(name, told.get(name)) for name in (*md, "td_worker")]
    if "td_worker" not in told or not told["td_worker"].heard:
        return done
    async with group.client() as client:
        began = time.monotonic()
        try:
            account = await entered(client, user, password)
        except Refused as exc:
            return [*done, Step("login", "fault", f"{user}: {told_of(exc)}", _remedy(exc))]
        except Unavailable as exc:
            text = f"{user}: no answer ({exc})"
            return [*done, Step("login", "fault", text, f"{_FRONT}; {_UP}")]
        session = account.session
        text = (
            f"{user} of {session['BrokerID']}, trading day {session['TradingDay']}, "
            f"front {session['FrontID']}"
        )
        way = "attached" if password is None else "logged in"
        done.append(Step("login", "ok", f"{way} as {text}", "", _ms(began)))
        began = time.monotonic()
        try:
            found = await rows(client, account, "ReqQryTradingAccount", "TradingAccount", {})
        except (Refused, Unavailable, Refusal) as exc:
            done.append(Step("query", "fault", f"ReqQryTradingAccount: {exc}", _FRONT))
        else:
            text = f"ReqQryTradingAccount answered with {len(found)} rows"
            done.append(Step("query", "ok", text, "", _ms(began)))
    return done


def _ms(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)


def _remedy(exc: Refused) -> str:
    if isinstance(exc, CounterRefused):
        return _REMEDIES.get(login_action(exc.error_id), _REMEDIES[Action.STOP])
    if exc.error_id == LIMIT:
        return "td_worker has as many sessions as max_accounts and max_unproven let it have"
    return "the text says why td_worker did not try; its log says more"


def test(
    user: User = "",
    password_file: PasswordFile = None,
    config: Config = GROUP,
    json: output.Json = False,
) -> None:
    """Log in to an account and ask it one thing. One try: wrong passwords lock accounts.

    Exit status: 0 all of it works, 1 not, 2 the file or the command line is wrong."""
    group = opened(config)
    name = chosen(group, user)
    done = asyncio.run(steps(group, name, password_for(group, name, password_file)))
    good = all(step.level == "ok" for step in done)
    if json:
        output.show_json({"good": good, "steps": done})
    else:
        for step in done:
            output.show(output.finding(step.level, step.step, step.text, step.remedy))
    raise typer.Exit(0 if good else 1)


app.command("test")(test)
