"""The page in browsers that are years old, or tell odd things of their reader."""

import os
import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.chromium import find_chromium
from tests.browser.conftest import CHROMIUM_FLAGS
from tests.browser.visit import Visit
from tests.service import Service

# As Chromium under LANG=C.
POSIX = """
Object.defineProperty(Navigator.prototype, "languages", { get: () => ["en-US@posix", "C"] });
Object.defineProperty(Navigator.prototype, "language", { get: () => "en-US@posix" });
"""
SILENT = """
Object.defineProperty(Navigator.prototype, "languages", { get() { throw new Error("hidden"); } });
Object.defineProperty(Navigator.prototype, "language", { get() { throw new Error("hidden"); } });
"""
NUMBERLESS = """
const get = () => () => { throw new Error("no numbers"); };
Object.defineProperty(Intl.NumberFormat.prototype, "format", { get });
"""
NAMELESS = 'Intl.DateTimeFormat.prototype.resolvedOptions = () => { throw new Error("hidden"); };'


OLD = """
delete CanvasRenderingContext2D.prototype.roundRect;
for (const name of ["at", "findLast", "findLastIndex", "toReversed", "toSorted", "toSpliced", "with"])
  delete Array.prototype[name];
for (const name of ["structuredClone", "reportError"]) delete globalThis[name];
for (const name of ["timeout", "any"]) delete AbortSignal[name];
delete Promise.withResolvers;
delete Object.groupBy;
"""
YOUNG_CSS = re.compile(r"light-dark\(|color-mix\(|oklch\(|:has\(")

COUNT_BLACK = """() => {
  const canvas = document.querySelector("#samples-plot canvas");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let black = 0;
  for (let at = 0; at < pixels.length; at += 4)
    if (pixels[at] + pixels[at + 1] + pixels[at + 2] < 30 && pixels[at + 3] > 200) black += 1;
  return black;
}"""


def make_old(page: Page) -> None:
    """Take from the browser what it did not have two years ago and more."""

    def without_young(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=YOUNG_CSS.sub("unknown(", response.text()))

    page.add_init_script(OLD)
    page.route("**/page.css", without_young)


def test_in_a_browser_of_years_ago_a_gap_is_no_black_column(visit: Visit, service: Service) -> None:
    html = visit.open().locator("html")
    expect(html).not_to_have_attribute("data-last-id", html.get_attribute("data-last-id") or "")
    visit.expect("ERR_")
    service.kill()
    service.start()
    for page in (visit.blank(locale="en-GB", color_scheme="light"), visit.blank(locale="en-GB", color_scheme="dark")):
        make_old(page)
        visit.open_in(page)

        expect(page.locator("#gaps li[data-cause=crashed]").first).to_be_visible()
        expect(page.locator("html")).to_have_attribute("data-connection", "live")
        expect(page.locator(".plot canvas")).to_have_count(2)
        assert page.evaluate(COUNT_BLACK) == 0
        assert page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") != "rgba(0, 0, 0, 0)"


def test_a_browser_that_does_not_know_its_time_zone_shows_utc_and_says_so(browser: Browser, service: Service) -> None:
    environment: dict[str, str | float | bool] = {**os.environ, "TZ": "Foo/Bar"}
    lost = browser.browser_type.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS, env=environment)
    try:
        with Visit(lost, service.url) as visit:
            page = visit.open(locale="en-GB")

            expect(page.locator("html")).to_have_attribute("data-connection", "live")
            zone = page.locator("#zone option:checked")
            expect(zone).to_contain_text("UTC, as this browser’s own time zone is not known")
            assert visit.complaints() == []
    finally:
        lost.close()


@pytest.mark.parametrize("script", [POSIX, SILENT], ids=["posix", "silent"])
def test_a_language_that_is_none_leaves_the_page_its_charts_and_its_stream(visit: Visit, script: str) -> None:
    page = visit.blank(locale="en-GB")
    page.add_init_script(script)
    visit.open_in(page)

    expect(page.locator("html")).to_have_attribute("data-connection", "live")
    expect(page.locator("#samples-readout")).to_contain_text("%")
    expect(page.locator(".plot canvas")).to_have_count(2)


def test_what_throws_while_labels_are_made_stops_neither_the_stream_nor_the_charts(visit: Visit) -> None:
    visit.expect("uncaught: no numbers")
    page = visit.blank(locale="en-GB")
    page.add_init_script(NUMBERLESS)
    visit.open_in(page)

    expect(page.locator("html")).to_have_attribute("data-connection", "live")
    expect(page.locator("#span")).to_contain_text("–")
    expect(page.locator(".plot canvas")).to_have_count(2)


def test_without_charts_the_stream_still_brings_the_newest_value(visit: Visit, service: Service) -> None:
    visit.expect("uncaught: (hidden|uPlot did not load)")
    page = visit.blank(locale="en-GB")
    page.add_init_script(NAMELESS)
    page.goto(service.url)

    expect(page.locator("html")).to_have_attribute("data-connection", "live")
    expect(page.locator("#zone option:checked")).to_contain_text("UTC")
    expect(page.locator("#now-user")).to_contain_text("%")
