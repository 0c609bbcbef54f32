"""Each gap in the charts leads to its line in the list of what happened."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fingers import Fingers
from tests.browser.test_zoom import DAY, OVER, service, wait_for_width
from tests.browser.visit import Visit

__all__ = ["service"]

YEAR = 365 * DAY
LINE = "#gaps li[data-cause]"

HATCHED = """() => {
  const canvas = document.querySelector("#samples-plot canvas");
  const column = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const { left, width } = document.querySelector("#samples-plot .u-over").getBoundingClientRect();
  const { left: edge } = canvas.getBoundingClientRect();
  const [view, line] = [document.documentElement.dataset.view, document.querySelector("#gaps li[data-cause]").dataset];
  const [from, to] = view.split("-").map(Number);
  const at = (time) => left - edge + ((time - from) / (to - from)) * width;
  const x = Math.round(((at(Number(line.from)) + at(Number(line.to))) / 2) * devicePixelRatio);
  const shades = new Set();
  for (let y = 40; y < 120; y += 1) shades.add(column.slice(4 * (y * canvas.width + x)).slice(0, 3).join());
  return shades.size;
}"""
"""How many colours there are from top to bottom in the middle of the first gap of the list."""

PLACE = """([selector, number]) => {
  const { from, to } = document.querySelectorAll(selector)[number].dataset;
  return [from, to, ...document.documentElement.dataset.view.split("-")].map(Number);
}"""
"""From when until when a gap of the list lasts, and the view: at once, as both follow the stream."""


def year(visit: Visit, **visitor: object) -> Page:
    """A year in which every week is a gap, of which each can be pointed at."""
    page = visit.open("?range=1y", locale="en-GB", **visitor)  # type: ignore[arg-type] # as Visitor names them
    wait_for_width(page, YEAR)
    expect(page.locator("#figure-mean")).to_contain_text("%")
    return page


def share_of(page: Page, number: int) -> tuple[str, float]:
    """When a gap begins, and at which share of the width its middle is."""
    begin, end, first, last = page.evaluate(PLACE, [LINE, number])
    return str(begin), ((begin + end) / 2 - first) / (last - first)


def expect_led(page: Page, begin: str) -> None:
    """The line of the gap that begins then is in view and has the focus."""
    link = page.locator(f"{LINE}[data-from='{begin}'] a")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()


@pytest.mark.parametrize("number", [3, 40])
def test_a_click_on_a_gap_leads_to_its_line(visit: Visit, number: int) -> None:
    page = year(visit)
    assert page.locator(LINE).count() > 50
    begin, share = share_of(page, number)
    box = page.locator(OVER).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * share, box["y"] + 40)

    expect_led(page, begin)


def test_a_double_click_on_a_gap_still_goes_back(visit: Visit) -> None:
    page = year(visit)
    page.locator(OVER).dblclick()

    expect(page).to_have_url(re.compile(r"range=1h"))


def test_a_tap_on_a_gap_leads_to_its_line(visit: Visit) -> None:
    page = year(visit, viewport={"width": 360, "height": 740}, has_touch=True)
    begin, share = share_of(page, 25)
    Fingers(page, OVER).tap(share)

    expect_led(page, begin)


def test_enter_on_a_gap_leads_to_its_line(visit: Visit) -> None:
    page = year(visit)
    begin, _ = share_of(page, 0)
    page.locator("#samples-plot").focus()
    page.keyboard.press("Home")
    page.keyboard.press("g")
    page.keyboard.press("Enter")

    expect(page.locator(f"{LINE} a:focus")).to_have_count(1)
    told = page.locator(f"{LINE}:has(a:focus)").get_attribute("data-from")
    assert int(told or 0) - int(begin) in {0, 7 * DAY}


@pytest.mark.parametrize("width", [320, 1280])
def test_a_short_gap_keeps_its_hatch_where_colours_are_forced(visit: Visit, width: int) -> None:
    page = year(visit, viewport={"width": width, "height": 800}, forced_colors="active")

    assert page.evaluate(HATCHED) > 1
