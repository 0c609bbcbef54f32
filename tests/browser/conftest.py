"""A real browser in front of the real service, and a visit that fails when the page misbehaves in silence."""

import json
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import BrowserMissingError, find_chromium, must_check_everything
from tests.browser.recorded import record
from tests.browser.visit import TIMEOUT_MS, Visit
from tests.service import ROOT, Service
from tests.waiting import wait_for_samples

CHROMIUM_FLAGS = [
    "--no-sandbox",  # root, as in CI, has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"


# Playwright's sync API keeps an event loop running in this thread, which the async tests elsewhere could not share: the
# browser is gone before a worker goes on to another folder.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    try:
        executable = find_chromium()
    except BrowserMissingError as missing:
        if must_check_everything():
            pytest.fail(str(missing))
        # Somebody without root who has no browser can still run all the other tests; `make browser` has told them.
        pytest.skip(str(missing))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS, timeout=TIMEOUT_MS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, recording every second, whose pages are looked at; afterwards its log may hold no traceback."""
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="package")
def years(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service over a year of history, for those who only look at it."""
    running = Service(tmp_path_factory.mktemp("years"))
    record(running.database, int(time.time()) - 120)
    with running:
        wait_for_samples(running, 1)
        yield running


@pytest.fixture
def visit(browser: Browser, service: Service) -> Iterator[Visit]:
    """Opens pages of the service; afterwards nothing may have been complained about."""
    with Visit(browser, service.url) as visit:
        yield visit
    assert visit.complaints() == []


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[str]]:
    """Runs axe-core in a page; what it found, one line a rule."""
    source = AXE.read_text()

    def violations(page: Page) -> list[str]:
        page.evaluate(source)
        found = page.evaluate("async () => (await axe.run()).violations")
        return [
            f"{rule['id']}: {rule['help']} {json.dumps([node['target'] for node in rule['nodes']])}" for rule in found
        ]

    return violations
