"""The live page, the trading panel and the day's data, in a browser, on a running group."""

from __future__ import annotations

import csv
import http.client
import json
import os
import re
import signal
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
        ("en", "Red ⇄ green", "cb-green-up"),
    ):
        page = manager.enter(lang)
        page.goto(manager.at("/live"))
        ground = page.locator(".cb-columns")
        expect(ground).to_have_class(re.compile(first))
        page.get_by_role("button", name=button).click()
        expect(ground).not_to_have_class(re.compile(first))


# -- the trading panel


STEEL = "rb2701"
FAR = 2950  # from what is traded: it rests


def trade_page(manager: Manager, lang: str = "en") -> Page:
    page = manager.enter(lang)
    page.goto(manager.at("/trade"))
    expect(page.locator("body")).to_contain_text("ready" if lang == "en" else "就绪")
    return page


def fill(page: Page, price: float | None = None) -> None:
    """The form for one lot; its price is proposed."""
    field = page.get_by_label("Instrument", exact=True)
    field.fill(STEEL)
    field.press("Enter")
    expect(page.locator("body")).to_contain_text("SHFE · ×10 · tick 1")
    proposed = page.get_by_label("Price", exact=True)
    expect(proposed).to_have_value(re.compile(r"\d{4}"))
    if price is not None:
        proposed.press_sequentially("1")
        proposed.fill(str(price))
        proposed.press("Tab")


def place(page: Page) -> Locator:
    page.get_by_role("button", name="Place order").dblclick()
    return page.locator("tr[data-ticket]").first


def orders(sim: SimControl, since: int) -> list[dict[str, Any]]:
    return [entry for entry in sim.ledger(since) if entry["kind"] == "AcceptedOrder"]


def ended(sim: SimControl, since: int) -> list[dict[str, Any]]:
    return [entry for entry in sim.ledger(since) if entry["kind"] == "EndedOrder"]


def audited(manager: Manager, what: str) -> list[dict[str, Any]]:
    file = manager.deployment.root / "var" / "admin" / "audit.jsonl"
    entries = [json.loads(each) for each in file.read_text("utf-8").splitlines()]
    return [entry for entry in entries if entry["what"] == what]


def test_an_order_is_placed_once_and_withdrawn(manager: Manager, sim: SimControl) -> None:
    page, before = trade_page(manager), len(sim.ledger())
    fill(page, FAR)
    expect(place(page)).to_contain_text("at the counter")
    (order,) = wait(lambda: orders(sim, before))
    assert (order["instrument"], order["volume"]) == (STEEL, 1)
    line = page.locator("tr.cb-an-order").first
    expect(line).to_contain_text(f"{STEEL} buy open 1 @ {FAR}")
    expect(line).to_contain_text("queued")
    line.get_by_role("button", name="Withdraw").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(line).to_contain_text("cancelled")
    expect(line.get_by_role("button", name="Withdraw")).to_be_hidden()
    assert len(orders(sim, before)) == len(ended(sim, before)) == 1
    # The form stays shut until somebody asks for the next one.
    expect(page.get_by_role("button", name="Place order")).to_be_disabled()
    page.get_by_role("button", name="Next order").click()
    expect(page.get_by_role("button", name="Place order")).to_be_enabled()
    asked = audited(manager, "order.place")[-1]
    assert asked["who"] == "admin"
    assert f"SHFE.{STEEL} buy offset0 type231 1@{FAR}" in asked["on"]
    assert [entry["outcome"] for entry in audited(manager, "order.cancel")[-2:]] == ["asked", "ok"]
    assert audited(manager, "order.outcome")[-1]["outcome"] == "CANCELLED"


def test_a_withdrawal_is_told_of_when_its_row_is_gone(manager: Manager, sim: SimControl) -> None:
    page = trade_page(manager)
    fill(page, FAR)
    expect(place(page)).to_contain_text("at the counter")
    page.get_by_text("only live ones").click()
    lines = page.locator("tr.cb-an-order")
    lines.first.get_by_role("button", name="Withdraw").click()
    other = trade_page(manager)
    other.locator("tr.cb-an-order").first.get_by_role("button", name="Withdraw").click()
    other.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(lines).to_have_count(0)
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(page.locator(".q-notification").filter(has_text="Cancel")).to_be_visible()


def test_an_order_at_the_proposed_price_trades(manager: Manager, sim: SimControl) -> None:
    page, before = trade_page(manager), len(sim.ledger())
    fill(page)
    expect(place(page)).to_contain_text("all traded")
    wait(lambda: any(entry["kind"] == "ExecutedTrade" for entry in sim.ledger(before)))
    body = page.locator("body")
    expect(body).to_contain_text(re.compile(r"rb2701\s*long"))
    expect(body).to_contain_text("Trades of the day")


def test_a_price_that_cannot_be_meant_is_not_sent(manager: Manager, sim: SimControl) -> None:
    page, before = trade_page(manager), len(sim.ledger())
    fill(page, 3000.5)
    page.get_by_role("button", name="Place order").click()
    expect(page.locator("body")).to_contain_text("no multiple of 1")
    assert not sim.ledger(before)


