"""The limit: `python -m tests.bench.bare URL` fetches an answer once and serves the same bytes from memory.

A handler that does nothing on aiohttp as it comes: `/gzip` has the compressed answer, `/plain` the other. Prints where.
"""

import asyncio
import sys
from urllib.request import Request, urlopen

from aiohttp import hdrs, web

NOT_COPIED = {hdrs.DATE, hdrs.CONTENT_LENGTH, hdrs.CONNECTION}


def fetch(url: str, encoding: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers as they came, nothing unpacked."""
    with urlopen(Request(url, headers={"Accept-Encoding": encoding})) as answer:
        headers = {name: value for name, value in answer.headers.items() if name not in NOT_COPIED}
        return answer.read(), headers


async def serve(url: str) -> None:
    """Serve both answers until killed."""
    app = web.Application()
    for path, encoding in (("/gzip", "gzip"), ("/plain", "identity")):
        body, headers = fetch(url, encoding)

        async def answer(_: web.Request, body: bytes = body, headers: dict[str, str] = headers) -> web.Response:
            return web.Response(body=body, headers=headers)

        app.router.add_get(path, answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
