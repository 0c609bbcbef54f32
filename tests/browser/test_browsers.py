"""The page in browsers that tell odd things of their reader."""

import os

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import find_chromium
from tests.browser.conftest import CHROMIUM_FLAGS
from tests.browser.visit import Visit
from tests.service import Service

PATIENCE_MS = 20_000

# As Chromium under LANG=C.
POSIX = """
Object.defineProperty(Navigator.prototype, "languages", { get: () => ["en-US@posix", "C"] });
Object.defineProperty(Navigator.prototype, "language", { get: () => "en-US@posix" });
"""
SILENT = """
Object.defineProperty(Navigator.prototype, "languages", { get() { throw new Error("hidden"); } });
Object.defineProperty(Navigator.prototype, "language", { get() { throw new Error("hidden"); } });
"""
NAMELESS = 'Intl.DateTimeFormat.prototype.resolvedOptions = () => { throw new Error("hidden"); };'


def test_a_browser_that_does_not_know_its_time_zone_shows_utc_and_says_so(browser: Browser, service: Service) -> None:
    environment: dict[str, str | float | bool] = {**os.environ, "TZ": "Foo/Bar"}
    lost = browser.browser_type.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS, env=environment)
    try:
        with Visit(lost, service.url) as visit:
            page = visit.open(locale="en-GB")

            expect(page.locator("html")).to_have_attribute("data-connection", "live", timeout=PATIENCE_MS)
            expect(page.locator("#zone")).to_have_text("UTC, as this browser’s own time zone is not known")
            assert visit.complaints() == []
    finally:
        lost.close()


@pytest.mark.parametrize("script", [POSIX, SILENT], ids=["posix", "silent"])
def test_a_language_that_is_none_leaves_the_page_its_charts_and_its_stream(visit: Visit, script: str) -> None:
    page = visit.blank(locale="en-GB")
    page.add_init_script(script)
    visit.open_in(page)

    expect(page.locator("html")).to_have_attribute("data-connection", "live", timeout=PATIENCE_MS)
    expect(page.locator("#samples-readout")).to_contain_text("%")
    expect(page.locator("canvas:not(.swatch)")).to_have_count(2)


def test_what_throws_while_labels_are_made_stops_neither_the_stream_nor_the_charts(visit: Visit) -> None:
    visit.expect("uncaught: no numbers")
    page = visit.blank(locale="en-GB")
    page.add_init_script("""
    Object.defineProperty(Intl.NumberFormat.prototype, "format", { get: () => () => { throw new Error("no numbers"); } });
    """)
    visit.open_in(page)

    expect(page.locator("html")).to_have_attribute("data-connection", "live", timeout=PATIENCE_MS)
    expect(page.locator("#span")).to_contain_text("–")
    expect(page.locator("canvas:not(.swatch)")).to_have_count(2)


def test_without_charts_the_stream_still_brings_the_newest_value(visit: Visit, service: Service) -> None:
    visit.expect("uncaught: (hidden|uPlot did not load)")
    page = visit.blank(locale="en-GB")
    page.add_init_script(NAMELESS)
    page.goto(service.url)

    expect(page.locator("html")).to_have_attribute("data-connection", "live", timeout=PATIENCE_MS)
    expect(page.locator("#zone")).to_contain_text("UTC")
    expect(page.locator("#now-user")).to_contain_text("%")
