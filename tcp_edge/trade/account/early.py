"""A login of an account for cancels, while td_worker recovers and the books are filled."""

from __future__ import annotations

import asyncio
from typing import Final

from bus.client import Account

from ..setting import Setting
from .session import READY_S

# td_worker keeps a handle over a reconnect, behind which it may be another day with other orders of
# the same numbers. A login tells the day of now.
_FRESH_S: Final = 1.0
_KEPT_S: Final = 120.0  # the counter's refusals come to the login that has sent the cancel


class Early:
    """Of the account ``user``; made when it is needed, and one for all who need it then."""

    def __init__(self, setting: Setting, user: str) -> None:
        self._setting, self._user = setting, user
        self._attaching: asyncio.Task[Account] | None = None
        self._until = 0.0

    async def account(self, void: bytes = b"") -> Account:
        """With another handle than this one. Raises Refused and Unavailable, after READY_S."""
        task = self._attaching
        if task is None or (task.done() and not self._is_good(task, void)):
            task = self._attaching = asyncio.create_task(self._attach())
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    def close(self) -> None:
        if self._attaching is not None:
            self._attaching.cancel()

    async def _attach(self) -> Account:
        setting, loop = self._setting, asyncio.get_running_loop()
        account = await setting.bus.attach(
            self._user, name=setting.name, timeout_s=READY_S, early=True
        )
        self._until = loop.time() + _FRESH_S
        loop.call_later(_KEPT_S, account.leave)
        return account

    def _is_good(self, task: asyncio.Task[Account], void: bytes) -> bool:
        if task.cancelled() or task.exception() is not None:
            return False
        return asyncio.get_running_loop().time() < self._until and task.result().handle != void
