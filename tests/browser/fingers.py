"""Fingers on a touch screen, through the DevTools protocol of Chromium."""

from playwright.sync_api import CDPSession, Page

STEPS = 8
"""Moves of which a drag consists."""


class Fingers:
    """Fingers on one element of a page; where they are is told as shares of its width."""

    def __init__(self, page: Page, selector: str, height: float = 0.5) -> None:
        """`height`: at which share of the element's height they are."""
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._at = page.locator(selector)
        self._height = height

    def tap(self, at: float) -> None:
        """Touch for a moment."""
        self._touch("touchStart", at)
        self._touch("touchEnd")

    def drag(self, *ways: tuple[float, float]) -> None:
        """Draw a finger, or two, each from one place to another."""
        starts = [start for start, _ in ways]
        for count in range(1, len(starts) + 1):
            self._touch("touchStart", *starts[:count])
        for step in range(1, STEPS + 1):
            self._touch("touchMove", *(start + (end - start) * step / STEPS for start, end in ways))
        self._touch("touchEnd")

    def _touch(self, kind: str, *shares: float) -> None:
        self._at.scroll_into_view_if_needed()
        box = self._at.bounding_box()
        assert box is not None
        y = box["y"] + box["height"] * self._height
        points = [{"x": box["x"] + box["width"] * share, "y": y, "id": i} for i, share in enumerate(shares)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
