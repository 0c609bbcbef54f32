"""Writes a span of a history to a file of its own: `python -m cpusensor.export FILE --format csv|sqlite`.

The service need not run, and may: what is read is one snapshot, which nothing changes. What is not finished is removed.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn

from cpusensor.check.progress import Progress
from cpusensor.kernel.clock import Clock, SystemClock
from cpusensor.model.query import CSV, BadRequestError, parse_query
from cpusensor.model.times import MAX_TIME, parse_time
from cpusensor.outlets import spreadsheet
from cpusensor.recording.table import Source, plan_table, read_table
from cpusensor.recording.view import Pending
from cpusensor.store.columns import GarbledError
from cpusensor.store.database import ReadError
from cpusensor.store.extract import PASSES, extract
from cpusensor.store.file import StorageError
from cpusensor.store.forgetting import copies_of, forget_names
from cpusensor.store.reader import Reader
from cpusensor.store.snapshot import Snapshot, SnapshotError, open_snapshot

SQLITE = "sqlite"

INTERRUPTED = 130
"""The exit status of who was interrupted, as shells have it: 128 and the number of the signal."""

BAR = 30
"""Characters of the bar."""

STDOUT = 1
"""Its descriptor."""


class ExportError(Exception):
    """It cannot be exported; the text is one line that says why."""


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        """End with the status of all that cannot be done."""
        self.exit(2, f"{self.prog}: {message}\n")


class Meter:
    """Shows how much is done, how fast it goes and how long it takes."""

    def __init__(self, progress: Progress, clock: Clock) -> None:
        self._progress = progress
        self._clock = clock
        self._done_s, self._whole_s = 0, 1
        self._began = clock.now().monotonic

    def begin(self, seconds: int) -> None:
        """There are so many seconds of history to be read, each as often as it is."""
        self._done_s, self._whole_s = 0, max(1, seconds)
        self._began = self._clock.now().monotonic

    def add(self, seconds: int) -> None:
        """So many more are done."""
        self._done_s += seconds
        passed_s = self._clock.now().monotonic - self._began
        share = min(1.0, self._done_s / self._whole_s)
        bar = "#" * round(BAR * share)
        days = self._done_s / 86_400 / passed_s if passed_s else 0.0
        left_s = round(passed_s * (1 - share) / share) if share else 0
        text = f"[{bar:.<{BAR}}] {share:.0%}, {days:,.0f} days a second, {left_s // 60}:{left_s % 60:02} left"
        self._progress.show(text)


def time_of(text: str) -> int:
    """UTC Unix seconds. Raises ArgumentTypeError."""
    try:
        return parse_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options. Ends the process with one line on stderr and status 2 for what cannot be understood."""
    parser = Parser(prog="python -m cpusensor.export", allow_abbrev=False)
    parser.description = "Exports a span of a cpusensor database, which is not changed; cpusensor may be running on it."
    parser.add_argument("file", type=Path, metavar="FILE")
    times = "epoch seconds or ISO 8601; a time without a zone is UTC"
    parser.add_argument(
        "--from", type=time_of, default=0, dest="from_time", help=f"{times} (default: the first sample)"
    )
    parser.add_argument("--to", type=time_of, default=MAX_TIME, dest="to_time", help=f"{times} (default: the newest)")
    parser.add_argument("--format", choices=[CSV, SQLITE])
    parser.add_argument(
        "--forget-names", action="store_true", help="export nothing: erase all names of units and processes from FILE"
    )
    parser.add_argument(
        "--plain", action="store_true", help="sqlite: rows for all hours, also for those that are sealed"
    )
    parser.add_argument("--step", help="csv: seconds a line covers (default: the sampling interval)")
    parser.add_argument("--series", help="csv: any of modes, cores, load, pressure, separated by commas")
    parser.add_argument("--output", type=Path, help="a file that does not exist yet (default: stdout)")
    options = parser.parse_args(arguments)
    if (options.format is None) is not options.forget_names:
        parser.error("give either --format or --forget-names")
    if options.format == SQLITE and (options.step or options.series):
        parser.error("--step and --series are for --format csv; a database has every sample and every series")
    if options.format == CSV and options.plain:
        parser.error("--plain is for --format sqlite; a table has a line for every sample anyway")
    if options.from_time >= options.to_time:
        parser.error(f"--from: {options.from_time} is not before --to, {options.to_time}")
    return options


@contextmanager
def new_file(output: Path) -> Iterator[Path]:
    """A new private file that gets the name once it is finished, and is removed if it is not. Raises ExportError."""
    if os.path.lexists(output):
        raise ExportError(f"{output}: exists already, and is not overwritten")
    number, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.absolute().parent)
    part = Path(name)
    try:
        yield part
        # What has the name is on the disk, or a power cut could leave half of it under it.
        os.fsync(number)
        if os.path.lexists(output):
            raise ExportError(f"{output}: was made by somebody else meanwhile, and is not overwritten")
        part.rename(output)
    finally:
        os.close(number)
        part.unlink(missing_ok=True)


