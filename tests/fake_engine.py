"""An engine that answers PromQL as a test tells it to."""

from typing import Any

from aiohttp import web

from tests.fakes import START


class FakeEngine:
    """Answers PromQL as told, and counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Any = None
        """Instead of what it knows."""
        self.hosts = {"box": 0.5, "<b>&\"'": 0.25}

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._say))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/prometheus"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _say(self, request: web.BaseRequest) -> web.Response:
        asked = await request.post()
        query = str(asked["query"])
        self.asked.append(query)
        if self.answer is not None:
            return web.Response(**self.answer)
        assert request.path == f"/prometheus/api/v1/{'query_range' if 'end' in asked else 'query'}"
        time = float(str(asked.get("end", asked.get("time"))))
        result = [
            {"metric": {"host": host}, "values": [[time, str(self._value(query, share))]]}
            for host, share in self.hosts.items()
        ]
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": result}})

    @staticmethod
    def _value(query: str, share: float) -> float:
        if "count_over_time" in query:
            return 12
        return START if "timestamp" in query else share
