"""What a reader takes away from the page, and the page on a wall."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_zoom import DAY, address, service, view, wait_for_width
from tests.browser.visit import Visit
from tests.service import Service
from tests.waiting import wait_for_samples, wait_until

__all__ = ["service"]

READ = """(bytes) => createImageBitmap(new Blob([new Uint8Array(bytes)])).then((image) => {
  const canvas = new OffscreenCanvas(image.width, image.height);
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const pixels = pen.getImageData(0, 0, image.width, image.height).data;
  const colours = new Set();
  for (let at = 0; at < pixels.length; at += 4) colours.add(pixels.slice(at, at + 3).join());
  return [image.width, image.height, colours.size, pixels[3]];
})"""
"""Width, height, how many colours, and how opaque its first corner is."""

NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
"""As on plain http."""

ROOM = "() => [document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]"


@pytest.fixture
def day(visit: Visit) -> Page:
    """A day of the year, with what is behind More."""
    page = visit.open("?range=24h", locale="en-GB", timezone_id="Europe/Berlin")
    wait_for_width(page, DAY)
    page.locator("#more summary").click()
    return page


def test_the_picture_is_saved_whole_and_opaque(day: Page, tmp_path: Path) -> None:
    with day.expect_download() as download:
        day.locator("#save-picture").click()
    path = tmp_path / "picture.png"
    download.value.save_as(path)

    assert re.fullmatch(r"cpu-[0-9T-]+\.png", download.value.suggested_filename)
    width, height, colours, opacity = day.evaluate(READ, list(path.read_bytes()))
    assert width > 900
    assert height > 400
    assert colours > 20
    assert opacity == 255


def test_the_table_holds_what_is_shown(day: Page, tmp_path: Path) -> None:
    begin, end = view(day)
    with day.expect_download() as download:
        day.locator("#save-table").click()
    path = tmp_path / "table.csv"
    download.value.save_as(path)

    head, *rows = path.read_text().splitlines()
    assert head.startswith("time,cpu,min,max,count,user,system,irq,iowait,steal,")
    first, last = (datetime.fromisoformat(row.partition(",")[0]).timestamp() for row in (rows[0], rows[-1]))
    assert begin < first <= last <= end
    assert len(rows) > 300


def test_the_link_is_copied(day: Page) -> None:
    day.context.grant_permissions(["clipboard-read", "clipboard-write"])
    day.locator("#copy-link").click()

    expect(day.locator("#copied-note")).to_have_text("Copied.")
    assert day.evaluate("navigator.clipboard.readText()") == day.url


def test_where_the_clipboard_is_refused_the_link_is_laid_out_for_copying(day: Page) -> None:
    day.evaluate(NO_CLIPBOARD)
    day.locator("#copy-link").click()

    expect(day.locator("#copied")).to_have_value(day.url)
    assert day.evaluate("getSelection().toString()") == day.url


def test_curl_asks_for_what_is_shown(day: Page) -> None:
    day.evaluate(NO_CLIPBOARD)
    day.locator("#copy-curl").click()
    command = day.locator("#copied").input_value()
    asked = re.fullmatch(r"curl 'http://[^']+/api/history\?from=(\d+)&to=(\d+)&step=\d+&series=modes,cores'", command)
    begin, end = view(day)

    assert asked
    # The day goes on with the clock.
    assert int(asked[2]) - int(asked[1]) == end - begin
    assert end - 60 <= int(asked[2]) <= end


def test_any_span_is_shown_by_its_times(day: Page) -> None:
    day.locator("#field-from").fill("2026-03-29T01:00")
    day.locator("#field-to").fill("2026-03-29T04:00")
    day.locator("#fields button").click()

    expect(day).to_have_url(re.compile("from="))
    # Of the three hours on the wall of Berlin that night one was left out.
    begin, end = address(day)
    assert end - begin == 2 * 3600
    expect(day.locator("#more")).not_to_have_attribute("open", "")


def test_axe_finds_nothing_behind_more(day: Page, axe: Callable[[Page], list[str]]) -> None:
    assert axe(day) == []


@pytest.mark.parametrize(("width", "height"), [(800, 480), (1280, 720), (3840, 2160)])
def test_on_a_wall_all_of_it_fills_the_screen(visit: Visit, width: int, height: int) -> None:
    page = visit.open("?range=24h&view=wall", viewport={"width": width, "height": height})
    wait_for_width(page, DAY)

    assert max(page.evaluate(ROOM)) <= 0
    for part, least in (("#now-number", 30), ("#samples-plot", 90), ("#minutes-plot", 60), ("#cores-plot", 10)):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height
        assert box["height"] >= least


def test_a_table_that_is_open_follows_the_stream_and_begins_with_the_recording(
    browser: Browser, tmp_path: Path
) -> None:
    with Service(tmp_path) as service, Visit(browser, service.url) as visit:
        page = visit.open(locale="en-GB")
        for name in ("samples", "minutes"):
            page.locator(f"#{name}-table summary").click()
        rows = page.locator("#samples-rows tbody tr")
        expect(rows).not_to_have_count(0)
        oldest, count = rows.last.inner_text(), rows.count()
        assert "%" in oldest
        rows.last.evaluate("row => row.dataset.kept = ''")
        wait_for_samples(service, 2)

        wait_until(lambda: rows.count() >= count + 2, "no further rows")
        assert rows.last.inner_text() == oldest
        expect(rows.last).to_have_attribute("data-kept", "")
        assert page.locator("#minutes-rows tbody tr").count() < 30  # of the 60 that fit
