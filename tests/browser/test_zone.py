"""The time zone in which the page tells its times: the browser's, the machine's or UTC."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visit import Visit
from tests.service import Service
from tests.waiting import wait_for_samples

# 12:00 to 13:00 in Riga, the day in 2024 on which its clocks were set back.
SPAN = "?from=1730023200&to=1730026800"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service on a machine in Kathmandu, whose clocks are ahead of UTC by a quarter to six."""
    with Service(tmp_path_factory.mktemp("zone"), TZ="Asia/Kathmandu") as running:
        wait_for_samples(running, 2)
        yield running


@pytest.fixture
def page(visit: Visit) -> Page:
    """The span, in a browser in Riga."""
    return visit.open(SPAN, locale="en-GB", timezone_id="Europe/Riga")


def fields(page: Page) -> list[str]:
    """What the fields of date and time hold, opened anew."""
    if page.locator("#more").get_attribute("open") is not None:
        page.locator("#more summary").click()
    page.locator("#more summary").click()
    return [page.locator(f"#field-{end}").input_value() for end in ("from", "to")]


def test_times_are_those_of_the_browser_until_another_zone_is_chosen_everywhere(page: Page) -> None:
    expect(page.locator("#zone option:checked")).to_have_text("Europe/Riga (GMT+2), this browser")
    expect(page.locator("#span")).to_have_text("27 Oct 2024, 12:00–13:00")
    page.locator("#zone").select_option("machine")

    expect(page.locator("#zone option:checked")).to_have_text("Asia/Kathmandu (GMT+5:45), the machine")
    expect(page.locator("#span")).to_have_text("27 Oct 2024, 15:45–16:45")
    assert fields(page) == ["2024-10-27T15:45", "2024-10-27T16:45"]


def test_a_zone_is_chosen_by_keyboard_and_remembered(page: Page) -> None:
    page.locator("#zone").focus()
    page.keyboard.press("End")
    expect(page.locator("#span")).to_have_text("27 Oct 2024, 10:00–11:00")
    page.reload()

    expect(page.locator("#zone option:checked")).to_have_text("UTC")
    expect(page.locator("#span")).to_have_text("27 Oct 2024, 10:00–11:00")
    assert fields(page) == ["2024-10-27T10:00", "2024-10-27T11:00"]


def test_the_readout_and_what_happened_are_told_in_the_zone_that_is_chosen(visit: Visit, service: Service) -> None:
    service.kill()
    service.start()
    wait_for_samples(service, 1)
    page = visit.open(locale="en-GB", timezone_id="Europe/Riga")
    told = page.locator("#gaps li[data-cause='crashed']").first
    expect(told).to_have_text(re.compile(r"Service had crashed \d\d:\d\d"))
    page.locator("#samples-plot").focus()
    page.keyboard.press("End")
    readout = page.locator("#samples-readout")
    expect(readout).to_have_text(re.compile(r"\d\d:\d\d:\d\d · "))
    before = told.inner_text(), readout.inner_text()
    page.locator("#zone").select_option("machine")

    expect(told).not_to_have_text(before[0])
    expect(readout).not_to_have_text(before[1])
    # The clocks of the two differ by three hours and three quarters.
    minutes = [int(text.split(":")[1]) for text in (before[1], readout.inner_text())]
    assert (minutes[1] - minutes[0]) % 60 == 45
