"""The yardstick: the same answers by aiohttp as it comes, `python -m tests.bench.stock BODIES --port N`.

BODIES is a folder with what the service answered, a file for each of `now` and `history`. `web.run_app` with its
defaults serves them, and a stream that sends one of them each second.
"""

import argparse
import asyncio
from pathlib import Path

from aiohttp import web

JSON = "application/json"


def app_of(bodies: Path) -> web.Application:
    """An application that answers as the service did."""
    now, history = ((bodies / name).read_bytes() for name in ("now", "history"))

    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(b"event: sample\ndata: %b\n\n" % now)
            await asyncio.sleep(1)

    async def answer_now(_: web.Request) -> web.Response:
        return web.Response(body=now, content_type=JSON)

    async def answer_history(_: web.Request) -> web.Response:
        return web.Response(body=history, content_type=JSON)

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="recording\n")

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/events", events)
    app.router.add_get("/api/now", answer_now)
    app.router.add_get("/api/history", answer_history)
    return app


def main() -> None:
    """Serve until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stock", description=__doc__.split("\n")[0])
    parser.add_argument("bodies", type=Path)
    parser.add_argument("--port", type=int, required=True)
    told = parser.parse_args()
    web.run_app(app_of(told.bodies), port=told.port)


if __name__ == "__main__":
    main()
