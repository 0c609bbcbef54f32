"""The SQL statements that more than one module runs, composed from the columns. Text and nothing else."""

from collections.abc import Sequence

from cpusensor.model.figures import BUSY, FIGURES
from cpusensor.model.histogram import BASIS_POINTS_A_POINT
from cpusensor.model.rollup import MINUTE, TIERS, Tier
from cpusensor.store.columns import (
    CLOCK_STEP_COLUMNS,
    FIGURE_COLUMNS,
    GAP_COLUMNS,
    ROLLUP_COLUMNS,
    RUN_COLUMNS,
    SAMPLE_COLUMNS,
)


def insert(table: str, columns: str, *, on_conflict: str = "REPLACE", schema: str = "main") -> str:
    """A statement with one parameter for each column."""
    marks = ", ".join("?" for _ in columns.split(","))
    # With the schema, for on some connections a view has the name of the table (unsealing.py).
    return f"INSERT OR {on_conflict} INTO {schema}.{table}({columns}) VALUES ({marks})"


# A run id that exists is a fault of ours; a sample of the same time replaces the older one, as after a clock step.
INSERT_RUN = insert("run", RUN_COLUMNS, on_conflict="ABORT")
INSERT_SAMPLE = insert("sample", SAMPLE_COLUMNS)
INSERT_GAP = insert("gap", GAP_COLUMNS, on_conflict="IGNORE")
INSERT_CLOCK_STEP = insert("clock_step", CLOCK_STEP_COLUMNS)

SAMPLES_IN_ORDER = f"SELECT {SAMPLE_COLUMNS} FROM sample WHERE time > ? AND time <= ? ORDER BY time"

_BUSY = " + ".join(f"coalesce({name}, 0)" for name in BUSY)
_USE = f'(20000 * ({_BUSY}) + "all") / (2 * "all")'
"""`basis_points` of `Ticks.busy`, in whole numbers."""

_SAMPLES_AS_ROLLUPS = f"""(SELECT time, 1 AS count, {FIGURE_COLUMNS}, {_USE} AS cpu_min_bp, {_USE} AS cpu_max_bp,
    cores, NULL AS histogram FROM sample)"""

TIME_AT_EACH_POINT = f"""SELECT {_USE} / {BASIS_POINTS_A_POINT}, sum(elapsed_ms) FROM sample
    WHERE time > ? AND time <= ? AND "all" > 0 GROUP BY 1"""
"""The histogram of the samples in a span."""

TIME_AT_EACH_POINT_OF_BUCKETS = f"""SELECT (time + {{step}} - 1) / {{step}} * {{step}}, {_USE} / {BASIS_POINTS_A_POINT},
    sum(elapsed_ms) FROM sample WHERE time > ? AND time <= ? AND "all" > 0 GROUP BY 1, 2 ORDER BY 1"""

SECONDS_BY_CAUSE = """SELECT cause, sum(min(to_time, ?) - max(from_time, ?)) FROM gap
    WHERE from_time < ? AND to_time > ? AND to_time <= ? GROUP BY cause"""
"""How long the gaps of each cause lasted in a span; those that end after a time aside."""

_SHARE = f'100 * ({_BUSY}) / "all"'
"""The CPU use in whole percent, rounded down."""

_BUSY_INDEX = {"quarter_hour": ("quarter_hour_busy", 25)}
"""The index of a tier's rollups of so many percent and more: the same expression as in its migration, by table."""

_EARLIEST_PEAK = "max((cpu_max_bp << 40) - time)"
"""One number that is greatest for the highest CPU use, and of equal ones for the earliest: a time has fewer bits."""


def rows_of(tier: Tier | None, columns: str = ROLLUP_COLUMNS) -> str:
    """The query for the rollups of a tier in a span, or without one for each sample as the rollup of itself."""
    if tier is None:
        source = _SAMPLES_AS_ROLLUPS
    else:
        source = tier.name if tier.has_histogram else f"(SELECT *, NULL AS histogram FROM {tier.name})"
    return f"SELECT {columns} FROM {source} WHERE time > ? AND time <= ?"


