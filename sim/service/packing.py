"""Field dicts of the counter to struct bytes of the binding, and back."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from schemas.catalogue import Catalogue, Side
from schemas.codec import FieldError

from ..exchange.events import Event
from ..exchange.values import Fields, Value
from ..wire import Raise

log = logging.getLogger("sim.service.packing")


class Packer:
    """For one binding version: what its structs do not have is left out."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._noted: set[tuple[str, str]] = set()

    def event(self, side: Side, event: Event) -> Raise | None:
        """None when this version of the API has no such callback."""
        declared = self.catalogue.api(side).callbacks.get(event.callback)
        if declared is None:
            return None
        field = None
        if declared.struct is not None and event.field is not None:
            field = self.struct(declared.struct, event.field)
        return Raise(
            event.callback,
            field,
            self.info(event.error_id, event.error_msg) if declared.has_info else None,
            event.request_id,
            event.last,
            # The public stream is not resumed: what it says is also there to be asked for.
            sequence=event.seq if event.user is not None else 0,
        )

    def struct(self, name: str, fields: Mapping[str, Value]) -> bytes:
        """Bytes of a struct. A text that is too long for this version's field is cut, and that
        is logged once for each field."""
        while True:
            try:
                return self.catalogue.codec(name).pack(fields)
            except FieldError as exc:
                self._note_cut(name, exc)
                fields = {**fields, exc.path: self._cut(name, exc.path, fields[exc.path])}

    def _cut(self, name: str, field: str, value: Value) -> str:
        """As much of a text as fits, in whole characters; nothing of what is no text."""
        sizes = {known.name: known.size for known in self.catalogue.layouts[name].fields}
        octets = str(value).encode("gb18030", "replace")[: sizes[field] - 1]
        return octets.decode("gb18030", "ignore").replace("\0", "")

    def _note_cut(self, name: str, error: FieldError) -> None:
        if (name, error.path) not in self._noted:
            self._noted.add((name, error.path))
            log.warning("a text was cut", extra={"fields": {"struct": name, "why": str(error)}})

    def info(self, error_id: int | None, error_msg: str) -> bytes | None:
        """A RspInfo, None without an error number."""
        if error_id is None:
            return None
        return self.struct("RspInfo", {"ErrorID": error_id, "ErrorMsg": error_msg})

    def fits(self, side: Side, name: str, body: bytes) -> bool:
        """Whether there is such a request and its struct has this size."""
        declared = self.catalogue.api(side).requests.get(name)
        return declared is not None and self.catalogue.layouts[declared.struct].size == len(body)

    def request(self, side: Side, name: str, body: bytes) -> Fields:
        """The fields of a request that fits."""
        declared = self.catalogue.api(side).requests[name]
        return self.catalogue.codec(declared.struct).unpack(body)

    def without_values(self, side: Side, message: Raise) -> Raise:
        """The same callback with DBL_MAX in every double."""
        struct = self.catalogue.api(side).callbacks[message.callback].struct
        if struct is None or message.field is None:
            return message
        doubles = [
            field.name for field in self.catalogue.layouts[struct].fields if field.kind == "d"
        ]
        emptied = self.catalogue.codec(struct).patch(message.field, dict.fromkeys(doubles))
        return Raise(
            message.callback,
            emptied,
            message.info,
            message.request_id,
            message.last,
            message.number,
            message.sequence,
        )
