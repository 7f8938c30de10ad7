"""The requests of which a login consists."""

from __future__ import annotations

from bus.secrets import Secret
from schemas.catalogue import Catalogue
from schemas.codec import Value

from ..config import TdConfig
from .attempts import Attempt
from .states import State

Request = tuple[str, bytes]


class Steps:
    """Method and struct bytes of each step for one account."""

    def __init__(self, catalogue: Catalogue, config: TdConfig, user: str) -> None:
        self._catalogue, self._config = catalogue, config
        self._account: dict[str, Value] = {"BrokerID": config.broker_id, "UserID": user}
        self._investor: dict[str, Value] = {"BrokerID": config.broker_id, "InvestorID": user}
        self._program: dict[str, Value] = {"UserProductInfo": config.user_product_info}

    def request(self, state: State, client: Attempt | None, password: Secret | None) -> Request:
        """What a state asks for. ``client`` is the one who logs in, None when it is we again."""
        pack = self._catalogue.codec
        if state is State.CONNECTED:
            code = self._config.auth_code.reveal()
            values = {"AppID": self._config.app_id, "AuthCode": code}
            return "ReqAuthenticate", pack("ReqAuthenticate").pack(
                self._account | self._program | values
            )
        if state is State.LOGGED_IN and self._config.settlement == "ask":
            name = "QrySettlementInfoConfirm"
            return f"Req{name}", pack(name).pack(self._investor)
        if state is State.LOGGED_IN:
            return "ReqSettlementInfoConfirm", pack("SettlementInfoConfirm").pack(self._investor)
        if client is not None and client.call.method != "ReqUserLogin":
            # With a captcha, a text message or a one-time password, which only the client knows.
            name = client.call.method
            struct = self._catalogue.td.requests[name].struct
            return name, pack(struct).patch(client.call.body, self._account)
        assert password is not None
        secret: dict[str, Value] = {"Password": password.reveal()}
        return "ReqUserLogin", pack("ReqUserLogin").pack(self._account | self._program | secret)

    def logout(self) -> Request:
        return "ReqUserLogout", self._catalogue.codec("UserLogout").pack(self._account)
