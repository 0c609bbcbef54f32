"""The charts under fingers alone."""

import re

from playwright.sync_api import Page, expect

from tests.browser.fingers import Fingers
from tests.browser.test_zoom import DAY, OVER, address, service, view, wait_for_view, wait_for_width
from tests.browser.visit import Visit
from tests.service import Service
from tests.waiting import wait_for_samples, wait_until

__all__ = ["service"]

CURSOR = "#samples-plot .u-cursor-x"
READOUT = "#samples-readout"

CURSOR_LEFT = f"() => new DOMMatrix(getComputedStyle(document.querySelector('{CURSOR}')).transform).e"
PLOT_WIDTH = f"document.querySelector('{OVER}').clientWidth"
HEIGHT = f"document.querySelector('{READOUT}').clientHeight"


def phone(visit: Visit, path: str = "") -> Page:
    """The page on a phone, once what moves through time has come."""
    page = visit.open(path, locale="en-GB", viewport={"width": 360, "height": 740}, has_touch=True)
    expect(page.locator("a[data-range][aria-current]")).not_to_have_count(0)
    return page


def newest_shown(page: Page) -> int:
    """The time of the newest sample on the page."""
    return int(page.locator("html").get_attribute("data-last-id") or 0)


def test_a_finger_draws_the_cursor_along_and_a_tap_elsewhere_takes_it_away(visit: Visit) -> None:
    page = phone(visit, "?range=24h")
    wait_for_width(page, DAY)
    height = page.evaluate(HEIGHT)
    expect(page.locator(CURSOR)).to_be_hidden()

    Fingers(page, OVER).drag((0.2, 0.5))

    expect(page.locator(CURSOR)).to_be_visible()
    assert abs(page.evaluate(CURSOR_LEFT) - page.evaluate(PLOT_WIDTH) / 2) <= 2
    assert page.evaluate(HEIGHT) == height
    Fingers(page, ".gaps h2").tap(0.5)
    expect(page.locator(CURSOR)).to_be_hidden()


def test_a_tap_pins_the_cursor_to_its_time(visit: Visit, service: Service) -> None:
    page = phone(visit, "?range=15m")
    wait_for_width(page, 900)
    Fingers(page, OVER).tap(0.7)
    expect(page.locator(CURSOR)).to_be_visible()
    told, left = page.locator(READOUT).inner_text(), page.evaluate(CURSOR_LEFT)

    last = wait_for_samples(service, 4)
    wait_until(lambda: newest_shown(page) >= last, "the page is behind")
    wait_until(lambda: page.evaluate(CURSOR_LEFT) < left, "the cursor does not move with its time")
    assert page.locator(READOUT).inner_text() == told


def test_two_fingers_zoom(visit: Visit) -> None:
    page = phone(visit, "?range=24h")
    wait_for_width(page, DAY)
    Fingers(page, OVER).drag((0.4, 0.2), (0.6, 0.8))

    expect(page).to_have_url(re.compile(r"from="))
    span = address(page)
    assert abs(span[1] - span[0] - DAY / 3) < DAY / 20
    wait_for_view(page, span)
    expect(page.locator(CURSOR)).to_be_hidden()


def test_two_fingers_pan(visit: Visit) -> None:
    page = phone(visit, "?range=24h")
    wait_for_width(page, DAY)
    _, end = view(page)
    Fingers(page, OVER).drag((0.2, 0.6), (0.4, 0.8))

    expect(page).to_have_url(re.compile(r"from="))
    span = address(page)
    assert abs(span[1] - span[0] - DAY) < DAY / 20
    assert abs(end - span[1] - 0.4 * DAY) < DAY / 20
    wait_for_view(page, span)


def test_the_ranges_are_swiped(visit: Visit) -> None:
    page = phone(visit)
    every = page.locator(".ranges nav a[data-range=all]")
    expect(every).not_to_be_in_viewport()

    Fingers(page, ".ranges nav").drag((0.9, 0.1))

    expect(every).to_be_in_viewport(ratio=0.9)
    every.tap()
    expect(page).to_have_url(re.compile(r"range=all"))


def test_the_range_of_a_link_is_in_view(visit: Visit) -> None:
    page = phone(visit, "?range=all")

    expect(page.locator(".ranges nav a[data-range=all]")).to_be_in_viewport(ratio=0.9)
