"""The verification of a database, with real files that are damaged by SQL."""

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpusensor.check.checker import MINUTES_PER_LOOK
from cpusensor.check.command import main
from cpusensor.check.progress import Progress
from cpusensor.model.records import Cause, Measured, Moment, Sample
from cpusensor.store.opening import open_history
from cpusensor.store.schema import MIGRATIONS
from tests.fakes import FakeClock
from tests.samples import histories, sample, without_known

NOON = 1_763_936_400
LATER = NOON + 86_400


def measured(*samples: Sample) -> list[Measured]:
    return [Measured(sample=one, cause=Cause.STALLED) for one in samples]


def at(*slots: int) -> list[Sample]:
    return [sample(NOON + 5 * slot) for slot in slots]


async def write(path: Path, samples: Sequence[Sample], now: int = LATER) -> None:
    """A database of one run, as the service leaves it."""
    async with open_history(path, now) as store:
        run = await store.runs.start("boot-1", NOON, 5, "1.0.0")
        for one in samples:
            await store.writer.add(measured(replace(one, run=run.id)))


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Three minutes, of which the last is open, and a gap from slot 14 to slot 17."""
    path = tmp_path / "cpusensor.db"
    await write(path, at(*range(1, 15), *range(18, 30)))
    return path


def damage(path: Path, statement: str, blob: bytes = b"") -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement, {"noon": NOON, "blob": blob})


def files(folder: Path) -> dict[str, str]:
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in folder.iterdir()}


def test_what_the_service_wrote_is_clean(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main([str(path)])

    assert status == 0
    assert capsys.readouterr() == (f"{path}: runs 1, samples 26, minutes 2, gaps 1: clean\n", "")


async def test_a_database_without_a_sample_is_clean(tmp_path: Path) -> None:
    await write(tmp_path / "new.db", [])

    assert main([str(tmp_path / "new.db")]) == 0


async def test_what_a_system_does_not_report_is_nothing_wrong(tmp_path: Path) -> None:
    await write(tmp_path / "bare.db", [without_known(one) for one in at(*range(1, 20))])

    assert main([str(tmp_path / "bare.db")]) == 0


def test_no_file_is_changed_and_none_is_left_behind(path: Path) -> None:
    before = files(path.parent)

    main([str(path)])

    assert files(path.parent) == before


DAMAGES = {
    "minute with a wrong sum": (
        "UPDATE minute SET user = user + 1 WHERE time = :noon + 60",
        f"minute {NOON + 60}: user is 3001, its samples give 3000",
    ),
    "minute with wrong cores": (
        "UPDATE minute SET cores = NULL WHERE time = :noon + 60",
        f"minute {NOON + 60}: cores differ from its samples'",
    ),
    "minute with extremes the wrong way round": (
        "UPDATE minute SET cpu_min_bp = 9000 WHERE time = :noon + 60",
        f"minute {NOON + 60}: cpu_min_bp is 9000, its samples give 2500",
    ),
    "minute that is missing": (
        "DELETE FROM minute WHERE time = :noon + 120",
        f"minute {NOON + 120}: is missing, though it is over and has 9 samples",
    ),
    "minute whose cores are garbage": (
        "UPDATE minute SET cores = x'48010203' WHERE time = :noon + 60",
        f"minute {NOON + 60}: its cores make no sense",
    ),
    "gap that is missing": (
        "DELETE FROM gap",
        f"gap {NOON + 70}: is missing, though nothing is until {NOON + 85}",
    ),
    "gap where no slot is empty": (
        "INSERT INTO gap VALUES (:noon + 5, :noon + 10, 'stalled', NULL, NULL)",
        f"gap {NOON + 5}: is none, the next sample follows at {NOON + 10}",
    ),
    "gap that begins between two samples": (
        "INSERT INTO gap VALUES (:noon + 72, :noon + 85, 'stalled', NULL, NULL)",
        f"gap {NOON + 72}: begins where no sample is",
    ),
    "gap after the last sample": (
        "INSERT INTO gap VALUES (:noon + 145, :noon + 150, 'stalled', NULL, NULL)",
        f"gap {NOON + 145}: no sample closes it",
    ),
    "gap that ends too early": (
        "UPDATE gap SET to_time = to_time - 5",
        f"gap {NOON + 70}: ends at {NOON + 80}, the hole at {NOON + 85}",
    ),
    "gap with a cause of its own": (
        "UPDATE gap SET cause = 'bored'",
        f"gap {NOON + 70}: 'bored' is not a cause",
    ),
    "gap that is busier than it is long": (
        'UPDATE gap SET busy = "all" + 1',
        f"gap {NOON + 70}: busy 3001 of 3000 ticks",
    ),
    "sample that is missing": (
        "DELETE FROM sample WHERE time = :noon + 10",
        f"gap {NOON + 5}: is missing, though nothing is until {NOON + 10}",
    ),
    "sample that was changed": (
        "UPDATE sample SET user = 240 WHERE time = :noon + 10",
        f"minute {NOON + 60}: cpu_min_bp is 2500, its samples give 2400; user is 3000, its samples give 2990",
    ),
    "sample that is busier than it is long": (
        "UPDATE sample SET user = 1001 WHERE time = :noon + 10",
        f"sample {NOON + 10}: its kinds of ticks add up to 1001, more than all 1000",
    ),
    "sample with a negative count": (
        "UPDATE sample SET irq = -1 WHERE time = :noon + 10",
        f"sample {NOON + 10}: a count of ticks is negative, or all of them are none",
    ),
    "sample without ticks": (
        'UPDATE sample SET "all" = 0, user = 0 WHERE time = :noon + 10',
        f"sample {NOON + 10}: a count of ticks is negative, or all of them are none",
    ),
    "sample with negative pressure": (
        "UPDATE sample SET pressure_us = -5 WHERE time = :noon + 10",
        f"sample {NOON + 10}: pressure_us is negative",
    ),
    "sample with impossible totals": (
        "UPDATE sample SET total_busy = 2, total_all = 1 WHERE time = :noon + 10",
        f"sample {NOON + 10}: the running totals say busy 2 of 1",
    ),
    "sample with a core that is busier than it is long": (
        "UPDATE sample SET cores = x'4802000100' WHERE time = :noon + 10",
        f"sample {NOON + 10}: its cores make no sense",
    ),
    "sample of an unknown run": (
        "UPDATE sample SET run = 7 WHERE time = :noon + 10",
        f"sample {NOON + 10}: its run 7 is not known",
    ),
    "sample beside the grid": (
        "UPDATE sample SET time = :noon + 12 WHERE time = :noon + 10",
        f"sample {NOON + 12}: lies beside the grid of its run, 5 s",
    ),
    "run whose interval divides nothing": (
        "UPDATE run SET interval = 0",
        "run 1: its interval of 0 s does not divide a minute",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_and_said_in_one_line(path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    statement, finding = DAMAGES[name]
    damage(path, statement)

    status = main([str(path)])

    assert status == 1
    assert finding in capsys.readouterr().out.splitlines()


def test_garbage_in_place_of_cores_never_ends_the_check(path: Path) -> None:
    statuses = []
    for blob in [b"", *(bytes([code, 1, 2, 3, 4]) for code in range(256))]:
        damage(path, "UPDATE sample SET cores = :blob WHERE time = :noon + 10", blob)
        statuses.append(main([str(path)]))

    assert statuses == [1] * 257


def test_of_many_findings_the_first_are_told_and_the_rest_counted(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(path, "UPDATE sample SET pressure_us = -1")

    status = main([str(path), "--limit", "3"])

    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    assert len([line for line in lines if line.startswith("sample 1")]) == 3
    assert "sample: 23 more" in lines
    assert lines[-1] == f"{path}: runs 1, samples 26, minutes 2, gaps 1: findings 28"


def test_a_truncated_file_is_a_finding(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_bytes(path.read_bytes()[:8192])

    status = main([str(path)])

    assert status == 1
    assert "file cannot be read to its end: database disk image is malformed" in capsys.readouterr().out


async def test_a_page_of_garbage_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cpusensor.db"
    await write(path, at(*range(1, 1000)))
    content = bytearray(path.read_bytes())
    content[-8192:-4096] = b"\xa5" * 4096
    path.write_bytes(content)

    status = main([str(path)])

    assert status == 1
    assert capsys.readouterr().out.startswith("file ")


def _make_foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs(x)")


def _make_text(path: Path) -> None:
    path.write_text("dear diary\n" * 40)


def _make_empty(path: Path) -> None:
    path.write_bytes(b"")


def _make_newer(path: Path) -> None:
    damage(path, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")


def _make_unborn(path: Path) -> None:
    damage(path, "PRAGMA user_version = 0")


def _lose_a_table(path: Path) -> None:
    damage(path, "DROP TABLE minute")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.unlink, "No such file or directory"),
        (_make_foreign, "it is not a cpusensor database"),
        (_make_text, "it is not a cpusensor database"),
        (_make_empty, "it is empty"),
        (_make_newer, f"it has schema version {len(MIGRATIONS) + 1}, this cpusensor knows 1 to {len(MIGRATIONS)}"),
        (_make_unborn, f"it has schema version 0, this cpusensor knows 1 to {len(MIGRATIONS)}"),
        (_lose_a_table, "no such table: main.minute"),
    ],
)
def test_what_cannot_be_checked_is_said_in_one_line(
    path: Path, capsys: pytest.CaptureFixture[str], make: object, reason: str
) -> None:
    assert callable(make)
    make(path)
    before = files(path.parent)

    status = main([str(path)])

    assert status == 2
    assert capsys.readouterr() == ("", f"{path}: cannot be checked: {reason}\n")
    assert files(path.parent) == before


async def test_a_database_is_checked_while_the_service_writes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cpusensor.db"
    async with open_history(path, NOON) as store:
        await store.runs.start("boot-1", NOON, 5, "1.0.0")
        await store.writer.add(measured(*at(*range(1, 30), 40)))
        before = files(tmp_path)

        assert main([str(path)]) == 0
        assert files(tmp_path).keys() == before.keys()
        await store.writer.add(measured(*at(41)))

    assert "samples 30, minutes 3, gaps 1" in capsys.readouterr().out


async def test_what_a_killed_service_left_is_checked_with_its_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = tmp_path / "left"
    left.mkdir()
    async with open_history(tmp_path / "cpusensor.db", NOON) as store:
        await store.runs.start("boot-1", NOON, 5, "1.0.0")
        await store.writer.add(measured(*at(*range(1, 30))))
        for suffix in ("", "-wal"):
            (left / f"cpusensor.db{suffix}").write_bytes((tmp_path / f"cpusensor.db{suffix}").read_bytes())
    before = files(left)

    status = main([str(left / "cpusensor.db")])

    assert status == 0
    assert "samples 29, minutes 2" in capsys.readouterr().out
    assert before.items() <= files(left).items()


async def test_runs_with_other_intervals_have_other_grids(tmp_path: Path) -> None:
    path = tmp_path / "cpusensor.db"
    await write(path, at(1, 2, 3))
    async with open_history(path, LATER) as store:
        run = await store.runs.start("boot-2", NOON + 30, 60, "1.0.0")
        await store.writer.add(measured(*(sample(NOON + 60 * minute, run=run.id) for minute in (1, 2, 5))))

    assert main([str(path)]) == 0


class Terminal(StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


async def test_a_person_sees_a_line_that_is_written_over(clock: FakeClock) -> None:
    progress = Progress(clock, stream := Terminal())
    for _ in range(10):
        clock.pass_unnoticed(0.1)
        progress.show("half of it")
    progress.clear()
    progress.clear()

    assert stream.getvalue() == "\rhalf of it\x1b[K" * 5 + "\r\x1b[K"


async def test_a_log_gets_a_line_now_and_then(clock: FakeClock) -> None:
    progress = Progress(clock, stream := StringIO())
    for _ in range(100):
        clock.pass_unnoticed(0.1)
        progress.show("half of it")
    progress.clear()

    assert stream.getvalue() == "half of it\n" * 2


class Hurried(FakeClock):
    """A clock on which a minute passes between two looks."""

    def now(self) -> Moment:
        self.pass_unnoticed(60)
        return super().now()


async def test_progress_says_how_far_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cpusensor.db"
    await write(path, [sample(NOON + 60 * minute) for minute in range(1, 2 * MINUTES_PER_LOOK + 1)])

    main([str(path)], clock=Hurried())

    assert "101 samples, 50% of the time recorded" in capsys.readouterr().err.splitlines()


@given(earlier=histories(length=60), later=histories(length=60), pause=st.integers(0, 30), is_known=st.booleans())
@settings(max_examples=30)
async def test_whatever_is_recorded_is_clean(
    earlier: list[Sample], later: list[Sample], pause: int, *, is_known: bool
) -> None:
    """Two runs, the second begun some time after the first and on a system that reports more or less."""
    offset = earlier[-1].time - NOON + 5 * pause
    moved = [replace(one, time=one.time + offset) for one in later]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cpusensor.db"
        await write(path, earlier)
        await write(path, moved if is_known else [without_known(one) for one in moved], earlier[-1].time)

        assert main([str(path)]) == 0


@given(history=histories(length=60), rewritten=st.lists(st.integers(1, 60), max_size=20))
@settings(max_examples=30)
async def test_whatever_a_clock_that_was_set_back_overwrote_is_clean(
    history: list[Sample], rewritten: list[int]
) -> None:
    newest = history[-1].time
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cpusensor.db"
        await write(path, [*history, *(one for one in at(*rewritten) if one.time <= newest)], NOON)

        assert main([str(path)]) == 0
