"""What stands behind "?", by keys and by touch, and whether everybody can read what the page shows."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_zoom import service
from tests.browser.visit import Visit
from tests.thorough import THEMES_AND_LANGUAGES

__all__ = ["service"]


def test_what_the_figures_mean_opens_by_key_and_closes_by_escape_to_where_one_was(visit: Visit) -> None:
    page = visit.open(locale="en-GB")
    expect(page.locator("#usual-now")).not_to_be_empty()
    page.locator("#compare").focus()
    page.keyboard.press("?")

    for told in ("CPU % =", "taken by neighbours on the same hardware", "Page Up", "One finger"):
        expect(page.locator("#help")).to_contain_text(told)
    expect(page.locator("#help-close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    expect(page.locator("#compare")).to_be_focused()


def test_it_opens_by_touch_and_closes_by_touching_beside_it(visit: Visit) -> None:
    page = visit.open(has_touch=True, viewport={"width": 360, "height": 740})
    expect(page.locator("#usual-now")).not_to_be_empty()
    page.locator("#help-open").tap()
    expect(page.locator("#help dd").first).to_be_visible()
    page.touchscreen.tap(180, 4)

    expect(page.locator("#help")).to_be_hidden()


@pytest.mark.parametrize(("scheme", "locale"), THEMES_AND_LANGUAGES)
def test_axe_finds_nothing_in_what_is_compared_and_explained(
    visit: Visit, axe: Callable[[Page], list[str]], scheme: str, locale: str
) -> None:
    page = visit.open(
        "?range=7d&compare=week&usual=1", color_scheme="dark" if scheme == "dark" else "light", locale=locale
    )
    expect(page.locator("#usual")).to_be_enabled()
    found = axe(page)
    page.locator("#help-open").click()

    assert found + axe(page) == []
