"""What a person comes for, from the first look to the picture that is sent on: by keyboard alone, by touch alone."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.fingers import Fingers
from tests.browser.test_zoom import DAY, OVER, address, view, wait_for_view, wait_for_width
from tests.browser.visit import Visit
from tests.service import ROOT, Service
from tests.waiting import get_json, wait_for_samples

YEARS, INTERVAL_S = "0.026", 5
"""Nine days: a week, and the last two days once more."""
MOST_TABS = 200
MINUTE = 60


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service over nine days of a machine with eight CPUs, made up."""
    running = Service(tmp_path_factory.mktemp("days"), interval_s=INTERVAL_S)
    fill = [sys.executable, "-m", "tests.bench.fill", str(running.database), "--years", YEARS, "--cores", "8"]
    subprocess.run([*fill, "--until", str(int(time.time()) - MINUTE)], cwd=ROOT, check=True, capture_output=True)
    with running:
        wait_for_samples(running, 1)
        yield running


class Hand(Protocol):
    """A way to use the page."""

    def press(self, selector: str) -> None:
        """What a click would do."""

    def choose(self, selector: str, value: str) -> None:
        """One of what a field offers."""

    def zoom_in(self) -> None:
        """Show a part of what is in the middle of the first chart."""


class Keyboard:
    """Nothing but keys."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, selector: str) -> None:
        self._go_to(selector)
        self._page.keyboard.press("Enter")

    def choose(self, selector: str, value: str) -> None:
        self._go_to(selector)
        while self._page.locator(selector).input_value() != value:
            self._page.keyboard.press("ArrowDown")

    def zoom_in(self) -> None:
        self._go_to("#samples-plot")
        self._page.keyboard.press("+")

    def _go_to(self, selector: str) -> None:
        for _ in range(MOST_TABS):
            if self._page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            self._page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached by Tab")


class Touch:
    """Nothing but fingers."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, selector: str) -> None:
        self._page.locator(selector).tap()

    def choose(self, selector: str, value: str) -> None:
        # What the browser itself lays over the page for this is out of reach.
        self._page.locator(selector).select_option(value)

    def zoom_in(self) -> None:
        Fingers(self._page, OVER).drag((0.4, 0.3), (0.6, 0.7))


DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}


def find_peak(page: Page, hand: Hand) -> tuple[int, int]:
    """Go to where the last day was busiest, before this test began to keep the machine busy; that stretch."""
    hand.press(".ranges nav a[data-range='24h']")
    wait_for_width(page, DAY)
    lines = page.locator("#gaps li[data-busy]")
    expect(lines).not_to_have_count(0)
    begin, end = view(page)
    told = page.evaluate(
        "span => fetch(`api/summary?from=${span[0]}&to=${span[1]}`).then(one => one.json())", [begin, end]
    )
    busiest = max((one for one in told["busy"] if one["to"] < end - 600), key=lambda one: one["mean"])
    line = f"#gaps li[data-busy='{busiest['from']}']"
    expect(page.locator(line)).to_contain_text(f"{busiest['mean']:.0f}\u00a0% on average")
    hand.press(f"{line} a")
    expect(page).to_have_url(re.compile("from="))
    wait_for_view(page, address(page))
    return busiest["from"], busiest["to"]


def open_minute(page: Page, hand: Hand) -> tuple[int, int]:
    """Zoom in to a minute or two; the span that is on the canvas then."""
    while view(page)[1] - view(page)[0] > 2 * MINUTE:
        before = page.url
        hand.zoom_in()
        expect(page).not_to_have_url(before)
        wait_for_view(page, address(page))
    return view(page)


def saved(page: Page, hand: Hand, selector: str, path: Path) -> Path:
    """What is downloaded from there."""
    with page.expect_download() as download:
        hand.press(selector)
    download.value.save_as(path)
    return path


@pytest.mark.parametrize("way", ["keyboard", "touch"])
def test_last_nights_peak_is_found_compared_and_passed_on(
    visit: Visit, service: Service, tmp_path: Path, way: str
) -> None:
    size = DESK if way == "keyboard" else PHONE
    page = visit.open(locale="en-GB", viewport=size, has_touch=way == "touch")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hand: Hand = Keyboard(page) if way == "keyboard" else Touch(page)

    peak = find_peak(page, hand)
    span = open_minute(page, hand)
    assert peak[0] <= (span[0] + span[1]) / 2 <= peak[1]
    expect(page.locator("#samples-title")).to_have_text("Samples every 5\u00a0s")

    hand.choose("#compare", "week")
    expect(page.locator("#samples-readout")).to_contain_text("a week before")

    hand.press("#more summary")
    hand.press("#copy-link")
    expect(page.locator("#copied-note")).to_have_text("Copied.")
    other = visit.open(page.evaluate("navigator.clipboard.readText()"), locale="en-GB", viewport=size)
    wait_for_view(other, span)
    expect(other.locator("#compare")).to_have_value("week")
    for told in ("#samples-summary", "#minutes-summary", "#figure-mean", "#figure-max"):
        expect(other.locator(told)).to_have_text(page.locator(told).inner_text())

    rows = saved(page, hand, "#save-table", tmp_path / "table.csv").read_text().splitlines()[1:]
    times = [datetime.fromisoformat(row.partition(",")[0]).timestamp() for row in rows]
    recorded = get_json(service, f"api/history?from={span[0]}&to={span[1]}&step={INTERVAL_S}")
    assert [span[0] < at <= span[1] for at in times] == [True] * len(recorded["cpu"])
    assert [float(row.split(",")[1]) for row in rows] == recorded["cpu"]
    assert saved(page, hand, "#save-picture", tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
