"""A receiver of remote write, as real as it has to be: it understands what comes, keeps it, and fails when told to."""

import asyncio
import struct
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cramjam
from aiohttp import web

from cpusensor.outlets.remote_write import STALE, request_class
from tests.service import TIMEOUT_S

STALE_BITS = struct.pack("<d", STALE)
Labels = tuple[tuple[str, str], ...]


class FakeReceiver:
    """Listens on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self.points: dict[Labels, dict[int, float | None]] = defaultdict(dict)
        """Values by time in ms, None for a series that ends there; by the labels of the series."""
        self.repeated = 0
        """Points that came again, with the same value; another one fails the request."""
        self.requests: list[web.BaseRequest] = []
        self.answers: list[web.Response] = []
        """Given, the first one first, instead of taking what comes."""
        self.silent_s = 0.0
        """How long it takes to answer."""
        self.is_strict = False
        """Whether it refuses a request with anything older than what it has of the series, as Prometheus does."""
        self.bound = 0
        """Time in ms; what is not newer is too old for it, if it is strict."""
        self.url = ""
        self._came = asyncio.Event()
        self._ended = asyncio.Event()
        self._server: web.Server | None = None

    async def start(self) -> None:
        self._server = web.Server(self._take)
        runner = web.ServerRunner(self._server)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/write"
        self._runner = runner

    async def stop(self) -> None:
        """Stop listening, and leave unanswered what is not answered yet."""
        self._ended.set()
        await self._runner.cleanup()

    def config(self, file: Path, *lines: str) -> tuple[str, str]:
        """Flags of a service that pushes here every second."""
        file.write_text("\n".join(["[[remote_write]]", f'url = "{self.url}"', "interval = 1", *lines]))
        return "--config", str(file)

    def times(self, metric: str = "cpusensor_cpu_ratio") -> list[int]:
        """Seconds of the values of a metric's first series, in order; a series that ends is -1."""
        series = next((points for labels, points in self.points.items() if ("__name__", metric) in labels), {})
        return [-1 if value is None else time // 1000 for time, value in sorted(series.items())]

    def forget(self, time: int) -> None:
        """Lose what came after that time."""
        for series in self.points.values():
            for one in [one for one in series if one > 1000 * time]:
                del series[one]

    def cut(self) -> None:
        """Close every connection between two requests, as one that is killed and back at once."""
        for connection in self._server.connections if self._server else ():
            if connection.transport is not None:
                connection.transport.close()

    async def has(self, time: int) -> None:
        """Return once it has the sample of that time."""
        await self.until(lambda: time in self.times())

    async def until(self, is_so: Callable[[], object]) -> None:
        """Return once that is so, which is looked at after each request."""
        async with asyncio.timeout(TIMEOUT_S):
            while not is_so():
                self._came.clear()
                await self._came.wait()

    async def _take(self, request: web.BaseRequest) -> web.Response:
        self.requests.append(request)
        self._came.set()
        try:
            return await self._answer(request)
        finally:
            self._came.set()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), self.silent_s)
        if self.answers:
            return self.answers.pop(0)
        message = request_class().FromString(bytes(cramjam.snappy.decompress_raw(body)))
        told = {tuple((one.name, one.value) for one in series.labels): series for series in message.timeseries}
        # The newest point may come again.
        bounds = {labels: max(self.bound + 1, *self.points[labels], 0) for labels in told}
        if self.is_strict and any(one.samples[0].timestamp < bounds[labels] for labels, one in told.items()):
            return web.Response(status=400, text="out of order sample")
        for labels, series in told.items():
            assert labels == tuple(sorted(labels))
            kept = self.points[labels]
            for sample in series.samples:
                is_end = struct.pack("<d", sample.value) == STALE_BITS
                value = None if is_end else sample.value
                if sample.timestamp in kept:
                    self.repeated += 1
                    assert kept[sample.timestamp] == value
                kept[sample.timestamp] = value
        return web.Response(status=204)