def extent_of(tier: Tier) -> str:
    """The query for where a tier begins, NULL for the first sample, and for its newest rollup until a time, ?1."""
    newest = f"SELECT max(time) FROM main.{tier.name} WHERE time <= ?1"
    if tier.seconds == MINUTE:
        # Every minute of an hour that is sealed was over.
        newest = f"""SELECT max(coalesce(({newest}), 0), coalesce((SELECT min(last_minute, ?1) FROM sealed_hour
            WHERE minutes IS NOT NULL AND time < ?1 + 3600 ORDER BY time DESC LIMIT 1), 0))"""
    return f"SELECT (SELECT kept_from FROM tier WHERE name = '{tier.name}'), ({newest})"


KEPT = """SELECT (SELECT kept_from FROM tier WHERE name = 'sample'),
    (SELECT kept_from FROM tier WHERE name = 'minute')"""
"""Since when samples and minutes are kept, NULL for the first on."""


def bucket_columns(names: Sequence[str]) -> str:
    """What to select of rollups for buckets with these columns (buckets.NAMES)."""
    return ", ".join(f"({_BUSY}) AS busy" if name == "busy" else f'"{name}"' for name in names)


def columns_for(names: Sequence[str]) -> frozenset[str]:
    """The columns of samples and rollups that buckets with these are made of."""
    return frozenset({*names, *BUSY, "all"})


def group(parts: str, step: int, names: Sequence[str]) -> str:
    """The query for buckets of `step` seconds with these columns, from one for rows that have them."""
    # `bucket_end` in SQL: times are positive, so the integer division rounds down.
    end = f"(time + {step:d} - 1) / {step:d} * {step:d}"
    sums = ", ".join(_added_up(name) for name in names if name != "time")
    return f"SELECT {end}, {sums} FROM ({parts}) GROUP BY 1"


def _added_up(name: str) -> str:
    """The column over several rows, as `roll_up` computes it: a sum is NULL, unknown, if any part is NULL."""
    if name in _EXTREMES:
        return f"{_EXTREMES[name]}({name})"
    return (
        f'CASE WHEN count("{name}") = count(*) THEN sum("{name}") END' if name in _MAY_BE_UNKNOWN else f'sum("{name}")'
    )


_EXTREMES = {"cpu_min_bp": "min", "cpu_max_bp": "max"}
_MAY_BE_UNKNOWN = frozenset(figure.name for figure in FIGURES if figure.may_be_unknown)
_SUMS = ", ".join(_added_up(figure.name) for figure in FIGURES)

# The minutes reach further back where samples were lost; of an hour that is sealed they hold its first sample, too.
FIRST = f"""SELECT min(time) FROM (
    SELECT time - (SELECT interval FROM run WHERE id = run) AS time
        FROM (SELECT time, run FROM main.sample ORDER BY time LIMIT 1)
    UNION ALL SELECT min(time) - {MINUTE} FROM main.{TIERS[0].name}
    UNION ALL SELECT coalesce(CASE WHEN minutes IS NULL
            THEN first_sample - (SELECT interval FROM run WHERE id = json_extract(runs, '$[0]'))
            ELSE (first_sample - 1) / {MINUTE} * {MINUTE} END, time - 3600)
        FROM (SELECT time, minutes, first_sample, runs FROM sealed_hour ORDER BY time LIMIT 1))"""
"""When the first interval that anything is known of begins, but for what is known by longer rollups alone."""

FIRST_GIVEN_UP = f"""SELECT min(time) - {TIERS[1].seconds} FROM {TIERS[1].name}
    WHERE time <= (SELECT kept_from FROM tier WHERE name = '{TIERS[0].name}')"""
"""When the first rollup begins of a time whose minutes are not kept any more."""


EXTREMES = """SELECT min(first), max(last) FROM (SELECT min(time) AS first, max(time) AS last FROM main.sample
    UNION ALL SELECT min(first_sample), max(last_sample) FROM sealed_hour WHERE samples IS NOT NULL)"""
"""When the first and the last sample was recorded."""


def whole(parts: str) -> str:
    """The query for the sums, the extremes, the busy ticks and the peak of rows of BUCKET_COLUMNS."""
    return f"""SELECT sum(count), {_SUMS}, min(cpu_min_bp), max(cpu_max_bp), sum({_BUSY}), {_EARLIEST_PEAK}
        FROM ({parts})"""


