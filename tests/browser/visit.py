"""A visit to the service: pages that share nothing with other visits, and all that went wrong in them."""

import re
from types import TracebackType
from typing import Literal, Self, TypedDict, Unpack
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    WebError,
    expect,
)

from tests.service import TIMEOUT_S

TIMEOUT_MS = 1000 * TIMEOUT_S
expect.set_options(timeout=TIMEOUT_MS)

# The violation of a policy that is only reported never reaches the console by itself.
PRINT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.effectiveDirective} forbids ${event.blockedURI}`));
"""


class Visitor(TypedDict, total=False):
    """What one brings along to a page; names and values are Playwright's."""

    color_scheme: Literal["dark", "light"]
    device_scale_factor: float
    extra_http_headers: dict[str, str]
    forced_colors: Literal["active", "none"]
    has_touch: bool
    locale: str
    reduced_motion: Literal["no-preference", "reduce"]
    timezone_id: str
    viewport: ViewportSize


class Visit:
    """Opens pages and notes each console message, uncaught error, policy violation and request to another host."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._contexts: list[BrowserContext] = []
        self._notes: list[str] = []
        self._expected: list[re.Pattern[str]] = []

    def open(self, path: str = "", **visitor: Unpack[Visitor]) -> Page:
        """The page at `path` once its first chart is painted, as somebody sees it who was never here."""
        return self.open_in(self.blank(**visitor), path)

    def open_in(self, page: Page, path: str = "") -> Page:
        """The same in a page that was prepared."""
        page.goto(urljoin(self._url, path))
        page.locator("html[data-ready]").wait_for(state="attached")
        return page

    def blank(self, **visitor: Unpack[Visitor]) -> Page:
        """An empty page, to prepare something (a clock, a recording) before going anywhere."""
        context = self._browser.new_context(**visitor)
        context.set_default_timeout(TIMEOUT_MS)
        self._contexts.append(context)
        context.add_init_script(PRINT_VIOLATIONS)
        context.on("console", self._note_message)
        context.on("weberror", self._note_error)
        context.on("request", self._note_request)
        return context.new_page()

    def expect(self, pattern: str) -> None:
        """Complaints in which `pattern` is found are part of the test, as when it kills the service."""
        self._expected.append(re.compile(pattern))

    def complaints(self) -> list[str]:
        """All that was noted and not expected."""
        return [note for note in self._notes if not any(pattern.search(note) for pattern in self._expected)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for context in self._contexts:
            context.close()

    def _note_message(self, message: ConsoleMessage) -> None:
        self._notes.append(f"console {message.type}: {message.text} ({message.location['url']})")

    def _note_error(self, error: WebError) -> None:
        self._notes.append(f"uncaught: {error.error}")

    def _note_request(self, request: Request) -> None:
        target, own = urlsplit(request.url), urlsplit(self._url)
        if target.scheme not in {"blob", "data"} and target.netloc != own.netloc:
            self._notes.append(f"request to another host: {request.url}")
