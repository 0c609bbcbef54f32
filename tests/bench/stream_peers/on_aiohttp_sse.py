"""A server on aiohttp-sse, with a queue for each reader as in its chat example."""

import asyncio

from aiohttp import web
from aiohttp_sse import (  # type: ignore[import-not-found]  # is in the peers' environment
    EventSourceResponse,
    sse_response,
)

from tests.bench.stream_peers.ticks import Tick, arguments, each_second

queues: set[asyncio.Queue[Tick]] = set()


async def events(request: web.Request) -> EventSourceResponse:
    """One reader, until it leaves."""
    async with sse_response(request, sep="\n") as response:
        queue: asyncio.Queue[Tick] = asyncio.Queue()
        queues.add(queue)
        try:
            while response.is_connected():
                tick = await queue.get()
                await response.send(tick.data, id=tick.id, event="sample")
        finally:
            queues.discard(queue)
    return response


async def broadcast(text: str) -> None:
    """Put each tick into every queue."""
    async for tick in each_second(text):
        for queue in queues:
            queue.put_nowait(tick)


async def serve(port: int, text: str) -> None:
    """Until killed."""
    app = web.Application()
    app.router.add_get("/events", events)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await broadcast(text)


if __name__ == "__main__":
    asyncio.run(serve(*arguments()))
