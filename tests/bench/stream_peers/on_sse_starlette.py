"""A server on sse-starlette and uvicorn, with uvloop, and a queue for each reader."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn  # type: ignore[import-not-found]  # in the peers' environment
from sse_starlette import EventSourceResponse, ServerSentEvent  # type: ignore[import-not-found]  # in the peers' environment
from starlette.applications import Starlette  # type: ignore[import-not-found]  # in the peers' environment
from starlette.requests import Request  # type: ignore[import-not-found]  # in the peers' environment
from starlette.routing import Route  # type: ignore[import-not-found]  # in the peers' environment

from tests.bench.stream_peers.ticks import Tick, arguments, each_second

port, text = arguments()
queues: set[asyncio.Queue[Tick]] = set()


async def events(_request: Request) -> EventSourceResponse:
    """One reader."""
    return EventSourceResponse(follow())


async def follow() -> AsyncIterator[ServerSentEvent]:
    """All ticks from now on, until the reader leaves."""
    queue: asyncio.Queue[Tick] = asyncio.Queue()
    queues.add(queue)
    try:
        while True:
            tick = await queue.get()
            yield ServerSentEvent(tick.data, id=tick.id, event="sample", sep="\n")
    finally:
        queues.discard(queue)


async def broadcast() -> None:
    """Put each tick into every queue."""
    async for tick in each_second(text):
        for queue in queues:
            queue.put_nowait(tick)


@asynccontextmanager
async def broadcasting(_app: Starlette) -> AsyncIterator[None]:
    """As long as the application runs."""
    task = asyncio.create_task(broadcast())
    yield
    task.cancel()


if __name__ == "__main__":
    app = Starlette(routes=[Route("/events", events)], lifespan=broadcasting)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
