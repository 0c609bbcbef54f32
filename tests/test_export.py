"""Exports, with real files: the table against the service's own, the database against its check."""

import asyncio
import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpusensor.check.command import main as check
from cpusensor.check.progress import Progress
from cpusensor.export import Meter, main, time_of
from cpusensor.model.records import Moment, Sample
from cpusensor.model.rollup import TIERS
from cpusensor.store.opening import open_history
from tests.fakes import START, FakeClock
from tests.running import Running
from tests.samples import NOON, at, histories, measured, sample
from tests.service import ROOT
from tests.store.opened import LATER, rows

GOLDEN = ROOT / "tests/store/golden/schema-1.sqlite"


async def write(path: Path, samples: Sequence[Sample]) -> None:
    """A database of one run, as the service leaves it."""
    async with open_history(path, LATER) as store:
        run = await store.runs.start("boot-1", NOON, 5, "1.0.0")
        await store.writer.add(measured(*(replace(one, run=run.id) for one in samples)))


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Half an hour with a gap from slot 14 to slot 17."""
    path = tmp_path / "cpusensor.db"
    await write(path, at(*range(1, 15), *range(18, 360)))
    return path


def files(folder: Path) -> dict[str, str]:
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.iterdir()}


def history_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row but those of runs, by table."""
    tables = ("sample", *(tier.name for tier in TIERS), "gap", "clock_step")
    return {table: rows(path, f"SELECT * FROM {table} ORDER BY 1") for table in tables}  # noqa: S608 - tables of ours


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


async def test_a_table_is_what_the_service_sends(running: Running, tmp_path: Path) -> None:
    for slot in range(100):
        running.kernel.use(slot / 101)
        await running.clock.advance(5)
    for query, options in {
        "range=all": [],
        "range=all&step=60&series=modes,cores": ["--step", "60", "--series", "modes,cores"],
        f"from={START + 50}&to={START + 90}": ["--from", "2025-11-23T22:20:50", "--to", "2025-11-24T00:21:30+02:00"],
    }.items():
        output = tmp_path / f"{len(query)}.csv"
        command = [str(running.database), "--format", "csv", *options, "--output", str(output)]

        # While the service runs on it.
        assert await asyncio.to_thread(main, command) == 0

        async with await running.get(f"api/history?format=csv&{query}") as response:
            assert output.read_text() == await response.text()