@contextmanager
def binary(output: Path | None) -> Iterator[BinaryIO]:
    """Where bytes are written to."""
    if output is None:
        # A descriptor of our own: what it still holds when the reader has left is not written again at the end.
        with os.fdopen(os.dup(STDOUT), "wb") as stream:
            yield stream
    else:
        with new_file(output) as part, part.open("wb") as stream:
            yield stream


@contextmanager
def database(output: Path | None) -> Iterator[Path]:
    """Where a database is made; without a name it is then copied to stdout, for SQLite needs a file."""
    if output is not None:
        with new_file(output) as part:
            yield part
        return
    with tempfile.TemporaryDirectory(prefix="cpusensor.") as folder:
        path = Path(folder) / "export.db"
        path.touch(mode=0o600)
        yield path
        with path.open("rb") as made, binary(None) as stream:
            shutil.copyfileobj(made, stream)


async def write_csv(snapshot: Snapshot, stream: BinaryIO, options: argparse.Namespace, meter: Meter) -> None:
    """The table. Raises BadRequestError, ReadError and GarbledError."""
    runs = snapshot.runs
    source = Source(
        reader=Reader(snapshot, snapshot, snapshot, snapshot.tiers),
        now=lambda: MAX_TIME,
        pending=lambda: Pending(interval=runs[-1].interval if runs else 1),
        turns=asyncio.Semaphore(),
    )
    given = {"from": str(options.from_time), "to": str(options.to_time), "step": options.step, "series": options.series}
    query = {name: text for name, text in given.items() if text is not None}
    table = await plan_table(parse_query({**query, "format": CSV}, snapshot.newest), source)
    meter.begin(table.question.grid.length * table.question.grid.step)
    stream.write(spreadsheet.header(table.question, table.cpus))
    async for found in read_table(table, source):
        stream.write(spreadsheet.rows(found, table.question.series, table.cpus))
        meter.add(found.grid.length * found.grid.step)


async def write_sqlite(snapshot: Snapshot, path: Path, options: argparse.Namespace, meter: Meter) -> None:
    """The database. Raises ReadError, GarbledError and SnapshotError."""
    reader = Reader(snapshot, snapshot, snapshot, snapshot.tiers)
    to_time = min(options.to_time, snapshot.newest)
    from_time = min(max(options.from_time, await reader.first() or 0), to_time)
    meter.begin(PASSES * (to_time - from_time))
    await extract(snapshot, path, (from_time, to_time), meter.add, is_plain=options.plain)


def export(options: argparse.Namespace, meter: Meter) -> None:
    """Write what is asked for. Raises ExportError with what prevents it."""
    if options.format == SQLITE and options.output is None and os.isatty(STDOUT):
        raise ExportError("a database is nothing for a terminal; name a file with --output")
    try:
        # The snapshot inside: only when it has turned out to be one, the output gets its name.
        if options.format == SQLITE:
            with database(options.output) as path, open_snapshot(options.file) as snapshot:
                asyncio.run(write_sqlite(snapshot, path, options, meter))
        else:
            with binary(options.output) as stream, open_snapshot(options.file) as snapshot:
                asyncio.run(write_csv(snapshot, stream, options, meter))
    except BadRequestError as error:
        raise ExportError(f"--{error}") from error
    except (GarbledError, ReadError, SnapshotError) as error:
        raise ExportError(f"{options.file}: cannot be exported: {error}") from error
    except OSError as error:
        raise ExportError(f"{options.output or 'stdout'}: cannot be written: {error.strerror}") from error


def erase(path: Path) -> int:
    """Erase the names in a file; 0 if they are gone, 2 if they cannot be erased."""
    try:
        count = forget_names(path)
    except (SnapshotError, StorageError) as error:
        text = str(error) if isinstance(error, StorageError) else f"{path}: names cannot be erased: {error}"
        print(text, file=sys.stderr)  # noqa: T201 - the answer of the command
        return 2
    print(f"{path}: {count:,} names erased, and who used the CPU when")  # noqa: T201 - likewise
    for copy in copies_of(path):
        print(f"{copy} is a copy that may hold names as well; delete it if it shall not")  # noqa: T201 - likewise
    return 0


def main(arguments: Sequence[str] | None = None, *, clock: Clock | None = None) -> int:
    """Export; 0 if all of it was written, 2 if it cannot be, 130 if it was interrupted: then nothing is left."""
    options, clock = parse(arguments), clock or SystemClock()
    progress = Progress(clock, sys.stderr)
    if options.forget_names:
        return erase(options.file)
    try:
        export(options, Meter(progress, clock))
    except (ExportError, KeyboardInterrupt) as error:
        progress.clear()
        print(str(error) or "interrupted", file=sys.stderr)  # noqa: T201 - the answer of the command
        return 2 if isinstance(error, ExportError) else INTERRUPTED
    progress.clear()
    return 0


if __name__ == "__main__":
    sys.exit(main())
