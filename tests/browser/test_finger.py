"""The charts under a finger."""

from playwright.sync_api import Page, expect

from tests.browser.visit import Visit
from tests.service import Service
from tests.waiting import wait_for_samples

CURSOR = "#samples-plot .u-cursor-x"


def drag(page: Page, selector: str, start: float, end: float) -> None:
    """Draw a finger over an element, from one share of its width to another."""
    box = page.locator(selector).bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *shares: float) -> None:
        points = [{"x": box["x"] + box["width"] * share, "y": box["y"] + box["height"] / 2} for share in shares]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", start)
    for step in range(1, 11):
        touch("touchMove", start + (end - start) * step / 10)
    touch("touchEnd")


def test_a_finger_draws_the_cursor_along_and_a_tap_elsewhere_takes_it_away(visit: Visit, service: Service) -> None:
    wait_for_samples(service, 1)
    page = visit.open(viewport={"width": 360, "height": 900}, has_touch=True)
    expect(page.locator(CURSOR)).to_be_hidden()

    drag(page, "#samples-plot .u-over", 0.2, 0.5)

    expect(page.locator(CURSOR)).to_be_visible()
    width = page.evaluate("document.querySelector('#samples-plot .u-over').clientWidth")
    left = page.evaluate(f"new DOMMatrix(getComputedStyle(document.querySelector('{CURSOR}')).transform).e")
    assert abs(left - width / 2) <= 2
    page.touchscreen.tap(300, 120)
    expect(page.locator(CURSOR)).to_be_hidden()