def test_a_database_is_clean_and_holds_the_span(path: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.db"

    status = main(
        [str(path), "--format", "sqlite", "--from", str(NOON + 30), "--to", str(NOON + 950), "--output", str(output)]
    )

    assert (status, check([str(output)])) == (0, 0)
    assert output.stat().st_mode & 0o777 == 0o600
    assert rows(output, "SELECT min(time), max(time), count(*) FROM sample") == [(NOON + 35, NOON + 950, 181)]
    assert rows(output, "SELECT from_time, to_time, cause FROM gap") == [(NOON + 70, NOON + 85, "stalled")]
    assert rows(output, "SELECT min(time), max(time), count(*) FROM minute") == [(NOON + 60, NOON + 900, 15)]
    assert rows(output, "SELECT count FROM minute ORDER BY time LIMIT 1") == [(6,)]
    assert rows(output, "SELECT * FROM tier") == []


async def test_the_service_goes_on_with_an_exported_database(path: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.db"
    assert await asyncio.to_thread(main, [str(path), "--format", "sqlite", "--output", str(output)]) == 0
    before = history_of(output)

    async with open_history(output, LATER) as history:
        await history.runs.start("boot-2", LATER, 5, "1.0.0")
        await history.writer.add(measured(sample(LATER + 5, run=2)))

    assert before == history_of(path)
    assert await asyncio.to_thread(check, [str(output)]) == 0


@given(history=histories(length=400), span=st.tuples(st.integers(0, 2000), st.integers(0, 2000)))
@settings(max_examples=25)
async def test_whatever_the_span_the_database_is_clean(history: list[Sample], span: tuple[int, int]) -> None:
    with TemporaryDirectory() as folder:
        path, output = Path(folder) / "cpusensor.db", Path(folder) / "out.db"
        await write(path, history)
        bounds = ["--from", str(NOON + min(span)), "--to", str(NOON + max(span) + 1)]

        status = await asyncio.to_thread(main, [str(path), "--format", "sqlite", *bounds, "--output", str(output)])

        assert (status, await asyncio.to_thread(check, [str(output)])) == (0, 0)
        inside = [one.time for one in history if NOON + min(span) < one.time <= NOON + max(span) + 1]
        assert [time for (time,) in rows(output, "SELECT time FROM sample")] == inside


def test_a_gap_that_only_touches_the_span_is_left_out(path: Path, tmp_path: Path) -> None:
    for begin, end in ((NOON + 75, NOON + 200), (NOON, NOON + 80)):
        output = tmp_path / f"{begin}.db"

        assert (
            main([str(path), "--format", "sqlite", "--from", str(begin), "--to", str(end), "--output", str(output)])
            == 0
        )

        assert rows(output, "SELECT * FROM gap") == []
        assert check([str(output)]) == 0


def test_a_rollup_whose_samples_were_lost_is_taken_as_it_is(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM sample WHERE time <= ?", (NOON + 600,))
        connection.execute("DELETE FROM gap")

    assert main([str(path), "--format", "sqlite", "--output", str(tmp_path / "out.db")]) == 0

    for tier in TIERS[:2]:
        sql = f"SELECT time, count, user, cores FROM {tier.name}"  # noqa: S608 - a table of ours
        assert rows(tmp_path / "out.db", sql) == rows(path, sql)


@pytest.mark.parametrize("form", ["csv", "sqlite"])
def test_a_file_of_an_older_version_is_exported_and_not_changed(tmp_path: Path, form: str) -> None:
    path = tmp_path / "old.db"
    path.write_bytes(GOLDEN.read_bytes())
    path.chmod(0o400)
    before = files(tmp_path)

    status = main([str(path), "--format", form, "--output", str(tmp_path / "out")])

    assert status == 0
    assert {**before, "out": files(tmp_path)["out"]} == files(tmp_path)
    assert form == "csv" or check([str(tmp_path / "out")]) == 0


async def test_a_history_without_a_sample_is_an_empty_one(tmp_path: Path) -> None:
    await write(tmp_path / "new.db", [])
    for form in ("csv", "sqlite"):
        command = [str(tmp_path / "new.db"), "--format", form, "--output", str(tmp_path / form)]
        assert await asyncio.to_thread(main, command) == 0

    assert (tmp_path / "csv").read_text() == "time,cpu,gap\n"
    assert await asyncio.to_thread(check, [str(tmp_path / "sqlite")]) == 0


REFUSED = {
    "--format csv --output {path}": "{path}: exists already, and is not overwritten",
    "--format csv --output {folder}/none/x.csv": "{folder}/none/x.csv: cannot be written: No such file or directory",
    "--format csv --step 7 --output {folder}/x": "--step: 7 is not offered; allowed are 5, 10, 15, 30,",
    "--format csv --series all --output {folder}/x": "--series: 'all' is not allowed; it must be any of modes,",
    "--format csv --from 9 --to 8": "python -m cpusensor.export: --from: 9 is not before --to, 8",
    "--format csv --from soon": "python -m cpusensor.export: argument --from: 'soon' is no time; it must be epoch",
    "--format xml": "python -m cpusensor.export: argument --format: invalid choice: 'xml' (choose from",
    "--format sqlite --step 60": "python -m cpusensor.export: --step and --series are for --format csv;",
    "": "python -m cpusensor.export: give either --format or --forget-names",
}


@pytest.mark.parametrize("command", REFUSED)
def test_what_cannot_be_done_is_said_in_one_line(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    before = files(tmp_path)
    names = {"path": path, "folder": tmp_path}
    try:
        status: object = main([str(path), *command.format(**names).split()])
    except SystemExit as error:
        status = error.code

    told = capsys.readouterr()
    assert (status, told.out) == (2, "")
    assert told.err.startswith(REFUSED[command].format(**names))
    assert told.err.count("\n") == 1
    assert files(tmp_path) == before


@pytest.mark.parametrize("form", ["csv", "sqlite"])
@pytest.mark.parametrize("what", ["missing", "foreign", "garbled", "truncated"])
def test_of_a_file_that_cannot_be_read_nothing_is_left(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, what: str
) -> None:
    if what == "missing":
        path.unlink()
    elif what == "foreign":
        path.write_text("dear diary\n" * 40)
    elif what == "truncated":
        path.write_bytes(path.read_bytes()[:16_384])
    else:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("UPDATE sample SET user = -5 WHERE time = ?", (NOON + 300,))
    before = files(tmp_path)

    status = main([str(path), "--format", form, "--output", str(tmp_path / "out")])

    told = capsys.readouterr().err
    assert status == 2
    assert told.startswith(f"{path}: cannot be exported: ")
    assert told.count("\n") == 1
    assert files(tmp_path) == before


class Interrupting(FakeClock):
    """Whoever looks at it for the fourth time is interrupted."""

    looks = 0

    def now(self) -> Moment:
        self.looks += 1
        if self.looks == 4:
            raise KeyboardInterrupt
        return super().now()


@pytest.mark.parametrize("form", ["csv", "sqlite"])
def test_who_interrupts_it_is_left_with_nothing(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    before = files(tmp_path)

    status = main([str(path), "--format", form, "--output", str(tmp_path / "out")], clock=Interrupting())

    assert (status, capsys.readouterr().err) == (130, "interrupted\n")
    assert files(tmp_path) == before


COMMAND = (sys.executable, "-m", "cpusensor.export")


def test_without_an_output_it_goes_to_stdout(path: Path, tmp_path: Path) -> None:
    for form in ("csv", "sqlite"):
        with (tmp_path / form).open("wb") as stream:
            subprocess.run([*COMMAND, path, "--format", form], cwd=ROOT, stdout=stream, check=True)

    assert len(lines_of(tmp_path / "csv")) == 1 + 359
    assert check([str(tmp_path / "sqlite")]) == 0


def test_a_database_is_not_written_to_a_terminal(path: Path) -> None:
    ours, theirs = os.openpty()

    done = subprocess.run(
        [*COMMAND, path, "--format", "sqlite"], cwd=ROOT, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False
    )

    os.close(ours)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (2, "a database is nothing for a terminal; name a file with --output\n")


def test_a_reader_that_leaves_is_told_in_one_line(path: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)

    done = subprocess.run(
        [*COMMAND, path, "--format", "csv"], cwd=ROOT, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False
    )

    os.close(theirs)
    assert (done.returncode, done.stderr) == (2, "stdout: cannot be written: Broken pipe\n")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_person_sees_how_far_it_is_and_how_long_it_takes(clock: FakeClock) -> None:
    meter = Meter(Progress(clock, stream := Terminal()), clock)
    meter.begin(400 * 86_400)
    clock.pass_unnoticed(30)
    meter.add(100 * 86_400)

    assert stream.getvalue() == "\r[########......................] 25%, 3 days a second, 1:30 left\x1b[K"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1763936400", NOON),
        ("2025-11-23T22:20:00Z", NOON),
        ("2025-11-23T22:20", NOON),
        ("2025-11-24 00:20:00+02:00", NOON),
        ("2025-11-23", 1_763_856_000),
        ("0", 0),
    ],
)
def test_a_time_without_a_zone_is_utc(text: str, time: int) -> None:
    assert time_of(text) == time


async def test_a_table_is_whole_while_an_older_file_is_being_filled(path: Path, tmp_path: Path) -> None:
    command = ["--format", "csv", "--step", "900", "--output"]
    assert await asyncio.to_thread(main, [str(path), *command, str(tmp_path / "before.csv")]) == 0
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM quarter_hour WHERE time <= ?", (NOON + 900,))
        connection.execute("INSERT INTO tier VALUES ('quarter_hour', ?)", (NOON + 900,))

    assert await asyncio.to_thread(main, [str(path), *command, str(tmp_path / "meanwhile.csv")]) == 0

    assert lines_of(tmp_path / "meanwhile.csv") == lines_of(tmp_path / "before.csv")


async def sealed(path: Path, *, max_bytes: int | None = None) -> None:
    """Two days and a half of a sample every five minutes, with a gap; all is sealed but the last hour."""
    times = [time for time in range(NOON + 300, NOON + 216_000, 300) if not NOON + 5000 < time < NOON + 9000]
    async with open_history(path, NOON) as store:
        run = await store.runs.start("boot-1", NOON, 60, "1.0.0")
        await store.writer.add(measured(*(sample(time, time % 997, run=run.id) for time in times)))
    if max_bytes is not None:
        await seal(path, max_bytes)


async def seal(path: Path, max_bytes: int | None = None) -> None:
    async with open_history(path, NOON + 216_000, max_bytes=max_bytes) as store:
        while await store.sealing.seal_slice(NOON + 212_400):
            pass
        while await store.limit.is_exceeded() and await store.limit.give_up(NOON + 216_000):
            pass


async def exported(path: Path, *options: str) -> Path:
    """A database that was made of it."""
    made = path.with_name(f"made{''.join(options)}.db")
    assert await asyncio.to_thread(main, [str(path), "--format", "sqlite", *options, "--output", str(made)]) == 0
    assert await asyncio.to_thread(check, [str(made)]) == 0
    return made


def sealed_hours(path: Path) -> list[tuple[object, ...]]:
    return rows(path, "SELECT * FROM sealed_hour ORDER BY time")


async def test_what_is_sealed_stays_so_or_becomes_rows_for_an_older_version(tmp_path: Path) -> None:
    path = tmp_path / "cpusensor.db"
    await sealed(path)
    before = history_of(path)
    await seal(path)

    plain, copied = await exported(path, "--plain"), await exported(path)

    assert history_of(plain) == before
    assert rows(plain, "PRAGMA user_version") == [(3,)]
    assert rows(plain, "SELECT count(*) FROM readable_sample") == [(len(before["sample"]),)]
    assert not rows(plain, "SELECT name FROM sqlite_schema WHERE name = 'sealed_hour'")
    assert sealed_hours(copied) == sealed_hours(path)
    assert history_of(copied) == history_of(path)
    async with open_history(plain, LATER * 2) as store:
        assert await store.reader.first() == NOON + 240


async def test_a_span_that_cuts_sealed_hours_holds_their_parts_as_rows(tmp_path: Path) -> None:
    path = tmp_path / "cpusensor.db"
    await sealed(path)
    await seal(path)
    span = ("--from", str(NOON + 4000), "--to", str(NOON + 30_000))

    copied, plain = await exported(path, *span), await exported(path, *span, "--plain")

    assert 3 < len(sealed_hours(copied)) < 9
    assert history_of(await exported(copied, "--plain")) == history_of(plain)


async def test_of_what_was_given_up_an_export_holds_what_is_left(tmp_path: Path) -> None:
    path = tmp_path / "cpusensor.db"
    await sealed(path, max_bytes=1)

    copied = await exported(path)

    assert rows(copied, "SELECT * FROM tier ORDER BY name") == rows(path, "SELECT * FROM tier ORDER BY name") != []
    assert history_of(copied) == history_of(path)
    await exported(path, "--plain")
