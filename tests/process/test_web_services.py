"""The services of a running group, seen and switched on the web page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import TIMEOUT_MS, Manager, managed

pytestmark = pytest.mark.browser

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    with managed(tmp_path_factory.mktemp("web")) as manager:
        yield manager


@pytest.fixture
def manager(shared: Manager) -> Iterator[Manager]:
    yield shared
    shared.close_pages()
    assert not shared.faults


def row(page: Page, name: str) -> Locator:
    return page.locator("tr", has=page.get_by_role("cell", name=name, exact=True))


def press(page: Page, name: str, button: str) -> None:
    row(page, name).get_by_role("button", name=button).click()


def test_a_service_really_stops_and_starts(manager: Manager) -> None:
    page = manager.enter("en")
    line = row(page, "ws_edge")
    expect(line.first).to_contain_text("running")
    before = manager.deployment.pids()["ws_edge"]
    press(page, "ws_edge", "Stop")
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(line.first).to_contain_text("stopped")
    assert "ws_edge" not in manager.deployment.pids()
    press(page, "ws_edge", "Start")
    expect(line.first).to_contain_text("running")
    assert manager.deployment.pids()["ws_edge"] != before
