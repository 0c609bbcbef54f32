"""A tab of Chromium, seen through its DevTools protocol: bytes on the wire, work of the main thread, heap."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from playwright.async_api import Browser, CDPSession

MARK = "first-chart"
PATIENCE_S = 60.0
LOOK_S = 0.02
MOVES, FRAME_S = 40, 0.016
"""Of a drag, and the time from one to the next."""

Point: TypeAlias = tuple[float, float]
"""CSS px from the left and the top of the window."""

READY = """new MutationObserver((_, observer) => {
  if (document.documentElement?.dataset.ready === undefined) return;
  performance.mark("first-chart");
  observer.disconnect();
}).observe(document, { attributes: true, childList: true, subtree: true });"""
"""Marks when our own page says that its first chart is painted."""

PAINTED = """const isPainted = (canvas) => {
  const { width, height } = canvas;
  if (width < 50 || height < 50) return false;
  return canvas.getContext("2d").getImageData(0, 0, width, height).data.some((value) => value);
};
const isDrawn = (path) => path.getBoundingClientRect().width > 200;
const has = (selector, test) => [...document.querySelectorAll(selector)].slice(0, 3).some(test);
const look = () => {
  if (has("canvas", isPainted) || has("svg path", isDrawn)) performance.mark("first-chart");
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);"""
"""Marks when anything is painted on a canvas, or a wide line is drawn."""

FIGURES = """const look = () => {
  if (/CPU[^]*\\d+\\.\\d%/.test(document.body?.innerText ?? "")) performance.mark("first-chart");
  else setTimeout(look, 20);
};
look();"""
"""Marks when a page without charts shows the CPU's figure."""


def way(begin: Point, end: Point) -> list[Point]:
    """Points between two, the last included."""
    shares = [step / MOVES for step in range(1, MOVES + 1)]
    return [(begin[0] + (end[0] - begin[0]) * share, begin[1] + (end[1] - begin[1]) * share) for share in shares]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a page came up in a browser that had never seen it."""

    sent_bytes: int
    """Headers included, until the first chart was painted."""
    requests: int
    first_chart_ms: float


class Tab:
    """A tab that keeps nothing between two visits."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        self._received: list[tuple[float, str, float]] = []
        self._counted: dict[str, float] = {}

    async def prepare(self) -> None:
        """Begin to listen."""
        self._session.on("Network.responseReceived", self._note_head)
        self._session.on("Network.dataReceived", self._note_piece)
        self._session.on("Network.loadingFinished", self._note_whole)
        await self._session.send("Network.enable")
        await self._session.send("Page.enable")
        await self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    async def open(self, url: str, watch: str) -> Opening:
        """Go there and return once the first chart is painted, as `watch` finds it. Raises TimeoutError."""
        await self._session.send("Page.addScriptToEvaluateOnNewDocument", {"source": watch})
        await self._session.send("Page.navigate", {"url": url})
        painted_ms = await self._first_chart_ms()
        painted_at = (await self.metrics())["NavigationStart"] + painted_ms / 1000
        until = [(request, size) for at, request, size in self._received if at <= painted_at]
        return Opening(
            sent_bytes=round(sum(size for _, size in until)),
            requests=len({request for request, _ in until}),
            first_chart_ms=painted_ms,
        )

    async def metrics(self) -> dict[str, float]:
        """What Chromium counts of this page; durations are CPU time of its main thread, in seconds."""
        answer = await self._session.send("Performance.getMetrics")
        return {metric["name"]: metric["value"] for metric in answer["metrics"]}

    async def heap_mib(self) -> float:
        """What the page's JavaScript holds once all that nobody needs is collected."""
        await self._session.send("HeapProfiler.collectGarbage")
        return (await self.metrics())["JSHeapUsedSize"] / 2**20

    async def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - whatever the page answers
        """The value of an expression; nothing of ours stays in the page."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = await self._session.send("Runtime.evaluate", asked)
        return answer["result"].get("value")

    async def draw_mouse(self, begin: Point, end: Point) -> None:
        """Press at one point and let go at another."""
        held = {"button": "left", "buttons": 1, "clickCount": 1}
        await self._mouse("mousePressed", begin, held)
        for point in way(begin, end):
            await self._mouse("mouseMoved", point, held)
            await asyncio.sleep(FRAME_S)
        await self._mouse("mouseReleased", end, held)

    async def draw_fingers(self, *ways: tuple[Point, Point]) -> None:
        """Draw fingers, each from one point to another."""
        await self._fingers("touchStart", [begin for begin, _ in ways])
        for points in zip(*(way(begin, end) for begin, end in ways), strict=True):
            await self._fingers("touchMove", points)
            await asyncio.sleep(FRAME_S)
        await self._fingers("touchEnd", [])

    def received_bytes(self) -> float:
        """All that has come until now, headers included."""
        return sum(size for _, _, size in self._received)

    async def _mouse(self, kind: str, point: Point, held: dict[str, Any]) -> None:
        await self._session.send("Input.dispatchMouseEvent", {"type": kind, "x": point[0], "y": point[1], **held})

    async def _fingers(self, kind: str, points: Sequence[Point]) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        await self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    async def _first_chart_ms(self) -> float:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                started = await self.evaluate(f'performance.getEntriesByName("{MARK}")[0]?.startTime')
                if started is not None:
                    return float(started)
                await asyncio.sleep(LOOK_S)

    def _note_head(self, event: dict[str, Any]) -> None:
        self._note(event, event["response"]["encodedDataLength"])

    def _note_piece(self, event: dict[str, Any]) -> None:
        self._note(event, event["encodedDataLength"])

    def _note_whole(self, event: dict[str, Any]) -> None:
        """What was not told of its pieces."""
        self._note(event, event["encodedDataLength"] - self._counted.get(event["requestId"], 0.0))

    def _note(self, event: dict[str, Any], size: float) -> None:
        request = event["requestId"]
        self._counted[request] = self._counted.get(request, 0.0) + size
        self._received.append((event["timestamp"], request, size))


@asynccontextmanager
async def fresh_tab(browser: Browser) -> AsyncIterator[Tab]:
    """A tab with an empty cache, 1280 × 800."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        page = await context.new_page()
        tab = Tab(await context.new_cdp_session(page))
        await tab.prepare()
        yield tab
    finally:
        await context.close()
