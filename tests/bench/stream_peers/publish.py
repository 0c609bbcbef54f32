"""Hands nginx with nchan, at the port that it is given, each tick to send."""

import asyncio
import http.client

from tests.bench.stream_peers.ticks import arguments, each_second


async def publish(port: int, text: str) -> None:
    """Until killed."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    async for tick in each_second(text):
        connection.request("POST", "/publish", tick.data, {"X-EventSource-Event": "sample"})
        connection.getresponse().read()


if __name__ == "__main__":
    asyncio.run(publish(*arguments()))
