"""One client does not take all the codes of the day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bus.authcodes import Grant
from schemas.xtp.instruments import Instruments
from tcp_edge.config import TcpConfig
from tcp_edge.figures import figures
from tcp_edge.service import Client
from tcp_edge.stat import Failed
from tests.unit.tcp_edge.test_quotes import Service


class ByUser:
    """Access where the authcode is the user's name."""

    async def grant(self, client: Client, request: Any, right: str) -> Grant:
        return Grant(user=request.authcode, account="", rights=(right,), expires=2**31, serial=1)

    def known(self, client: Client, request: Any, right: str) -> Grant | None:
        return None

    def stands(self, client: Client, right: str) -> bool:
        return True


async def subscribe(
    service: Service, codes: Sequence[int], peer: str = "10.0.0.1", user: str = ""
) -> str:
    """What is answered."""
    params = [{"code": f"{code:06}", "market": "SH"} for code in codes]
    try:
        request = {"cmd": 110001, "authcode": user, "params": params}
        return (await service.ask(request, Client(peer, None, "", "string"))).decode()
    except Failed as failed:
        return str(failed)


def opened(path: Path, most: int, access: ByUser | None = None) -> Service:
    config = TcpConfig(
        max_subscriptions=6,
        max_subscriptions_per_client=most,
        quote_authcode="required" if access else "none",
    )
    service = Service(path, config=config, access=access)
    service.quotes._instruments = Instruments
    return service


def test_an_address_has_a_share_and_leaves_the_others_theirs(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path, 3) as service:
            assert "200" in await subscribe(service, range(2))
            refusal = "413 more than 3 codes would be subscribed by the address 10.0.0.1"
            assert await subscribe(service, range(2, 4)) == refusal
            assert len(service.bus.streams) == 2  # all or none
            assert "200" in await subscribe(service, [1, 2])
            assert await subscribe(service, [3]) == refusal
            # What is there already costs nobody anything.
            assert "200" in await subscribe(service, range(3), "10.0.0.2")
            assert "200" in await subscribe(service, range(3, 6), "10.0.0.2")
            told = await subscribe(service, [6], "10.0.0.3")
            assert told == "413 more than 6 codes would be subscribed"
            counted = figures({"quote": service.quotes.describe()}).counters
            assert counted["quote_shares_refused"] == 2
            service.day = "20261124"
            service.quotes._turn_day()
            assert "200" in await subscribe(service, range(3))

    asyncio.run(main())


def test_a_network_of_ipv6_is_one_address(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path, 1) as service:
            assert "200" in await subscribe(service, [1], "2001:db8:1:2::5")
            assert "413" in await subscribe(service, [2], "2001:db8:1:2:ffff::1")
            assert "200" in await subscribe(service, [2], "2001:db8:1:3::1")

    asyncio.run(main())


def test_with_authcodes_the_user_counts_wherever_he_is(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path, 2, ByUser()) as service:
            assert "200" in await subscribe(service, [1, 2], "10.0.0.1", "alice")
            told = await subscribe(service, [3], "10.0.0.2", "alice")
            assert told == "413 more than 2 codes would be subscribed by the user alice"
            assert "200" in await subscribe(service, [3], "10.0.0.1", "bob")

    asyncio.run(main())


@pytest.mark.parametrize(("most", "taken"), [(0, 6), (2000, 6), (3, 0)])
def test_a_share_is_what_the_configuration_says(tmp_path: Path, most: int, taken: int) -> None:
    async def main() -> None:
        async with opened(tmp_path, most) as service:
            await subscribe(service, range(6))
            assert len(service.bus.streams) == taken

    asyncio.run(main())
