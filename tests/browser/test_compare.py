"""What the page compares a picture with: the same span some time before, and what is usual."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.recorded import WEEK
from tests.browser.test_zoom import service, wait_for_view
from tests.browser.visit import Visit

__all__ = ["service"]

HOUR = 3600

PICTURE = "() => document.querySelector('#samples-plot canvas').toDataURL()"

SHIFT = """() => new Promise((resolve) => {
  const told = (list) => resolve(list.getEntries().reduce((sum, entry) => sum + entry.value, 0));
  new PerformanceObserver(told).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(0), 300);
})"""
"""How much what is above the charts was moved about since the page was opened."""


@pytest.fixture(scope="module")
def span() -> tuple[int, int]:
    """An hour of a week ago that was recorded, as in each of the weeks before it."""
    end = int(time.time()) // 60 * 60 - WEEK
    return end, end + HOUR // 2


def opened(visit: Visit, span: tuple[int, int], more: str = "", locale: str = "en-GB") -> Page:
    """The page with that span on the canvas."""
    page = visit.open(f"?from={span[0]}&to={span[1]}{more}", locale=locale)
    wait_for_view(page, span)
    return page


def test_a_span_is_compared_with_the_one_a_week_before_by_keyboard(visit: Visit, span: tuple[int, int]) -> None:
    page = opened(visit, span)
    before = page.evaluate(PICTURE)
    page.locator("#compare").focus()
    page.keyboard.press("End")
    expect(page.locator("#compare")).to_have_value("week")

    expect(page).to_have_url(re.compile(r"\?from=\d+&to=\d+&compare=week$"))
    page.locator("#samples-plot").focus()
    page.keyboard.press("Home")
    expect(page.locator("#samples-readout")).to_have_text(re.compile(r"10\.0.%; a week before: 10\.0.%$"))
    assert page.evaluate(PICTURE) != before


def test_a_link_with_a_comparison_shows_it_in_a_fresh_browser(visit: Visit, span: tuple[int, int]) -> None:
    page = opened(visit, span, "&compare=day")

    expect(page.locator("#compare")).to_have_value("day")
    expect(page.locator("#samples-readout")).to_have_text(re.compile("; a day before: no sample$"))
    page.locator("nav a[data-range='1h']").click()
    expect(page).to_have_url(re.compile(r"\?range=1h&compare=day$"))


def test_what_is_not_offered_gives_way_to_what_is(visit: Visit) -> None:
    page = visit.open("?range=30d&compare=day", locale="en-GB")

    expect(page.locator("#compare")).to_have_value("span")
    page.locator("nav a[data-range='all']").click()
    expect(page.locator("#compare")).to_be_disabled()
    page.locator("nav a[data-range='6h']").click()
    expect(page.locator("#compare")).to_have_value("day")


def test_what_is_usual_is_told_and_drawn(visit: Visit, span: tuple[int, int]) -> None:
    page = opened(visit, span)
    expect(page.locator("#usual-now")).to_have_text(re.compile(r"^usual for \w{3} \d\d:\d\d: 10.%$"))
    before = page.evaluate(PICTURE)
    page.locator("#usual").check()

    expect(page).to_have_url(re.compile(r"\?from=\d+&to=\d+&usual=1$"))
    expect(page.locator("#samples-readout")).to_have_text(re.compile(r"10\.0.%; usual 10.%$"))
    assert page.evaluate(PICTURE) != before
    page.locator("nav a[data-range='30d']").click()
    expect(page.locator("#usual")).to_be_disabled()


@pytest.mark.parametrize("locale", ["en-GB", "ru-RU"])
def test_nothing_that_comes_later_moves_what_is_there(visit: Visit, span: tuple[int, int], locale: str) -> None:
    page = opened(visit, span, "&compare=week&usual=1", locale=locale)
    expect(page.locator("#usual-now")).not_to_be_empty()

    assert page.evaluate(SHIFT) < 0.002
