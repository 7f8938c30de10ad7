"""The live page, the trading panel and the day's data, in a browser, on a running group."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from sim.control import SimControl
from tests.support.browser import TIMEOUT_MS, Manager, managed

pytestmark = pytest.mark.browser

expect.set_options(timeout=TIMEOUT_MS)

STOCK = "600000"
# Nobody else in this group looks at it.
OURS = "au2702"
CHART = """() => {
  const chart = document.querySelector('.cb-main .nicegui-echart');
  const {series} = getElement(Number(chart.id.slice(1))).chart.getOption();
  const data = series.length ? series[0].data : [];
  return [series.length ? series[0].name : '', data.length, data[data.length - 1] || null,
          chart.querySelector('canvas').toDataURL()];
}"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    with managed(tmp_path_factory.mktemp("market")) as manager:
        yield manager


@pytest.fixture
def manager(shared: Manager) -> Iterator[Manager]:
    yield shared
    shared.close_pages()
    assert not shared.faults


@pytest.fixture
def sim(shared: Manager) -> Iterator[SimControl]:
    with SimControl(str(shared.deployment.root / "var" / "sim.sock")) as control:
        yield control


def wait(told: Callable[[], Any], timeout_s: float = TIMEOUT_MS / 1000) -> Any:
    until = time.monotonic() + timeout_s
    while not (found := told()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return found


def line(page: Page, instrument: str) -> Locator:
    return page.locator(f'tr[data-instrument="{instrument}"]')


def look_at(page: Page, instrument: str) -> None:
    # Before its websocket stands, a page takes nothing.
    expect(line(page, STOCK)).to_contain_text(re.compile("live|实时"))
    page.locator(".cb-code input").fill(instrument)
    page.keyboard.press("Enter")
    line(page, instrument).click()


def subscribed(manager: Manager) -> int:
    """What md_worker has subscribed at the front, as it says itself."""
    with urllib.request.urlopen(manager.at("/metrics"), timeout=10) as answer:
        text = answer.read().decode()
    found = re.search(r'ctpbus_level\{program="md_worker",what="subscribed"\} (\S+)', text)
    assert found
    return int(float(found[1]))


def test_a_tick_moves_the_chart(manager: Manager) -> None:
    page = manager.enter("en")
    page.goto(manager.at("/live"))
    look_at(page, OURS)
    expect(line(page, OURS)).to_contain_text("live")

    def drawn() -> list[Any]:
        found: list[Any] = page.evaluate(CHART)
        return found

    before = wait(lambda: (found := drawn())[0] == OURS and found[1] and found)
    after = wait(lambda: (found := drawn())[2] != before[2] and found[3] != before[3] and found)
    assert after[2][0] > before[2][0]
    # The book and the table show the same tick.
    expect(page.locator("tr.cb-bid").first).to_have_text(re.compile(r"Bid 1\s*[\d.]+\s*\d+"))
    for name in ("Messages per second", "Delay per hop", "over the bus", "md_front.md_worker"):
        expect(page.locator("body")).to_contain_text(name)


def test_a_stale_tick_looks_stale(manager: Manager, sim: SimControl) -> None:
    page = manager.enter("zh")
    page.goto(manager.at("/live"))
    expect(line(page, STOCK)).to_contain_text("实时")
    sim.disconnect(side="md", seconds=3)
    expect(line(page, STOCK)).to_contain_text("过期")
    expect(line(page, STOCK)).to_have_class(re.compile("cb-old"))
    expect(line(page, STOCK)).to_contain_text("实时")
    expect(line(page, STOCK)).not_to_have_class(re.compile("cb-old"))


def test_a_closed_page_gives_back_what_it_had_subscribed(manager: Manager) -> None:
    alone = 1  # what the canary looks at
    wait(lambda: subscribed(manager) <= alone)
    page = manager.enter("en")
    page.goto(manager.at("/live"))
    for instrument in ("ag2702", "cu2702", "zn2702"):
        look_at(page, instrument)
        expect(line(page, instrument)).to_contain_text("live")
    wait(lambda: subscribed(manager) >= alone + 3)
    page.context.close()
    wait(lambda: subscribed(manager) <= alone)


def test_red_is_up_in_china_and_can_be_turned(manager: Manager) -> None:
    for lang, button, first in (
        ("zh", "红绿互换", "cb-red-up"),
        ("en", "Red / green", "cb-green-up"),
    ):
        page = manager.enter(lang)
        page.goto(manager.at("/live"))
        ground = page.locator(".cb-columns")
        expect(ground).to_have_class(re.compile(first))
        page.get_by_role("button", name=button).click()
        expect(ground).not_to_have_class(re.compile(first))


@pytest.mark.parametrize("path", ["/live"])
def test_a_page_fits_a_phone(manager: Manager, path: str) -> None:
    page = manager.enter("zh", width=390, height=844)
    page.goto(manager.at(path))
    page.wait_for_selector(".cb-panel")
    wait(lambda: page.evaluate("document.documentElement.scrollWidth") <= 390)
