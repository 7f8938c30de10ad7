"""The section tcp_edge: which services a group has, and what does not go together."""

from __future__ import annotations

from typing import Any

import pytest

from tcp_edge.config import QuoteListener, TcpConfig, TradeListener, as_member, services_of


def test_a_group_has_the_services_that_it_names() -> None:
    config = TcpConfig(services=("quote", "trade"), processes="three")
    assert services_of(config, "") == ("quote", "trade")
    assert services_of(config, "trade") == ("trade",)
    assert as_member(config, "quote") == config
    with pytest.raises(ValueError, match="which of quote, trade"):
        as_member(config, "login")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"services": ()}, "at least one"),
        ({"services": ("quote",), "authcode_style": "digits8"}, "where the login service is"),
        ({"quote": QuoteListener(host="0.0.0.0")}, "quote: .* advertised_host"),
        ({"trade": TradeListener(host="")}, "trade: .* advertised_host"),
    ],
)
def test_what_does_not_go_together_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        TcpConfig(**options)


def test_a_host_for_everybody_is_fine_where_nobody_is_sent() -> None:
    listener = QuoteListener(host="0.0.0.0")
    assert TcpConfig(quote=listener, services=("quote", "trade")).quote == listener
    named = QuoteListener(host="0.0.0.0", advertised_host="203.0.113.1")
    assert TcpConfig(quote=named).quote == named
