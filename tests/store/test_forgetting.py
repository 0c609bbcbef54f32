"""Names are erased by command: from the tables, and from the bytes of the file."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cpusensor.check.command import main as check
from cpusensor.export import main as export
from cpusensor.model.records import Span
from cpusensor.store.opening import open_history
from tests.blames import SECOND, blame, process, unit
from tests.fakes import LOOK_S
from tests.samples import NOON, at, measured
from tests.service import TIMEOUT_S
from tests.store.opened import LATER, rows

WHOLE = Span(from_time=NOON - 86_400, to_time=LATER)
NAMES = b"secret.service", b"whisper"


@pytest.fixture
async def named(path: Path) -> Path:
    """A history in which names are kept, packed and not."""
    async with open_history(path, NOON) as store:
        await store.runs.start("boot-1", NOON, 5, "1.0.0")
        await store.writer.add(measured(*at(*range(1, 1500))))
        for slot in range(1, 1500):
            shares = unit("secret.service"), process("whisper", unit="secret.service")
            await store.blames.add([blame(NOON + 5 * slot, *shares)])
        while await store.blames.pack_next(LATER):
            pass
    return path


def test_after_forgetting_no_name_is_left_in_the_file(named: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = rows(named, "SELECT * FROM sample")
    assert all(name in named.read_bytes() for name in NAMES)

    assert export([str(named), "--forget-names"]) == 0

    assert capsys.readouterr().out == f"{named}: 2 names erased, and who used the CPU when\n"
    assert not any(name in file.read_bytes() for name in NAMES for file in named.parent.iterdir())
    assert rows(named, "SELECT * FROM sample") == before
    assert check([str(named)]) == 0


async def test_an_exported_span_holds_its_names_until_they_are_forgotten(named: Path, tmp_path: Path) -> None:
    out, begin, end = tmp_path / "out.db", NOON + 1000, NOON + 7000
    arguments = [str(named), "--format", "sqlite", "--from", str(begin), "--to", str(end), "--output", str(out)]
    async with open_history(named, LATER) as store:
        await store.blames.add([blame(LATER, unit("later.service"), since=LATER - 5)])
    await asyncio.to_thread(export, arguments)

    assert rows(out, "SELECT text FROM name ORDER BY 1") == [("secret.service",), ("whisper",)]
    assert await asyncio.to_thread(check, [str(out)]) == 0
    async with open_history(out, LATER) as store:
        found = await store.culprits.over(WHOLE)
    assert found is not None
    assert found.blame.units == (unit("secret.service", 1200 * SECOND),)
    assert await asyncio.to_thread(export, [str(out), "--forget-names"]) == 0
    assert not any(name in out.read_bytes() for name in NAMES)


def test_copies_that_may_hold_names_are_told(named: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = named.with_name(f"{named.name}.v4")
    copy.write_bytes(b"")

    assert export([str(named), "--forget-names"]) == 0
    assert f"{copy} is a copy" in capsys.readouterr().out


async def test_while_a_service_runs_nothing_is_erased(named: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with open_history(named, LATER):
        assert export([str(named), "--forget-names"]) == 2

    assert "is in use by another cpusensor" in capsys.readouterr().err
    assert rows(named, "SELECT count(*) FROM name") == [(2,)]


def test_the_check_finds_what_is_wrong_with_names(named: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check([str(named)]) == 0
    with closing(sqlite3.connect(named)) as connection, connection:
        connection.execute("UPDATE blame_minute_packed SET shares = x'00'")
        connection.execute("DELETE FROM name WHERE text = 'whisper'")

    assert check([str(named), "--limit", "1"]) == 1
    told = capsys.readouterr().out
    assert "blame_minute_packed " in told
    assert "it refers to a name that is not there" in told


async def test_names_come_back_out_of_a_broken_file(named: Path) -> None:
    async with open_history(named, LATER) as store:
        before = await store.culprits.over(WHOLE)
    with closing(sqlite3.connect(named)) as connection:
        ((root,),) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'gap'")
    content = bytearray(named.read_bytes())
    content[4096 * (root - 1) : 4096 * root] = b"\xa5" * 4096
    named.write_bytes(content)

    async with open_history(named, LATER) as store:
        await store.verify(LATER)
        async with asyncio.timeout(TIMEOUT_S):
            while store.is_being_completed:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(LOOK_S)
        await store.blames.add([blame(LATER, unit("later.service"), since=LATER - 5)])
        found = await store.culprits.over(WHOLE)

    assert before is not None
    assert found is not None
    assert {one.name for one in found.blame.units} == {"secret.service", "later.service"}
    assert sum(one.cpu_us for one in found.blame.units) == sum(one.cpu_us for one in before.blame.units) + SECOND
    assert len(list(named.parent.glob("*.corrupt-*Z"))) == 1
