"""Moving through years on the page: ranges, zooming in and back, links, gaps, keys, fingers, failures."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.visit import Visit
from tests.service import Service
from tests.waiting import wait_for_samples, wait_until

DAY = 86_400
RANGES = {"15m": 900, "6h": 21_600, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "1y": 365 * DAY}
OVER = "#samples-plot .u-over"

TOPS = """() => ["#samples-plot", "#minutes-plot"].map(
  (selector) => document.querySelector(selector).getBoundingClientRect().top + scrollY)"""

SHARE_PAINTED = """() => {
  const canvas = document.querySelector("#samples-plot canvas");
  const line = canvas.getContext("2d").getImageData(0, Math.round(canvas.height * 0.4), canvas.width, 1).data;
  let painted = 0;
  for (let at = 3; at < line.length; at += 4) if (line[at]) painted += 1;
  return painted / canvas.width;
}"""
"""Of a line across the chart, at a height that no quiet CPU reaches."""


@pytest.fixture(scope="module")
def service(years: Service) -> Service:
    """The service over a year of history."""
    return years


def view(page: Page) -> tuple[int, int]:
    """The span whose data is on the canvas."""
    begin, end = (page.locator("html").get_attribute("data-view") or "0-0").split("-")
    return int(begin), int(end)


def wait_for_width(page: Page, seconds: int) -> None:
    """Return once a span of this width is on the canvas."""
    wait_until(lambda: view(page)[1] - view(page)[0] == seconds, f"no span of {seconds} s")


def address(page: Page) -> tuple[int, int]:
    """The span that the address names."""
    found = re.search(r"from=(\d+)&to=(\d+)", page.url)
    assert found, page.url
    return int(found[1]), int(found[2])


def wait_for_view(page: Page, span: tuple[int, int]) -> None:
    """Return once the data of the span is on the canvas."""
    expect(page.locator("html")).to_have_attribute("data-view", f"{span[0]}-{span[1]}")


def drag(page: Page, start: float, end: float) -> None:
    """Draw the mouse over the first chart, from one share of its width to another."""
    box = page.locator(OVER).bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * start, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y, steps=5)
    page.mouse.up()


def zoomed(visit: Visit) -> Page:
    """The page after somebody chose a day and drew over the middle of it."""
    page = visit.open(locale="en-GB")
    page.locator("a[data-range='24h']").click()
    wait_for_width(page, DAY)
    drag(page, 0.4, 0.6)
    expect(page).to_have_url(re.compile(r"\?from=\d+&to=\d+$"))
    wait_for_view(page, address(page))
    return page


def test_each_range_is_a_click_away_and_has_an_address(visit: Visit) -> None:
    page = visit.open()
    for name, seconds in RANGES.items():
        page.locator(f"a[data-range='{name}']").click()

        expect(page).to_have_url(re.compile(rf"\?range={name}$"))
        expect(page.locator(f"nav a[data-range='{name}']")).to_have_attribute("aria-current", "true")
        wait_for_width(page, seconds)


def test_all_begins_with_the_first_sample(visit: Visit) -> None:
    page = visit.open("?range=all")

    begin, end = view(page)
    assert 51 * 7 * DAY < end - begin < 53 * 7 * DAY


def test_a_drag_zooms_in_and_the_browser_goes_back_and_forward(visit: Visit) -> None:
    page = zoomed(visit)
    span = address(page)
    assert abs(span[1] - span[0] - DAY / 5) < DAY / 50

    page.go_back()
    expect(page).to_have_url(re.compile(r"\?range=24h$"))
    wait_for_width(page, DAY)

    page.go_forward()
    wait_for_view(page, span)


@pytest.mark.parametrize("gesture", ["double click", "Escape"])
def test_a_double_click_and_escape_go_back(visit: Visit, gesture: str) -> None:
    page = zoomed(visit)
    if gesture == "Escape":
        page.keyboard.press("Escape")
    else:
        page.locator(OVER).dblclick()

    expect(page).to_have_url(re.compile(r"\?range=24h$"))


def test_a_link_opened_afresh_shows_the_same(visit: Visit) -> None:
    page = zoomed(visit)
    summary = page.locator("#samples-summary").inner_text()
    other = visit.open(page.url, locale="en-GB")

    wait_for_view(other, address(page))
    expect(other.locator("#samples-summary")).to_have_text(summary)


def test_what_was_busy_is_found_from_the_day_down_to_its_samples(visit: Visit) -> None:
    page = zoomed(visit)
    expect(page.locator("#samples-summary")).to_contain_text("peak 90")
    drag(page, 0.45, 0.55)
    page.wait_for_url(re.compile(r"from="))
    expect(page.locator("#samples-title")).to_contain_text("1 min")


def test_live_returns(visit: Visit) -> None:
    page = zoomed(visit)
    page.locator("#live").click()

    expect(page).to_have_url(re.compile(r"\?range=1h$"))
    wait_for_width(page, 3600)


def test_the_stream_does_not_move_a_view_that_is_zoomed(visit: Visit, service: Service) -> None:
    page = zoomed(visit)
    before = view(page), page.locator("#samples-readout").inner_text()
    last = page.locator("html").get_attribute("data-last-id")
    wait_for_samples(service, 3)
    expect(page.locator("html")).not_to_have_attribute("data-last-id", last or "")

    assert (view(page), page.locator("#samples-readout").inner_text()) == before


def test_the_value_stands_beside_the_pointer_on_both_charts(visit: Visit) -> None:
    page = zoomed(visit)
    box = page.locator(OVER).bounding_box()
    assert box is not None
    for share in (0.1, 0.97):
        at = box["x"] + box["width"] * share
        page.mouse.move(at, box["y"] + box["height"] / 2)
        for chart in ("samples", "minutes"):
            tag = page.locator(f"#{chart}-plot .tag")
            expect(tag).to_have_text(re.compile(r"^\d+\.\d.%$"))
            expect(page.locator(f"#{chart}-readout")).to_contain_text(tag.inner_text())
            place = tag.bounding_box()
            assert place is not None
            assert box["x"] <= place["x"] <= at + 40
            assert at - 40 <= place["x"] + place["width"] <= box["x"] + box["width"]

    page.mouse.move(5, 5)
    expect(page.locator("#samples-plot .tag")).to_be_hidden()


def test_gaps_are_seen_in_a_year_and_told(visit: Visit) -> None:
    page = visit.open("?range=1y")

    assert page.evaluate(SHARE_PAINTED) > 0.7
    expect(page.locator("#gaps li[data-cause]")).to_have_count(52)
    # That before the service began is too short to be pointed at.
    expect(page.locator("#gaps li[data-further]")).to_have_count(1)


def test_what_happened_is_told_and_each_line_leads_there(visit: Visit) -> None:
    page = visit.open("?range=24h", locale="en-GB")
    # What records all this may have been busy as well.
    told = re.compile(r"Busy .*, 1.h: 90.% on average, up to 90.%, mostly programs")
    busy = page.locator("#gaps li[data-busy]").filter(has_text=told)
    expect(busy).to_have_count(1)
    start = int(busy.get_attribute("data-busy") or 0)
    busy.locator("a").click()

    wait_for_width(page, 7200)
    begin, end = view(page)
    assert (begin + end) / 2 == start + 1800
    assert address(page) == (begin, end)


def test_the_figures_are_those_of_the_span(visit: Visit) -> None:
    page = zoomed(visit)
    expect(page.locator("#figure-mean")).to_contain_text("%")
    begin, end = view(page)
    told = page.evaluate(
        "span => fetch(`api/summary?from=${span[0]}&to=${span[1]}`).then(one => one.json())", [begin, end]
    )

    expect(page.locator("#figure-mean")).to_have_text(f"{told['mean']:.1f}\u00a0%")
    expect(page.locator("#figure-p95")).to_have_text(f"{told['p95']}\u00a0%")
    expect(page.locator("#figure-above")).to_have_text("1\u00a0h")


def test_without_a_summary_the_page_shows_the_rest(visit: Visit) -> None:
    visit.expect("status of 404")
    page = visit.blank(locale="en-GB")
    page.route("**/api/summary*", lambda route: route.fulfill(status=404, json={"error": "no such address"}))
    visit.open_in(page, "?range=24h")

    wait_for_width(page, DAY)
    expect(page.locator("#figure-mean")).to_have_text("–")
    expect(page.locator("#gaps li[data-busy]")).to_have_count(0)


def test_the_keyboard_does_all_of_it(visit: Visit) -> None:
    page = visit.open()
    plot = page.locator("#samples-plot")
    plot.focus()
    plot.press("-")
    wait_for_width(page, 21_600)
    plot.press("Shift+ArrowLeft")
    expect(page).to_have_url(re.compile(r"from="))
    wait_for_view(page, address(page))
    first = address(page)
    assert first[1] - first[0] == 21_600

    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    plot.focus()
    plot.press("l")
    expect(page).to_have_url(re.compile(r"range=1h"))


@pytest.mark.parametrize(
    ("status", "told"),
    [(503, "The service cannot show this: too many"), (400, "cannot show this"), (401, "Not signed in any more")],
)
def test_what_cannot_be_shown_says_why(visit: Visit, status: int, told: str) -> None:
    visit.expect(f"status of {status}")
    page = visit.open(locale="en-GB")

    def refuse(route: Route) -> None:
        route.fulfill(status=status, content_type="application/json", body=json.dumps({"error": "too many"}))

    page.route("**/api/history?from*", refuse)
    page.locator("a[data-range='7d']").click()

    expect(page.locator("#note")).to_contain_text(told)
    page.unroute("**/api/history?from*")
    page.locator("a[data-range='24h']").click()
    wait_for_width(page, DAY)


@pytest.mark.parametrize("locale", ["en-GB", "ru-RU"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_range_moves_the_charts_or_needs_sideways_scrolling(visit: Visit, locale: str, width: int) -> None:
    page = visit.open(locale=locale, viewport={"width": width, "height": 900})
    first = page.evaluate(TOPS)[0]
    for name, seconds in (("24h", DAY), ("1y", 365 * DAY), ("15m", 900)):
        page.locator(f"nav a[data-range='{name}']").click()
        wait_for_width(page, seconds)
        assert page.evaluate(TOPS)[0] == first
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_axe_finds_nothing_in_a_week(visit: Visit, axe: Callable[[Page], list[str]]) -> None:
    assert axe(visit.open("?range=7d")) == []
