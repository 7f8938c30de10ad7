"""The web page on a running group: what an administrator does there really happens."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page, expect

from admin.web.texts import TEXTS
from tests.support.browser import TIMEOUT_MS, Manager, managed
from tests.support.group import Group
from tests.support.ofx_client import OfxClient, key_of

pytestmark = pytest.mark.browser
expect.set_options(timeout=TIMEOUT_MS)

PATHS: Final = ("/services", "/clients", "/info", "/settings", "/logs", "/audit")
PASSWORD: Final = "correct horse battery"
CODE: Final = {"code": "600000", "market": "SH"}
# In a log: an escape sequence, a bell, half a character, and what would be markup.
HOSTILE: Final = (
    b"\x1b[31mred\x07 \xe4\xb8 <img src=x onerror=document.title='owned'> \xe4\xb8\xad\n"
)


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
    """The first one that has this in a cell of its own."""
    return page.locator("tr", has=page.get_by_role("cell", name=name, exact=True)).first


def press(page: Page, name: str, button: str, sure: str = "") -> None:
    """``sure``: the button of the question that comes then."""
    row(page, name).get_by_role("button", name=button, exact=True).click()
    if sure:
        page.get_by_role("dialog").get_by_role("button", name=sure, exact=True).click()
        expect(page.get_by_role("dialog")).to_have_count(0)


def wait(told: Callable[[], object], what: str) -> Any:
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while not (found := told()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


def audited(manager: Manager) -> list[dict[str, str]]:
    file = manager.deployment.root / "var" / "admin" / "audit.jsonl"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def log_in(manager: Manager, name: str, password: str) -> dict[str, Any]:
    """By OFX."""
    key = key_of(manager.deployment.root / "var")
    with OfxClient(f"127.0.0.1:{manager.deployment.ofx['login']}", key) as client:
        found: dict[str, Any] = client.ask(1, {"username": name, "password": password})
        return found


# -- login --------------------------------------------------------------------------------------


def test_the_first_password_was_shown_once_and_is_nowhere_else(manager: Manager) -> None:
    var = manager.deployment.root / "var"
    assert not (var / "admin" / "first_password").exists()
    assert manager.password not in manager.deployment.up().stderr
    for file in [*(var / "log").iterdir(), *(var / "admin").iterdir()]:
        assert manager.password.encode() not in file.read_bytes(), file


def test_a_wrong_password_is_refused_and_a_right_one_lets_in(manager: Manager) -> None:
    page = manager.open("en")
    page.goto(manager.at("/clients"))
    assert page.url == manager.at("/login")
    manager.fill_in(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text(TEXTS["login.wrong"][0])
    manager.fill_in(page, manager.password)
    expect(page.locator(".cb-header")).to_be_visible()
    last = audited(manager)[-2:]
    assert [(entry["who"], entry["outcome"]) for entry in last] == [
        ("admin", "wrong password"),
        ("admin", "ok"),
    ]


def test_after_the_logout_no_page_opens(manager: Manager) -> None:
    page = manager.enter("en")
    cookie = page.context.cookies()[0]
    page.get_by_role("button", name="admin").click()
    page.get_by_text(TEXTS["frame.logout"][0], exact=True).click()
    page.wait_for_url(manager.at("/login?over"))
    kept: Any = {"name": cookie["name"], "value": cookie["value"], "url": manager.url}
    page.context.add_cookies([kept])
    page.goto(manager.at("/services"))
    assert page.url == manager.at("/login")


def test_who_does_nothing_is_logged_out_and_his_page_says_so(
    manager: Manager, tmp_path: Path
) -> None:
    """With a pause of 3 s; that the page looks at the lights meanwhile is not his doing."""
    with Group(tmp_path, overrides={"admin": {"port": 0, "idle_s": 3}}) as group:
        group.start("admin")
        url = group.ready["admin"]["http"]
        page = manager.open("zh")
        page.goto(url)
        manager.fill_in(page, (group.data / "admin" / "first_password").read_text().strip())
        page.wait_for_selector(".cb-header")
        page.wait_for_url(f"{url}/login?over")
        expect(page.get_by_role("alert")).to_have_text(TEXTS["login.over"][1])
        page.goto(f"{url}/services")
        assert page.url == f"{url}/login"


# -- services -----------------------------------------------------------------------------------


def test_a_service_really_stops_and_starts(manager: Manager) -> None:
    page = manager.enter("en")
    expect(row(page, "ws_edge")).to_contain_text("running")
    before = manager.deployment.pids()["ws_edge"]
    press(page, "ws_edge", "Stop", "Stop")
    expect(row(page, "ws_edge")).to_contain_text("stopped")
    assert "ws_edge" not in manager.deployment.pids()
    press(page, "ws_edge", "Start")
    expect(row(page, "ws_edge")).to_contain_text("running")
    assert manager.deployment.pids()["ws_edge"] != before
    what = [(entry["what"], entry["on"]) for entry in audited(manager)[-2:]]
    assert what == [("service.stop", "ws_edge"), ("service.start", "ws_edge")]


def test_quotes_by_ofx_stop_and_logins_and_trading_go_on(manager: Manager) -> None:
    page = manager.enter("en")
    before = manager.deployment.pids()
    name = TEXTS["service.quote"][0]
    press(page, name, "Stop", "Stop")
    expect(row(page, name)).to_contain_text("stopped")
    after = manager.deployment.pids()
    assert before.keys() - after.keys() == {"tcp_edge_quote"}
    assert "authcode" in log_in(manager, "demo", "demo")
    press(page, name, "Start")
    expect(row(page, name)).to_contain_text("running")


def test_a_stream_stops_and_starts_and_the_recorder_goes_on(manager: Manager) -> None:
    page = manager.enter("zh")
    before = manager.deployment.pids()["recorder"]
    name = TEXTS["service.positions"][1]
    expect(row(page, name)).to_contain_text("运行中")
    press(page, name, "停止", "停止")
    expect(row(page, name)).to_contain_text("已停止")
    expect(row(page, TEXTS["service.assets"][1])).to_contain_text("运行中")
    press(page, name, "启动")
    expect(row(page, name)).to_contain_text("运行中")
    assert manager.deployment.pids()["recorder"] == before


def test_the_thirteen_rows_of_the_manual_are_there_in_both_languages(manager: Manager) -> None:
    for number, lang in enumerate(("en", "zh")):
        page = manager.enter(lang)
        expect(row(page, "13")).to_be_visible()
        names = [words[number] for key, words in TEXTS.items() if key.startswith("service.")]
        assert len(names) == 13
        for place, name in enumerate(names, 1):
            cells = row(page, str(place)).get_by_role("cell")
            expect(cells.nth(1)).to_have_text(name)
        for name in ("sim", "recorder", "ws_edge", "admin"):
            expect(row(page, name)).to_be_visible()


# -- client accounts ----------------------------------------------------------------------------


def test_an_added_client_logs_in_by_ofx_and_a_disabled_one_does_not(manager: Manager) -> None:
    page = manager.enter("en")
    page.goto(manager.at("/clients"))
    page.get_by_role("button", name="Add account").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("<b>x</b>")
    form.get_by_label("New password", exact=True).fill(PASSWORD)
    form.get_by_label("New password again").fill(PASSWORD)
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Failed: a name has 1 to 64 letters")).to_be_visible()
    form.get_by_label("Name").fill("zhang.san")
    form.get_by_label("Trading account").fill("028742")
    form.get_by_role("button", name="Save").click()
    expect(row(page, "zhang.san")).to_contain_text("enabled")
    answer = log_in(manager, "zhang.san", PASSWORD)
    code = answer["authcode"]
    expect(row(page, "zhang.san").get_by_role("cell").nth(7)).to_have_text("1")
    quotes = f"127.0.0.1:{manager.deployment.ofx['quote']}"
    with OfxClient(quotes, key_of(manager.deployment.root / "var")) as client:
        assert client.ask(100001, CODE, authcode=code).get("stat", 200) == 200
    trade = f"127.0.0.1:{manager.deployment.ofx['trade']}"
    with OfxClient(trade, key_of(manager.deployment.root / "var")) as client:
        assert client.ask(210001, None, authcode=code)["stat"] == 200
        expect(row(page, "zhang.san").get_by_role("cell").nth(6)).to_have_text("1")
        press(page, "zhang.san", "Disable", "Disable")
        expect(row(page, "zhang.san")).to_contain_text("disabled")
        wait(lambda: client.ask(210001, None)["stat"] == 401, "his authcode has ended")
    assert log_in(manager, "zhang.san", PASSWORD)["stat"] == 401
    press(page, "zhang.san", "Enable")
    expect(row(page, "zhang.san")).to_contain_text("enabled")
    assert "authcode" in log_in(manager, "zhang.san", PASSWORD)
    press(page, "zhang.san", "Delete", "Delete")
    expect(row(page, "zhang.san")).to_have_count(0)
    assert log_in(manager, "zhang.san", PASSWORD)["stat"] == 401
    done = [(entry["what"], entry["on"], entry["outcome"]) for entry in audited(manager)]
    assert ("client.add", "zhang.san", "ok") in done
    assert ("client.delete", "zhang.san", "ok") in done
    assert any(what == "client.add" and outcome != "ok" for what, _, outcome in done)


def test_rights_and_a_password_are_changed(manager: Manager) -> None:
    page = manager.enter("en")
    page.goto(manager.at("/clients"))
    press(page, "demo", "Change")
    form = page.get_by_role("dialog")
    form.get_by_role("checkbox", name="trading").click()
    form.get_by_role("button", name="Save").click()
    expect(row(page, "demo").get_by_role("cell").nth(2)).to_have_text("quotes")
    press(page, "demo", "Password")
    form.get_by_label("New password", exact=True).fill(PASSWORD)
    form.get_by_label("New password again").fill("something else")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text(TEXTS["password.differ"][0])).to_be_visible()
    form.get_by_label("New password again").fill(PASSWORD)
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)
    assert log_in(manager, "demo", "demo")["stat"] == 401
    assert "authcode" in log_in(manager, "demo", PASSWORD)


# -- what is shown ------------------------------------------------------------------------------


def test_logs_are_shown_as_text_without_control_characters(manager: Manager) -> None:
    log = manager.deployment.root / "var" / "log" / "sim.log"
    with log.open("ab") as file:
        file.write(HOSTILE)
    page = manager.enter("en")
    page.goto(manager.at("/logs"))
    expect(page.locator(".cb-log")).to_contain_text("[31mred \ufffd <img src=x")
    expect(page.locator(".cb-log")).to_contain_text("中")
    text = page.locator(".cb-log").inner_text()
    assert not {each for each in text if ord(each) < 32} - {"\n"}
    assert page.locator(".cb-log img").count() == 0
    assert "owned" not in page.title()
    page.get_by_label("Process").click()
    page.get_by_role("option", name="md_worker", exact=True).click()
    expect(page.locator(".cb-log")).to_contain_text('"ready"')
    expect(page.locator(".cb-log")).not_to_contain_text("[31mred")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_page_opens_and_no_secret_is_in_what_the_browser_gets(
    manager: Manager, lang: str
) -> None:
    root = manager.deployment.root
    secrets = {
        "123456",
        manager.password,
        key_of(root / "var"),
        (root / "var" / "tcp_edge" / "authcode.key").read_text().split()[0],
    }
    page = manager.enter(lang)
    token = page.context.cookies()[0]["value"]
    received: list[str] = []
    page.on("websocket", lambda ws: ws.on("framereceived", lambda data: received.append(str(data))))
    number = ("en", "zh").index(lang)
    for path in PATHS:
        answer = page.goto(manager.at(path))
        assert answer is not None and answer.status == 200
        expect(page.locator(".cb-panel").first).to_be_visible()
        expect(page.locator(".cb-nav .here")).to_have_text(TEXTS[f"{path[1:]}.title"][number])
        assert page.locator("html").get_attribute("lang") == {"en": "en-US", "zh": "zh-CN"}[lang]
        received.append(answer.text() + page.content())
    told = "".join(received)
    assert not [secret for secret in {*secrets, token} if secret in told]


def test_the_language_is_switched_and_stays(manager: Manager) -> None:
    page = manager.enter("en")
    page.get_by_role("button", name="中文").click()
    expect(page.locator(".cb-title")).to_have_text(TEXTS["app.title"][1])
    page.goto(manager.at("/audit"))
    expect(page.locator(".cb-nav .here")).to_have_text(TEXTS["audit.title"][1])
    expect(page.locator("tbody tr").first).to_contain_text("登录")


def test_on_a_phone_no_page_is_wider_than_the_screen(manager: Manager) -> None:
    page = manager.enter("zh", width=390, height=800)
    for path in PATHS:
        page.goto(manager.at(path))
        expect(page.locator(".cb-panel").first).to_be_visible()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, path
    page.goto(manager.at("/services"))
    stop = row(page, "ws_edge").get_by_role("button", name="停止")
    box = stop.bounding_box()
    assert box is not None and box["x"] + box["width"] <= 390


def test_a_new_password_of_the_administrator_ends_his_other_sessions(manager: Manager) -> None:
    other, page = manager.enter("en"), manager.enter("en")
    page.get_by_role("button", name="admin").click()
    page.get_by_text(TEXTS["frame.password"][0], exact=True).click()
    form = page.get_by_role("dialog")
    form.get_by_label(TEXTS["password.old"][0]).fill("wrong")
    for key in ("new", "again"):
        form.get_by_label(TEXTS[f"password.{key}"][0], exact=True).fill(PASSWORD)
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text(TEXTS["password.wrong"][0])).to_be_visible()
    form.get_by_label(TEXTS["password.old"][0]).fill(manager.password)
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)
    other.wait_for_url(manager.at("/login?over"))
    manager.fill_in(other, manager.password)
    expect(other.get_by_role("alert")).to_have_text(TEXTS["login.wrong"][0])
    manager.fill_in(other, PASSWORD)
    expect(other.locator(".cb-header")).to_be_visible()
    manager.password = PASSWORD


# -- last, because everything stops -------------------------------------------------------------


def test_a_page_that_admin_has_left_behind_leads_to_the_login(manager: Manager) -> None:
    page = manager.enter()
    page.goto(manager.at("/live"))
    os.kill(manager.deployment.pids()["admin"], signal.SIGKILL)
    page.wait_for_url("**/login?over")


def test_all_stop_but_this_page_and_all_start_again(manager: Manager) -> None:
    page = manager.enter("en")
    page.get_by_role("button", name="Stop all").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop all").click()
    wait(
        lambda: manager.deployment.pids().keys() == {"admin", "deploy.supervisord"},
        "everything else has ended",
    )
    expect(row(page, "md_worker")).to_contain_text("stopped")
    page.get_by_role("button", name="Start all").click()
    for name in ("sim", "md_worker", "td_worker", "recorder", "ws_edge"):
        expect(row(page, name)).to_contain_text("running")
    expect(row(page, "6")).to_contain_text("running")
    assert audited(manager)[-2]["what"] == "service.stop_all"
