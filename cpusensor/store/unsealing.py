"""Gives a connection the samples and the minutes of sealed hours as rows. The one place where reading knows of them.

On such a connection `sample` and `minute` are views: the rows of the table, and those of the sealed hours that the
parts of a query touch, which are unpacked into temporary tables before it is asked.
"""

import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from cpusensor.model.grid import bucket_end
from cpusensor.model.rollup import MINUTE, TIERS, as_rollup, roll_up
from cpusensor.store.columns import SAMPLE_COLUMNS, Row, columns_of, listed, names_in, row_of_rollup, sample_of_row
from cpusensor.store.plan import Part
from cpusensor.store.planes import UnpackableError
from cpusensor.store.sealed import HEAD, HOUR, unpack_hour
from cpusensor.store.statements import insert

log = logging.getLogger(__name__)


class Sealed(NamedTuple):
    """A table of which sealed hours hold rows."""

    name: str
    columns: str
    blob: str
    """The column of `sealed_hour` that they lie in."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return names_in(self.columns)


SAMPLES = Sealed("sample", SAMPLE_COLUMNS, "samples")
MINUTES = Sealed(TIERS[0].name, columns_of(TIERS[0]), "minutes")


def log_damage(hour: int, blob: str, reason: str) -> None:
    """Log that the blob of an hour cannot be unpacked."""
    log.error("the %s of the hour until %d cannot be read (%s); all else can", blob, hour, reason)


class Damage:
    """What of sealed hours cannot be unpacked. Each is told once."""

    def __init__(self, tell: Callable[[int, str, str], None] = log_damage) -> None:
        self._tell = tell
        self._noted: set[tuple[int, str]] = set()
        self.lost: set[int] = set()
        """The times of the hours whose samples are lost and have not been marked as a gap."""

    def note(self, hour: int, blob: str, reason: str) -> None:
        """Tell it, the first time."""
        if (hour, blob) not in self._noted:
            self._noted.add((hour, blob))
            self._tell(hour, blob, reason)
            if blob == SAMPLES.blob:
                self.lost.add(hour)


@dataclass(frozen=True, slots=True)
class Step:
    """A statement to be run; once for each of the rows, or with the only one of them."""

    sql: str
    rows: Sequence[Row] = ((),)
    is_many: bool = False


IN_MEMORY = "PRAGMA temp_store = MEMORY"
"""To be run outside a transaction: a disk that is full shall not prevent an answer."""

Steps: TypeAlias = Generator[Step, list[Row], None]
"""Is sent the rows of each; none of one that is run for many."""


def next_step(steps: Steps, found: list[Row] | None) -> Step | None:
    """The first step, or the one that follows once these rows were found; None after the last."""
    try:
        return next(steps) if found is None else steps.send(found)
    except StopIteration:
        return None


def preparation() -> Iterable[str]:
    """The statements that make the temporary tables and the views."""
    for name, columns, _ in (SAMPLES, MINUTES):
        typed = columns.replace('"time"', '"time" INTEGER PRIMARY KEY', 1)
        yield f"CREATE TEMP TABLE unsealed_{name}({typed})"
        yield (
            f"CREATE TEMP VIEW {name} AS SELECT {columns} FROM main.{name}"
            f" UNION ALL SELECT {columns} FROM temp.unsealed_{name}"
        )


def touches(parts: Iterable[Part], until: int) -> bool:
    """Whether some samples or minutes of the parts lie in hours until a time."""
    return any(table_of(part) is not None and part.from_time < until for part in parts)


def table_of(part: Part) -> Sealed | None:
    """Where the rows of a part may be sealed; None where they never are."""
    if part.tier is None:
        return SAMPLES
    return MINUTES if part.tier.seconds == MINUTE else None


class Held(NamedTuple):
    """What of an hour lies in a temporary table."""

    head: bytes
    """Of its blob."""
    names: frozenset[str]
    """Of the columns; the others are null."""

    def serves(self, head: bytes, names: frozenset[str]) -> bool:
        """Whether these columns of the hour with this head are there."""
        return self.head == head and names <= self.names


class Unsealed:
    """What the temporary tables of one connection hold."""

    def __init__(self, damage: Damage) -> None:
        self._damage = damage
        self._held: dict[Sealed, Mapping[int, Held]] = {SAMPLES: {}, MINUTES: {}}
        """What of each hour is there, by its time."""

    def forget(self) -> None:
        """Hold nothing; the next steps begin with empty tables."""
        self._held = {}

    def steps(self, parts: Sequence[Part]) -> Steps:
        """Unpack the sealed hours that the parts touch, inside one transaction with the query."""
        for table in (SAMPLES, MINUTES):
            inside = [part for part in parts if table_of(part) is table]
            if inside:
                yield from self._steps(table, inside)

    def _steps(self, table: Sealed, parts: Sequence[Part]) -> Steps:
        name, _, blob = table
        touched = " OR ".join(f"(time > {part.from_time:d} AND time < {part.to_time + HOUR:d})" for part in parts)
        heads = f"SELECT time, substr({blob}, 1, {HEAD.size}) FROM sealed_hour"
        found = yield Step(f"{heads} WHERE {blob} IS NOT NULL AND ({touched})")
        wanted: dict[int, bytes] = dict(map(tuple, found))
        names = _names(table, parts)
        if table not in self._held:
            yield Step(f"DELETE FROM temp.unsealed_{name}")
        held = self._held.get(table, {})
        kept = {hour: held[hour] for hour, head in wanted.items() if hour in held and held[hour].serves(head, names)}
        gone = [(hour - HOUR, hour) for hour in held if hour not in kept]
        if gone:
            yield Step(f"DELETE FROM temp.unsealed_{name} WHERE time > ? AND time <= ?", gone, is_many=True)
        missing = [hour for hour in wanted if hour not in kept]
        self._held[table] = kept | {hour: Held(wanted[hour], names) for hour in missing}
        if missing:
            times = ",".join(map(str, missing))
            blobs = yield Step(f"SELECT time, minutes, samples FROM sealed_hour WHERE time IN ({times})")
            there = [one for one in table.names if one in names]
            rows = [row for one in blobs for row in unpack(table, one, self._damage, there)]
            yield Step(insert(f"unsealed_{name}", listed(*there), schema="temp"), rows, is_many=True)


def _names(table: Sealed, parts: Sequence[Part]) -> frozenset[str]:
    """The columns of a table that some of the parts want."""
    wanted = [part.columns for part in parts if part.columns is not None]
    if len(wanted) < len(parts):
        return frozenset(table.names)
    return frozenset(table.names).intersection({"time"}.union(*wanted))


def unpack(table: Sealed, sealed: Row, damage: Damage, names: Sequence[str] | None = None) -> list[Row]:
    """The rows of a table, from the time, the minutes and the samples of a sealed hour; none where it is damaged.

    `names` are the columns, all without them.
    """
    hour, minutes, samples = sealed
    names = table.names if names is None else names
    try:
        return unpack_hour(minutes if table is MINUTES else samples, names, hour)
    except UnpackableError as error:
        damage.note(hour, table.blob, str(error))
    if table is SAMPLES or samples is None:
        return []
    # Minutes follow from samples.
    at = [table.names.index(name) for name in names]
    return [tuple(row[place] for place in at) for row in _minutes(unpack(SAMPLES, sealed, damage))]


def _minutes(samples: Sequence[Row]) -> list[Row]:
    parts = [as_rollup(sample_of_row(row)) for row in samples]
    ends = sorted({bucket_end(part.time, MINUTE) for part in parts})
    rollups = (roll_up([part for part in parts if bucket_end(part.time, MINUTE) == end], end) for end in ends)
    return [row_of_rollup(rollup, TIERS[0]) for rollup in rollups if rollup is not None]
