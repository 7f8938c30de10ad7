"""Events that clients get without asking, each those of his account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..service import Client
from ..stat import Failed, Stat

_KINDS: Final = frozenset({"order", "trade"})


class Pushes:
    """``stands``: whether a client may still see an account. Each client's events of a kind have
    numbers of their own, from 1 on."""

    def __init__(self, stands: Callable[[Client, str], bool]) -> None:
        self._stands = stands
        self._followers: dict[Client, tuple[str, frozenset[str], dict[str, int]]] = {}

    def follow(self, client: Client, account: str, kinds: Any) -> None:
        """Raises Failed."""
        wanted = frozenset(kinds) if _are_texts(kinds) else None
        if wanted is None or not wanted <= _KINDS:
            raise Failed(Stat.BAD_REQUEST, 'push is a list of "order" and "trade"')
        if client.push is None:
            raise Failed(Stat.BAD_REQUEST, "there are no pushes on wire v1")
        _, _, seqs = self._followers.get(client, ("", frozenset(), {}))
        self._followers[client] = account, wanted, seqs

    def gone(self, client: Client) -> None:
        self._followers.pop(client, None)

    def tell(self, account: str, kind: str, record: bytes) -> None:
        for client, (theirs, kinds, seqs) in list(self._followers.items()):
            if theirs != account or kind not in kinds or client.push is None:
                continue
            if not self._stands(client, account):
                del self._followers[client]
                continue
            seqs[kind] = seqs.get(kind, 0) + 1
            client.push(kind, seqs[kind], record)

    def __len__(self) -> int:
        return len(self._followers)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
