"""The table of names: each is kept once, and rows refer to it by its number."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from cpusensor.model.blame import Blame, Share, Throttle, added_throttles, ranked
from cpusensor.store.columns import Row
from cpusensor.store.database import Database
from cpusensor.store.shares import (
    NO_UNIT,
    PERIODS,
    PROCESS,
    THROTTLED,
    TICK_US,
    UNIT,
    WAITED,
    Coded,
    Entry,
    is_throttle,
)

MAX_KNOWN = 5000
"""Numbers that are remembered: a machine has a few hundred names, but a program may take a new one each second."""

UNKNOWN = "?"
"""Stands for a name that is lost."""

NAME_COLUMNS = "id, text"

TEXTS = "SELECT id, text FROM name WHERE id IN (SELECT value FROM json_each(?))"
"""The query for the names with the numbers in a JSON array."""


class Names:
    """The numbers of the names, inside the transactions of its callers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers: dict[str, int] = {}

    def forget(self) -> None:
        """Ask again for every number: those that were given in a transaction that failed do not hold."""
        self._numbers.clear()

    async def numbers_of(self, blame: Blame) -> dict[str, int]:
        """The numbers of all names in it; new ones are stored. Raises sqlite3.Error."""
        shares = (*blame.units, *blame.processes)
        texts = {part for one in shares for part in (one.name, one.unit)} | {one.unit for one in blame.throttles}
        return {text: await self._number_of(text) for text in texts}

    async def texts_of(self, rows: Sequence[Coded]) -> dict[int, str]:
        """The names that rows refer to. Raises sqlite3.Error."""
        entries = (entry for row in rows for entry, _ in row.entries)
        return texts_of_rows(await self._database.execute(TEXTS, (numbers_in(entries),)))

    async def _number_of(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            found = await self._database.execute("SELECT id FROM name WHERE text = ?", (text,))
            if not found:
                found = await self._database.execute("INSERT INTO name(text) VALUES (?) RETURNING id", (text,))
            ((number,),) = found
            if len(self._numbers) >= MAX_KNOWN:
                self._numbers.clear()
            self._numbers[text] = number
        return number


def numbers_in(entries: Iterable[Entry]) -> str:
    """The numbers of all names that entries refer to, as a JSON array."""
    return f"[{','.join(map(str, sorted(numbers_of(entries))))}]"


def numbers_of(entries: Iterable[Entry]) -> set[int]:
    """The same, as they are."""
    # Of a process the second number is its unit's.
    return {number for entry in entries for number in entry[: 1 if len(entry) == UNIT else 2]} - {NO_UNIT}


def texts_of_rows(rows: Sequence[Row]) -> dict[int, str]:
    """Rows of NAME_COLUMNS as names by their numbers; what is damaged is unknown."""
    return {number: text if isinstance(text, str) else UNKNOWN for number, text in rows}


def shares_of(entries: Iterable[tuple[Entry, int]], names: Mapping[int, str]) -> tuple[Share, ...]:
    """Entries with their names, most first."""
    return ranked(share_of(entry, cpu, names) for entry, cpu in entries)


def share_of(entry: Entry, cpu: int, names: Mapping[int, str]) -> Share:
    """One of them; `cpu` in 1/100 s."""
    name = names.get(entry[0], UNKNOWN)
    if len(entry) == UNIT:
        return Share(name=name, unit=name, pid=None, started=None, cpu_us=cpu * TICK_US)
    unit = names.get(entry[1], UNKNOWN)
    return Share(name=name, unit=unit, pid=entry[2], started=entry[3], cpu_us=cpu * TICK_US)


def named(row: Coded, names: Mapping[int, str]) -> Blame:
    """A row with its names."""
    return blame_of(row.since, row.time, row.totals, row.entries, names)


def blame_of(
    since: int,
    time: int,
    totals: Sequence[int],
    entries: Collection[tuple[Entry, int]],
    names: Mapping[int, str],
) -> Blame:
    """A `Blame` of the totals and of all entries, in 1/100 s."""
    busy, all_ticks, exited, by_unit, by_process = (TICK_US * one for one in totals)
    named_ones = [one for one in entries if not is_throttle(one[0])]
    return Blame(
        time=time,
        since=since,
        busy_us=busy,
        all_us=all_ticks,
        units=shares_of((one for one in named_ones if len(one[0]) == UNIT), names),
        processes=shares_of((one for one in named_ones if len(one[0]) == PROCESS), names),
        exited_us=exited,
        other_us_by_unit=by_unit,
        other_us_by_process=by_process,
        throttles=added_throttles(_throttle_of(*one, names) for one in entries if is_throttle(one[0])),
    )


def _throttle_of(entry: Entry, amount: int, names: Mapping[int, str]) -> Throttle:
    """One figure of a unit that a limit held back."""
    figures = {PERIODS: 0, THROTTLED: 0, WAITED: 0, entry[2]: amount}
    return Throttle(
        unit=names.get(entry[0], UNKNOWN),
        periods=figures[PERIODS],
        throttled=figures[THROTTLED],
        throttled_us=figures[WAITED] * TICK_US,
    )
