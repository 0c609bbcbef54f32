"""The page of all machines in a real browser, with an engine that knows a thousand, one of them by an odd name."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visit import TIMEOUT_MS
from tests.service import Service
from tests.thorough import THEMES_AND_LANGUAGES

ODD = "<img src=x onerror=alert(1)>"
HOSTS = {f"box{number:03}": number / 1000 for number in range(1000)} | {ODD: 1.0}


class Engine(BaseHTTPRequestHandler):
    """Answers every query with the share of each host, at the end of the span; with nothing while it fails."""

    fails = False

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if Engine.fails:
            self.send_error(503)
            return
        time = float(asked.get("end", asked.get("time", ["0"]))[0])
        result = [{"metric": {"host": host}, "values": [[time, str(share)]]} for host, share in HOSTS.items()]
        body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that shows the fleet of that engine."""
    engine = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    threading.Thread(target=engine.serve_forever, daemon=True).start()
    folder: Path = tmp_path_factory.mktemp("fleet")
    with Service(folder, "--engine", f"http://127.0.0.1:{engine.server_port}") as service:
        yield service
    engine.shutdown()
    engine.server_close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page, in which nothing may go wrong."""
    errors: list[str] = []
    one = browser.new_page(viewport={"width": 1280, "height": 800})
    one.on("pageerror", lambda error: errors.append(str(error)))
    yield one
    one.close()
    assert errors == []


@pytest.mark.parametrize("width", [360, 1280])
def test_a_thousand_machines_are_listed_by_what_is_wrong_and_found_by_name(
    browser: Browser, fleet: Service, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)

    page.goto(f"{fleet.url}fleet")
    page.wait_for_selector("html[data-ready]", timeout=TIMEOUT_MS)
    first = page.locator("#machines li").first.inner_text()
    fetched = page.locator("#machines li").count()
    page.fill("#search", "box777")
    expect(page.locator("#machines li")).to_have_count(1, timeout=TIMEOUT_MS)

    assert ODD in first
    assert "100.0" in first
    # Only what can be seen is fetched; what lies below it comes when it is scrolled to.
    assert 0 < fetched < len(HOSTS)
    assert "box777" in page.locator("#machines li").inner_text()
    assert page.url.endswith("?search=box777")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert errors == []
    page.close()


def open_machine(page: Page, fleet: Service, search: str) -> None:
    """Find it in the fleet and open it, by keys alone; returns once it is painted."""
    page.goto(f"{fleet.url}fleet")
    page.wait_for_selector("html[data-ready]", timeout=TIMEOUT_MS)
    page.locator("#search").press_sequentially(search)
    expect(page.locator("#machines li")).to_have_count(1, timeout=TIMEOUT_MS)
    page.locator("#machines a").press("Enter")
    page.wait_for_selector("html[data-view]", timeout=TIMEOUT_MS)


def test_a_machine_of_the_fleet_is_opened_and_its_span_is_moved_as_on_its_own_page(page: Page, fleet: Service) -> None:
    open_machine(page, fleet, "box777")
    readout = page.locator("#samples-readout").inner_text()
    page.click("a[data-range='24h']")
    expect(page.locator("#samples-title")).to_contain_text("1 min", timeout=TIMEOUT_MS)
    page.locator("#samples-plot").press("+")
    expect(page).to_have_url(re.compile("range=6h"), timeout=TIMEOUT_MS)

    assert page.locator("#host").inner_text() == "box777"
    assert "77.7" in readout
    assert "label=host%3Dbox777" in page.url
    assert page.locator("#samples-plot canvas").count() == page.locator("#minutes-plot canvas").count() == 1
    page.go_back()
    expect(page).to_have_url(re.compile("range=24h"), timeout=TIMEOUT_MS)


def test_whoever_goes_through_the_machines_by_keys_stays_where_they_are_when_the_figures_change(
    page: Page, fleet: Service
) -> None:
    page.goto(f"{fleet.url}fleet?sort=name")
    page.wait_for_selector("html[data-ready]", timeout=TIMEOUT_MS)
    page.locator("#search").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    expect(page.locator("#machines a", has_text="box000")).to_be_focused()
    page.evaluate("document.querySelector('#machines li').id = 'old'")
    expect(page.locator("#old")).to_have_count(0, timeout=TIMEOUT_MS)

    expect(page.locator("#machines a", has_text="box000")).to_be_focused()
    page.locator("a[data-range='24h']").press("Enter")
    expect(page).to_have_url(re.compile("range=24h"))
    expect(page.locator("a[data-range='24h']")).to_have_attribute("aria-current", "true")


def test_a_machine_may_have_any_name(page: Page, fleet: Service) -> None:
    open_machine(page, fleet, ODD)

    assert page.locator("#host").inner_text() == ODD
    assert "100" in page.locator("#samples-readout").inner_text()


def test_while_the_engine_fails_the_picture_stays_and_the_reason_is_said(page: Page, fleet: Service) -> None:
    open_machine(page, fleet, "box500")
    painted = page.locator("html").get_attribute("data-view")
    Engine.fails = True
    try:
        page.click("a[data-range='7d']")
        expect(page.locator("#note[data-failed]")).to_contain_text("503", timeout=TIMEOUT_MS)
        kept = page.locator("html").get_attribute("data-view")
    finally:
        Engine.fails = False

    assert kept == painted
    expect(page.locator("#samples-title")).to_contain_text("10 min", timeout=TIMEOUT_MS)
    expect(page.locator("#note[data-failed]")).to_have_count(0, timeout=TIMEOUT_MS)


@pytest.mark.parametrize(("scheme", "locale"), THEMES_AND_LANGUAGES)
def test_axe_finds_nothing_in_the_fleet_nor_in_a_machine_of_it(
    browser: Browser, fleet: Service, axe: Callable[[Page], list[str]], scheme: str, locale: str
) -> None:
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light", locale=locale)
    page.goto(f"{fleet.url}fleet")
    page.wait_for_selector("html[data-ready]", timeout=TIMEOUT_MS)
    found = axe(page)
    page.locator("#machines a").first.press("Enter")
    page.wait_for_selector("html[data-view]", timeout=TIMEOUT_MS)

    assert found + axe(page) == []
    page.close()
