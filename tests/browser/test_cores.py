"""The strip of cores under a mouse, a finger and keys."""

import re

from playwright.sync_api import Page, expect

from tests.browser.fingers import Fingers
from tests.browser.test_zoom import DAY, service, wait_for_width
from tests.browser.visit import Visit

__all__ = ["service"]

STRIP = "#cores-plot canvas"
READOUT = "#cores-readout"
CELL = re.compile(r"core 1 · (.+, )?\d\d:\d\d–\d\d:\d\d · \d+.%")
BUSIEST = re.compile(r"busiest core \d: \d+.%")


def day(visit: Visit, **visitor: object) -> Page:
    """The last day, once its cores are there."""
    page = visit.open("?range=24h", locale="en-GB", **visitor)  # type: ignore[arg-type] # as Visitor names them
    wait_for_width(page, DAY)
    expect(page.locator(READOUT)).to_have_text(BUSIEST)
    return page


def test_under_the_pointer_a_core_tells_its_number_time_and_load(visit: Visit) -> None:
    page = day(visit, viewport={"width": 1280, "height": 900})
    box = page.locator(STRIP).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.75)

    expect(page.locator(READOUT)).to_have_text(CELL)
    expect(page.locator("#samples-plot .u-cursor-x")).to_be_visible()
    page.mouse.move(5, 5)
    expect(page.locator(READOUT)).to_have_text(BUSIEST)


def test_a_tap_does_so_too(visit: Visit) -> None:
    page = day(visit, viewport={"width": 360, "height": 740}, has_touch=True)
    assert page.locator("#cores-plot li").first.evaluate("row => row.clientHeight") == 6
    Fingers(page, STRIP, height=0.75).tap(0.6)

    expect(page.locator(READOUT)).to_have_text(CELL)


def test_keys_go_from_core_to_core_and_from_slot_to_slot(visit: Visit) -> None:
    page = day(visit)
    page.locator("#cores-plot").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(READOUT)).to_have_text(CELL)
    newest = page.locator(READOUT).inner_text()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(READOUT)).not_to_have_text(newest)
    expect(page.locator(READOUT)).to_have_text(CELL)

    page.keyboard.press("Escape")
    expect(page.locator(READOUT)).to_have_text(BUSIEST)