def wholes(numbered_parts: str) -> str:
    """The query for a number and the sums and extremes of the rows with it, of rows of it and BUCKET_COLUMNS."""
    return f"""SELECT number, sum(count), {_SUMS}, min(cpu_min_bp), max(cpu_max_bp)
        FROM ({numbered_parts}) GROUP BY number"""


def busy_in_part(tier: Tier) -> str:
    """The query for time, length and busy ticks of the rollups in a span that lack the interrupts of some sample."""
    return f"SELECT time, {tier.seconds:d}, {_BUSY} FROM {tier.name} WHERE time > ? AND time <= ? AND irq IS NULL"


def all_busy(parts: str) -> str:
    """The query for the busy ticks of rows of the columns BUSY."""
    return f"SELECT coalesce(sum({_BUSY}), 0) FROM ({parts})"


def earliest_peak(parts: str) -> str:
    """The query for the peak of rows of `time, cpu_max_bp`."""
    return f"SELECT {_EARLIEST_PEAK} FROM ({parts})"


def peak_time(peak: int) -> int:
    """The time of the row that a peak stands for."""
    return -peak & ((1 << 40) - 1)


def busy_rows(tier: Tier, percent: int) -> str:
    """The query for the time and the busy ticks of the rollups in a span whose CPU use is so many percent or more."""
    sql = f"SELECT time, {_BUSY} FROM {tier.name}"
    found = f"WHERE time > ? AND time <= ? AND {_SHARE} >= {percent:d}"
    index, lowest = _BUSY_INDEX.get(tier.name, ("", 100))
    if not index or percent < lowest:
        return f"{sql} {found}"
    # SQLite takes the index only where it reads that nothing else is asked for; without statistics it would not.
    return f"{sql} INDEXED BY {index} {found} AND {_SHARE} >= {lowest:d}"


def rows_at(tier: Tier) -> str:
    """The query for the busy ticks of the rollups in a span whose times are in a JSON array."""
    # The span beside the times: a view over sealed minutes does not look up each.
    times = "time IN (SELECT value FROM json_each(?))"
    return f"SELECT time, {_BUSY} FROM {tier.name} WHERE time > ? AND time <= ? AND {times}"


INTERVALS = """SELECT DISTINCT interval FROM run WHERE EXISTS(
    SELECT 1 FROM main.sample WHERE sample.run = run.id AND time > max(?, run.started) AND time <= min(?, coalesce(
        (SELECT min(later.started) FROM run AS later WHERE later.id > run.id), ?)))"""
"""The sampling intervals of the runs that recorded in a span: no run recorded after the next one began."""

NEXT_SAMPLE = """SELECT min(time) FROM (
    SELECT min(time) AS time FROM sample WHERE time > ?1
    UNION ALL SELECT max(first_sample, ?1 + 1) FROM sealed_hour
        WHERE time > ?1 AND last_sample > ?1 AND samples IS NOT NULL AND time = (SELECT min(time) FROM sealed_hour
            WHERE time > ?1 AND last_sample > ?1 AND samples IS NOT NULL))"""
"""The first sample after a time; of a sealed hour that the time cuts, what follows the time."""

SEALED_INTERVALS = """SELECT DISTINCT interval FROM sealed_hour, json_each(runs), run
    WHERE run.id = value AND samples IS NOT NULL AND time - 3600 >= ? AND time <= ?"""
"""The same of the sealed hours that lie inside a span as a whole."""

INTERVALS_AT_ENDS = """SELECT DISTINCT interval FROM run WHERE id IN (
    SELECT run FROM sample WHERE time > ? AND time <= ?
    UNION ALL SELECT run FROM sample WHERE time > ? AND time <= ?)"""
"""The same of two short spans."""

HOUR_OF_RUN = """SELECT time FROM sealed_hour WHERE samples IS NOT NULL AND time > ?
    AND EXISTS(SELECT 1 FROM json_each(runs) WHERE value = ?) ORDER BY time DESC LIMIT 1"""
"""The newest sealed hour after a time in which a run recorded."""

NEWEST_OF_RUN = "SELECT max(time) FROM sample WHERE run = ? AND time > ? AND time <= ?"

TIMES_SET_BACK = "SELECT count(*) FROM clock_step WHERE time > ? AND time <= ? AND by_ms < 0"
