"""Cpusensor itself, which besides its samples sends events of BYTES every SECONDS.

At the rate of its samples the buffers of a reader that does not read take minutes to fill; so they are full at once.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from itertools import count

from aiohttp import web

from cpusensor.config.settings import load_settings
from cpusensor.http.app import create_app
from cpusensor.http.keys import BROADCAST
from cpusensor.http.listening import listen
from cpusensor.http.serving import serve
from cpusensor.outlets.broadcast import Broadcast


async def flood(broadcast: Broadcast, size: int, seconds: float) -> None:
    """Until cancelled."""
    for number in count():
        await asyncio.sleep(seconds)
        text = f'id: flood-{number}\nevent: flood\ndata: {{"time":{time.time()},"fill":"{"x" * size}"}}\n\n'
        broadcast.send(text.encode())


def main(size: int, seconds: float, *flags: str) -> int:
    """The door of server.py, with the flood behind it."""

    async def flooding(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(flood(app[BROADCAST], size, seconds))
        yield
        task.cancel()

    settings = load_settings(flags)
    with listen(settings) as listener:
        app = create_app(settings)
        app.cleanup_ctx.append(flooding)
        return asyncio.run(serve(app, listener))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:]))
