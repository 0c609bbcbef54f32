"""`GET /api/history?format=csv`: a range of any length as a table, sent as it is read."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

from aiohttp import HttpVersion11, hdrs, web

from cpusensor.http.keys import CLOCK, HISTORY, RECORDER, SETTINGS, TURNS
from cpusensor.http.status import newest_slot
from cpusensor.model.query import Grid, parse_query
from cpusensor.outlets import spreadsheet
from cpusensor.recording.table import Source, Table, plan_table, read_table
from cpusensor.recording.view import pending
from cpusensor.store.columns import GarbledError
from cpusensor.store.database import ReadError

log = logging.getLogger(__name__)

WRITE_TIMEOUT_S = 60.0
"""Seconds for a client to take a slice, some 200 KB: one that takes nothing shall not hold its connection for ever."""


async def send_table(request: web.Request, parameters: Mapping[str, str]) -> web.StreamResponse:
    """The table that the parameters ask for. Raises BadRequestError, and what the first slice raises.

    What fails later ends the answer without its last chunk, by which a client knows that it is not whole.
    """
    app = request.app
    source = Source(
        reader=app[HISTORY].reader.unhurried,
        now=app[CLOCK].wall,
        pending=lambda: pending(app[HISTORY], app[RECORDER]),
        turns=app[TURNS],
    )
    # `range=all` is then from the beginning of time, and every table begins with the first sample.
    table = await plan_table(parse_query(parameters, newest_slot(app), first=0), source)
    headers = _headers(app[SETTINGS].name, table.question.grid)
    if request.method == hdrs.METH_HEAD:
        return web.Response(headers=headers)
    async with aclosing(_texts(table, source)) as texts:
        begin = await anext(texts)
        response = web.StreamResponse(headers=headers)
        # A reader of HTTP/1.0 knows no chunks: its answer ends with its connection.
        if request.version >= HttpVersion11:
            response.enable_chunked_encoding()
        await _send(request, response, begin, texts)
    return response


async def _send(request: web.Request, response: web.StreamResponse, begin: bytes, rest: AsyncIterator[bytes]) -> None:
    """Send it all, or break the connection."""
    transport, is_whole = request.transport, False
    try:
        await response.prepare(request)
        await _write(response, begin)
        async for text in rest:
            await _write(response, text)
        is_whole = True
    except ConnectionError:
        pass  # The client left; that is not an error.
    except (GarbledError, ReadError) as error:
        log.error("a table was cut short (%s); its client is told by the broken connection", error)
    except TimeoutError:
        log.warning("a table was cut short: its client took nothing for %g s", WRITE_TIMEOUT_S)
    finally:
        # Whatever ends it, even a cancellation: closed in good order it would look whole.
        if not is_whole and transport is not None:
            transport.abort()


async def _texts(table: Table, source: Source) -> AsyncGenerator[bytes, None]:
    """The text of each slice, the names of the columns before the first."""
    head = spreadsheet.header(table.question, table.cpus)
    async with aclosing(read_table(table, source)) as slices:
        async for found in slices:
            # In a thread: thousands of lines would hold up the sampling.
            yield head + await asyncio.to_thread(spreadsheet.rows, found, table.question.series, table.cpus)
            head = b""
    if head:
        yield head


async def _write(response: web.StreamResponse, text: bytes) -> None:
    async with asyncio.timeout(WRITE_TIMEOUT_S):
        await response.write(text)


def _headers(host: str, grid: Grid) -> dict[str, str]:
    return {
        hdrs.CONTENT_TYPE: spreadsheet.CONTENT_TYPE,
        hdrs.CACHE_CONTROL: "no-store",
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{file_name(host, grid)}"',
    }


def file_name(host: str, grid: Grid) -> str:
    """Host, from and to, in characters that mean nothing in a header and that every file system takes."""
    times = [spreadsheet.time_text(time) for time in (grid.from_time, grid.to_time)]
    # Without the marks of a time, and not hidden by a dot in front.
    span = re.sub("[:-]", "", "_".join(times)).replace("_", "-")
    return f"{re.sub(r'[^0-9A-Za-z._-]+', '_', host).lstrip('.-')}-{span}.csv"
