"""Whether there is room on the disk; the kernel here says what a test wants, and `make faults` fills a real one."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cpusensor.recording.health import Part, Problems
from cpusensor.recording.room import FLOOR, Room

BLOCK = 4096
MIB = 1 << 20


class Disk:
    """A disk of this size, with so much free."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path, whole: int) -> None:
        self.problems = Problems()
        self._whole = whole
        self._free = whole
        self._room = Room(path, self.problems)
        monkeypatch.setattr("os.statvfs", self._statvfs)

    def _statvfs(self, _folder: Path) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=self._free // BLOCK, f_blocks=self._whole // BLOCK, f_frsize=BLOCK)

    async def is_low(self, free: int) -> bool:
        """Whether it is told once so much is free."""
        self._free = free
        await self._room.look()
        return self.problems.has(Part.ROOM)


async def test_it_is_told_while_something_is_free_and_ends_with_some_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(monkeypatch, tmp_path / "cpusensor.db", 100 << 30)

    told = [await disk.is_low(mib * MIB) for mib in (500, 65, 63, 64, 10, 63, 70, 95, 96, 70, 64, 63)]

    assert told == [False, False, True, True, True, True, True, True, False, False, False, True]
    assert disk.problems.degraded == "the disk is nearly full: less than 64 MiB are free where the database lies"
    # Once for each time that it began and ended, however often it was looked.
    assert len(caplog.messages) == 3
    assert caplog.messages[0].endswith("cpusensor.db is nearly full: 63 MiB are free; make room")


async def test_a_small_disk_is_not_always_nearly_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk = Disk(monkeypatch, tmp_path / "cpusensor.db", FLOOR)

    assert not await disk.is_low(5 * MIB)
    assert await disk.is_low(3 * MIB)


async def test_a_folder_that_is_gone_is_for_the_writing_to_tell(tmp_path: Path) -> None:
    problems = Problems()

    await Room(tmp_path / "gone" / "cpusensor.db", problems).look()

    assert problems.degraded is None
