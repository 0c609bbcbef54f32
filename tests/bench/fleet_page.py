"""How long /fleet takes to be painted in a browser that has never seen it."""

from dataclasses import dataclass

from playwright.sync_api import Browser, sync_playwright

from tests.bench.tab import READY
from tests.browser.chromium import find_chromium
from tests.browser.conftest import CHROMIUM_FLAGS
from tests.browser.visit import TIMEOUT_MS

SENT = """performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .reduce((sum, one) => sum + one.transferSize, 0)"""
PAINTED = 'performance.getEntriesByName("first-chart")[0].startTime'


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a reader waits for."""

    first_ms: float
    """Until painted, while nothing is known of the engine yet."""
    next_ms: float
    """For whoever comes next."""
    sent_bytes: int
    """Until then, headers included."""


def measure_page(url: str) -> Opening:
    """Open the page twice, each time as if for the first time. Raises BrowserMissingError."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        (first_ms, sent_bytes), (next_ms, _) = _open(browser, url), _open(browser, url)
        browser.close()
    return Opening(first_ms=first_ms, next_ms=next_ms, sent_bytes=sent_bytes)


def _open(browser: Browser, url: str) -> tuple[float, int]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(READY)
    page.goto(url)
    page.wait_for_selector("html[data-ready]", timeout=TIMEOUT_MS)
    found = float(page.evaluate(PAINTED)), int(page.evaluate(SENT))
    context.close()
    return found
