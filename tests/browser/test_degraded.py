"""The page of a service whose counters stand still for a while."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from playwright.sync_api import expect

from tests.browser.visit import Visit
from tests.service import Service

STAT = Path("/proc/stat")
COVERED = 'mount --bind "$0" /proc/stat && exec "$@"'
COPIES_PER_S = 20


class Counters:
    """A file that follows /proc/stat, as a context, until it is held."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_over, self._is_followed = threading.Event(), threading.Event()
        self._is_followed.set()
        self._thread = threading.Thread(target=self._follow)

    def command(self, *arguments: str) -> tuple[str, ...]:
        """The command, in a mount namespace in which the file is /proc/stat."""
        return ("unshare", "--mount", "sh", "-c", COVERED, str(self.path), *arguments)

    def hold(self) -> None:
        """Let them stand still."""
        self._is_followed.clear()

    def release(self) -> None:
        """Let them follow again."""
        self._is_followed.set()

    def __enter__(self) -> Self:
        self._copy()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._is_over.wait(1 / COPIES_PER_S):
            if self._is_followed.is_set():
                self._copy()

    def _copy(self) -> None:
        """In one write to the same file: a new one would not be the one that is mounted."""
        text = STAT.read_bytes()
        number = os.open(self.path, os.O_WRONLY | os.O_CREAT)
        os.pwrite(number, text, 0)
        os.truncate(number, len(text))
        os.close(number)


@pytest.fixture(scope="module")
def counters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counters]:
    with Counters(tmp_path_factory.mktemp("counters") / "stat") as running:
        try:
            subprocess.run(running.command("true"), check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            # Only root may bind a file over /proc/stat, and `make test` has to do without root.
            pytest.skip(f"no mount namespace of its own, which needs Linux and root: {error}")
        yield running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, counters: Counters) -> Iterator[Service]:
    """The service that reads those counters."""
    with Service(tmp_path_factory.mktemp("degraded"), command=counters.command(sys.executable, "server.py")) as running:
        yield running


def test_a_gap_appears_with_its_cause_while_nothing_is_recorded_and_ends_when_something_is(
    visit: Visit, counters: Counters
) -> None:
    page = visit.open(locale="en-GB")
    html, gap = page.locator("html"), page.locator("#gaps li[data-cause=unreadable]")
    expect(html).not_to_have_attribute("data-last-id", html.get_attribute("data-last-id") or "")
    expect(gap).to_have_count(0)

    counters.hold()
    expect(page.locator("#degraded-reason")).to_contain_text("the CPU counters stand still")
    expect(gap).to_contain_text("Counters have been unreadable since")
    expect(gap).to_have_attribute("data-to", "")
    page.locator("#samples-table summary").click()
    expect(page.locator("#samples-rows")).to_contain_text("counters have been unreadable since")

    counters.release()
    expect(gap).not_to_have_attribute("data-to", "")
    expect(gap).not_to_contain_text("since")
    expect(page.locator("#degraded")).to_be_hidden()
    expect(html).to_have_attribute("data-connection", "live")
