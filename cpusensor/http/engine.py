"""Asks an engine that answers PromQL over HTTP: Prometheus, VictoriaMetrics, Mimir, Thanos."""

import asyncio
import json
from collections.abc import Mapping

from aiohttp import ClientError, ClientSession, ClientTimeout

from cpusensor.config.receivers import Endpoint
from cpusensor.model.fleet import NonsenseError, Series, Strip, series_of
from cpusensor.outlets.push import session_of

TIMEOUT = ClientTimeout(total=15, sock_connect=5)

MAX_ANSWER = 64 << 20
"""Bytes: ten thousand machines with all their labels are some 3 MiB."""

AT_ONCE = 4
"""Queries that one engine is asked at a time."""


class EngineError(Exception):
    """The engine gave no answer that can be used; its text says why."""


class Engine:
    """Asks one engine, over connections that are kept open."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.name = endpoint.name
        self._endpoint = endpoint
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._session: ClientSession | None = None

    async def now(self, query: str, time: float) -> list[Series]:
        """What the query comes to at one time. Raises EngineError."""
        return await self._ask("query", {"query": query, "time": str(int(time))})

    async def over(self, query: str, strip: Strip) -> list[Series]:
        """What it comes to at the end of each cell. Raises EngineError."""
        span = {"start": str(strip.start), "end": str(strip.end), "step": str(strip.step)}
        return await self._ask("query_range", {"query": query, **span})

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, kind: str, parameters: Mapping[str, str]) -> list[Series]:
        base = self._endpoint.url.rstrip("/")
        try:
            # A file of certificates may hold none.
            self._session = self._session or session_of(self._endpoint, {}, connections=AT_ONCE)
            async with (
                self._turns,
                self._session.post(
                    f"{base}/api/v1/{kind}", data=dict(parameters), allow_redirects=False, timeout=TIMEOUT
                ) as response,
            ):
                body = await response.content.read(MAX_ANSWER)
                while not response.content.at_eof():
                    if len(body) >= MAX_ANSWER:
                        raise EngineError(f"its answer has more than {MAX_ANSWER >> 20} MiB")
                    body += await response.content.read(MAX_ANSWER - len(body))
                status = response.status
            # Thousands of series are parsed here, for which the sampling does not wait.
            return await asyncio.to_thread(_parse, status, body)
        except TimeoutError:
            raise EngineError("it does not answer") from None
        except NonsenseError as error:
            raise EngineError(str(error)) from error
        except (ClientError, OSError) as error:
            raise EngineError(str(error) or type(error).__name__) from error


def _parse(status: int, body: bytes) -> list[Series]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise NonsenseError(f"it answers {status} and no JSON") from None
    return series_of(answer)