def test_the_kill_switch_refuses_the_next_order(manager: Manager, sim: SimControl) -> None:
    page, before = trade_page(manager), len(sim.ledger())
    fill(page, FAR)
    expect(place(page)).to_contain_text("at the counter")
    page.get_by_role("button", name="Kill switch").click()
    page.get_by_role("dialog").get_by_role("button", name="Kill switch").click()
    expect(page.locator("body")).to_contain_text("Kill switch is on")
    # It ends what lives, as was asked.
    expect(page.locator("tr.cb-an-order").first).to_contain_text("cancelled")
    page.get_by_role("button", name="Next order").click()
    fill(page, FAR)
    line = place(page)
    expect(line).to_contain_text("not sent")
    expect(line).to_contain_text("kill switch")
    assert len(orders(sim, before)) == 1
    page.get_by_role("button", name="Release").click()
    page.get_by_role("dialog").get_by_role("button", name="Release").click()
    expect(page.locator("body")).to_contain_text("Kill switch is off")
    assert [entry["outcome"] for entry in audited(manager, "kill.set_all")] == ["asked", "ok"]
    assert audited(manager, "order.outcome")[-1]["outcome"].startswith("NOT_SENT")


def test_an_order_without_an_answer_is_unknown_and_not_failed(
    manager: Manager, sim: SimControl
) -> None:
    page, before = trade_page(manager), len(sim.ledger())
    fill(page, FAR)
    worker = manager.deployment.pids()["td_worker"]
    os.kill(worker, signal.SIGSTOP)
    try:
        line = place(page)
        expect(line).to_contain_text("unknown: it may live, do not place it again")
    finally:
        os.kill(worker, signal.SIGCONT)
    # Its time was over when td_worker came back, so it was never sent, and that is found out.
    expect(line).to_contain_text("not sent")
    assert not orders(sim, before)


# -- the day's data


def choose(page: Page, label: str, name: str) -> None:
    page.get_by_label(label, exact=True).first.click()
    page.get_by_role("option", name=name, exact=True).click()


def show(page: Page, button: str = "Show") -> Locator:
    page.get_by_role("button", name=button, exact=True).click()
    return page.locator("table.cb-table tbody tr")


def test_the_ticks_of_the_day_are_paged_and_downloaded(manager: Manager, sim: SimControl) -> None:
    page = manager.enter("en")
    page.goto(manager.at("/live"))
    look_at(page, OURS)
    expect(line(page, OURS)).to_contain_text("live")
    today = sim.snapshot(OURS)["TradingDay"]
    page.goto(manager.at("/data"))
    expect(page.get_by_role("button", name="Show", exact=True)).to_be_enabled()
    page.get_by_label("Instrument", exact=True).fill(OURS)
    rows = show(page)
    expect(rows.first).to_contain_text(OURS)
    expect(page.locator("body")).to_contain_text("rows 1 to")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="CSV").click()
    assert downloading.value.suggested_filename == f"ticks-{OURS}.csv"
    with downloading.value.path().open(encoding="utf-8-sig", newline="") as file:
        kept = list(csv.DictReader(file))
    assert {row["InstrumentID"] for row in kept} == {OURS}
    assert {row["TradingDay"] for row in kept} == {today}
    # More than a page of another one, which the whole group looks at.
    page.get_by_label("Instrument", exact=True).fill(STOCK)
    on = page.get_by_role("button", name="Next", exact=True)
    for _ in range(60):
        expect(show(page).first).to_contain_text(STOCK)
        if on.is_enabled():
            break
        page.wait_for_timeout(1000)
    first = rows.first.inner_text()
    on.click()
    expect(page.locator("body")).to_contain_text("rows 101 to")
    assert rows.first.inner_text() != first
    page.get_by_role("button", name="Previous", exact=True).click()
    expect(page.locator("body")).to_contain_text("rows 1 to 100")
    assert rows.first.inner_text() == first
    # A day on which nothing was recorded, and one that is none.
    page.get_by_label("Trading day", exact=True).fill("20200102")
    show(page)
    expect(page.locator("body")).to_contain_text("nothing on record")
    page.get_by_label("Trading day", exact=True).fill("yesterday")
    show(page)
    expect(page.locator("body")).to_contain_text("A day is written")


def test_a_file_needs_a_login(manager: Manager) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", manager.port, timeout=10)
    connection.request("GET", f"/data.csv?stream=ticks&instrument={STOCK}")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("location")) == (303, "/login")
    connection.close()
    page = manager.enter("en")
    asked = page.request.get(manager.at("/data.csv?stream=orders&account=somebody"))
    assert asked.status == 400
    assert "data.no_account" in asked.text()


def test_orders_and_assets_of_the_day_are_shown(manager: Manager) -> None:
    page = manager.enter("zh")
    page.goto(manager.at("/trade"))
    expect(page.locator("body")).to_contain_text("就绪")
    field = page.get_by_label("合约代码", exact=True)
    field.fill(STEEL)
    field.press("Enter")
    expect(page.get_by_label("价格", exact=True)).to_have_value(re.compile(r"\d{4}"))
    page.get_by_role("button", name="下单", exact=True).click()
    expect(page.locator("tr[data-ticket]").first).to_contain_text("全部成交")
    expect(page.locator("body")).to_contain_text(re.compile(rf"{STEEL}\s*多"))
    page.goto(manager.at("/data"))
    page.get_by_label("合约代码", exact=True).fill("")
    for stream, told in (
        ("委托回调", "OnRtnOrder"),
        ("成交回调", STEEL),
        ("资产查询", "028742"),
        ("持仓查询", STEEL),
    ):
        choose(page, "数据", stream)
        expect(show(page, "查询").filter(has_text=told).first).to_be_visible()
    # Only this instrument.
    choose(page, "数据", "委托回调")
    page.get_by_label("合约代码", exact=True).fill("au2702")
    show(page, "查询")
    expect(page.locator("body")).to_contain_text("无记录")


def test_each_page_fits_a_phone(manager: Manager) -> None:
    page = manager.enter("zh", width=390, height=844)
    for path in ("/live", "/trade", "/data"):
        page.goto(manager.at(path))
        page.wait_for_selector(".cb-panel")
        wait(lambda: page.evaluate("document.documentElement.scrollWidth") <= 390)
