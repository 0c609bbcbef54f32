"""The page of a service in a container."""

import json
import sys
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visit import Visit
from tests.service import ROOT, Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service as it is in a container."""
    with Service(
        tmp_path_factory.mktemp("container"), command=(sys.executable, "-m", "tests.browser.container")
    ) as running:
        yield running


@pytest.mark.parametrize(("locale", "lang"), [("en-GB", "en"), ("ru-RU", "ru")])
def test_it_says_whose_figures_it_shows(visit: Visit, axe: Callable[[Page], list[str]], locale: str, lang: str) -> None:
    line = json.loads((ROOT / "web" / "texts" / f"{lang}.json").read_text(encoding="utf-8"))["frame"]["scope_host"]
    page = visit.open(locale=locale, viewport={"width": 360, "height": 740})

    expect(page.locator("#container")).to_have_text(line)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert axe(page) == []
