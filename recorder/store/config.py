"""The key ``store`` of the recorder's section."""

from __future__ import annotations

import msgspec

from bus.secrets import Secret


class StoreConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where events and answers go.

    url  of a database, ``postgresql://USER:PASSWORD@HOST/NAME`` (with the extra ``postgres``) or
         ``sqlite:////FOLDER/FILE``; empty: a SQLite file in the recorder's folder
    """

    url: Secret = Secret("")
