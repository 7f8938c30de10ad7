"""Records of the days before: an id that a client used then is used."""

from __future__ import annotations

from .record import Record
from .store import Store


class Past:
    """Raises StoreError everywhere."""

    def __init__(self, store: Store) -> None:
        self._days = {earlier.day: earlier for earlier in store.earlier()}
        self._ids = {
            client_order_id: (day, number)
            for day, earlier in sorted(self._days.items())
            for client_order_id, number in earlier.client_order_ids().items()
        }

    def of_client_id(self, client_order_id: str) -> Record | None:
        found = self._ids.get(client_order_id)
        return self.get(*found) if found else None

    def get(self, day: str, number: int) -> Record | None:
        return self._days[day].record(number) if day in self._days else None
