"""The obvious server: aiohttp, a queue for each reader, and a handler that waits for its queue and writes."""

import asyncio

from aiohttp import web

from tests.bench.stream_peers.ticks import arguments, each_second

HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}

queues: set[asyncio.Queue[bytes]] = set()


async def events(request: web.Request) -> web.StreamResponse:
    """One reader, until it leaves."""
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    queues.add(queue)
    try:
        while True:
            await response.write(await queue.get())
    finally:
        queues.discard(queue)


async def broadcast(text: str) -> None:
    """Put each tick into every queue."""
    async for tick in each_second(text):
        frame = tick.frame
        for queue in queues:
            queue.put_nowait(frame)


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
