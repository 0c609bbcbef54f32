"""One connection to a server that is kept open, and how long it takes until an answer is there to its last byte."""

import gzip
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes
    """Still compressed."""
    ms: float
    """From the request to the last byte."""
    cpu_ms: float
    """What the server's process used meanwhile, in all its threads."""

    @property
    def plain(self) -> bytes:
        """The body, unpacked."""
        return gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was answered
        """The body as JSON."""
        return json.loads(self.plain)


class Client:
    """Asks one server, one request after the other."""

    def __init__(self, site: str, pid: int, encoding: str) -> None:
        """`pid` is the server's process."""
        address = urlsplit(site)
        self._connection = HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_S)
        self._clock = ~pid << 3 | 2  # clock_getcpuclockid(3)
        self._headers = {"Accept-Encoding": encoding}

    def get(self, path: str, **headers: str) -> Reply:
        """The answer, whatever its status is. Raises OSError and HTTPException."""
        try:
            return self._get(path, headers)
        except (ConnectionError, HTTPException):
            # A server may end a connection that was idle for long; that is no part of how it answers.
            self._connection.close()
            self._connection.connect()
            return self._get(path, headers)

    def fetch(self, path: str) -> Reply:
        """The answer with status 200. Raises RuntimeError for another, OSError and HTTPException."""
        reply = self.get(path)
        if reply.status != 200:
            raise RuntimeError(f"{path}: {reply.status}: {reply.plain[:300].decode(errors='replace')}")
        return reply

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _get(self, path: str, headers: Mapping[str, str]) -> Reply:
        asked = {**self._headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        cpu_s, began = time.clock_gettime(self._clock), time.perf_counter()
        self._connection.request("GET", path, headers=asked)
        answer = self._connection.getresponse()
        body = answer.read()
        ms, cpu_ms = 1000 * (time.perf_counter() - began), 1000 * (time.clock_gettime(self._clock) - cpu_s)
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(status=answer.status, headers=found, body=body, ms=ms, cpu_ms=cpu_ms)
