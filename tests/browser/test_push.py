"""What the page says of a receiver of samples that takes none."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visit import TIMEOUT_MS
from tests.service import Service


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Service]:
    """A service that knows that its receiver is not there."""
    with Service(tmp_path, "--remote-write", "http://127.0.0.1:9/write") as service:
        while not _problem(service):
            time.sleep(0.1)
        yield service


def _problem(service: Service) -> str | None:
    """What /api/now says of the receiver; None before the first sample too."""
    try:
        with urlopen(f"{service.url}api/now") as response:
            problem: str | None = json.load(response)["push"][0]["problem"]
    except HTTPError:
        return None
    return problem


def test_a_receiver_that_takes_nothing_is_told_at_the_top_and_behind_the_question_mark(
    browser: Browser, failing: Service
) -> None:
    page = browser.new_page(locale="ru-RU")
    page.goto(f"{failing.url}?lang=ru")
    expect(page.locator("#push-note")).to_contain_text("Последняя ошибка: takes no samples", timeout=TIMEOUT_MS)
    page.click("#help-open")
    expect(page.locator("#push li")).to_contain_text("http://127.0.0.1:9/write", timeout=TIMEOUT_MS)
    page.close()
