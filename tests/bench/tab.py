"""A tab of Chromium, seen through its DevTools protocol: bytes on the wire, work of the main thread, heap."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, CDPSession

MARK = "first-chart"
PATIENCE_S = 60.0
LOOK_S = 0.02

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
        answer = await self._session.send("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        return answer["result"].get("value")

    def received_bytes(self) -> float:
        """All that has come until now, headers included."""
        return sum(size for _, _, size in self._received)

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
