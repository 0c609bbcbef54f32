"""The page of all machines in a real browser, with an engine that knows a thousand, one of them by an odd name."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visit import TIMEOUT_MS
from tests.service import Service

ODD = "<img src=x onerror=alert(1)>"
HOSTS = {f"box{number:03}": number / 1000 for number in range(1000)} | {ODD: 1.0}


class Engine(BaseHTTPRequestHandler):
    """Answers every query with the share of each host, at the end of the span."""

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
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
