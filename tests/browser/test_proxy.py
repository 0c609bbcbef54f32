"""The page behind a proxy, under a path of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visit import Visit
from tests.proxy import PROXIES, site
from tests.service import Service


@pytest.fixture(params=PROXIES)
def visit(request: pytest.FixtureRequest, browser: Browser, service: Service, tmp_path: Path) -> Iterator[Visit]:
    """Opens pages of a site that has the service under /cpu/."""
    with site(request.param, service, tmp_path) as address, Visit(browser, address) as visit:
        yield visit
    assert visit.complaints() == []


def test_the_page_lives_under_a_path_and_remembers_its_language_there(visit: Visit) -> None:
    page = visit.open("cpu", locale="en-GB")
    html = page.locator("html")
    expect(html).to_have_attribute("data-connection", "live")
    for _ in range(2):
        expect(html).not_to_have_attribute("data-last-id", html.get_attribute("data-last-id") or "")

    assert page.url.endswith("/cpu/")
    page.locator("nav a[hreflang=ru]").click()
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.goto(page.url.partition("?")[0])

    expect(page.locator("html")).to_have_attribute("lang", "ru")
