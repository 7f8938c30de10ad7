"""Of the canary what a configuration says: read by many who send none."""

from __future__ import annotations

import msgspec

from bus.secrets import Secret


class CanaryConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``canary`` of the group's file."""

    instrument: str = ""
    """Subscribed by the canary; choose one that ticks all through the session. Empty: no tick is
    waited for."""
    user_id: str = ""
    """Account for the query. Empty: the trading front is only asked whether it is there."""
    password: Secret = Secret("")
    password_file: str = ""
    """A file of mode 0600 with the password, instead of ``password``."""
    token_file: str = ""
    """A file of mode 0600 with a token, when ws_edge asks for one."""
    ofx_user: str = ""
    """Client account of tcp_edge to log in with. Empty: no login by OFX is tried."""
    ofx_password: Secret = Secret("")
    ofx_password_file: str = ""
    """A file of mode 0600 with its password, instead of ``ofx_password``."""
