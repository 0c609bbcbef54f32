"""What the database is made of: tables, versions, and the columns and buckets that queries are put together from."""

from pathlib import Path

APPLICATION_ID = 0x43505553
"""Marks a database as ours (PRAGMA application_id): "CPUS"."""

HEADER_LENGTH = 100
"""Bytes (fileformat2.html §1.3)."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE run(
            id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER,
            interval INTEGER NOT NULL CHECK(interval > 0), version TEXT NOT NULL) STRICT""",
        """CREATE TABLE sample(
            time INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run(id), elapsed_ms INTEGER NOT NULL,
            user INTEGER NOT NULL, system INTEGER NOT NULL, irq INTEGER NOT NULL, iowait INTEGER, steal INTEGER,
            "all" INTEGER NOT NULL CHECK("all" > 0), expected INTEGER NOT NULL, load_centi INTEGER, pressure_us INTEGER,
            total_busy INTEGER NOT NULL, total_all INTEGER NOT NULL, cores BLOB) STRICT""",
        """CREATE TABLE minute(
            time INTEGER PRIMARY KEY CHECK(time % 60 = 0), count INTEGER NOT NULL CHECK(count > 0),
            elapsed_ms INTEGER NOT NULL, user INTEGER NOT NULL, system INTEGER NOT NULL, irq INTEGER NOT NULL,
            iowait INTEGER, steal INTEGER, "all" INTEGER NOT NULL, expected INTEGER NOT NULL,
            cpu_min_bp INTEGER NOT NULL, cpu_max_bp INTEGER NOT NULL, load_centi INTEGER, pressure_us INTEGER,
            cores BLOB) STRICT""",
        """CREATE TABLE gap(
            from_time INTEGER PRIMARY KEY, to_time INTEGER NOT NULL CHECK(to_time > from_time), cause TEXT NOT NULL,
            busy INTEGER, "all" INTEGER) STRICT""",
        "CREATE TABLE clock_step(time INTEGER PRIMARY KEY, by_ms INTEGER NOT NULL) STRICT",
    ),
)
"""What brings a database from each version to the next. Ticks are 1/100 s, `_bp` are 0.01 %, times UTC Unix seconds."""

RUN_COLUMNS = "id, boot_id, started, ended, interval, version"
TICKS = 'user, system, irq, iowait, steal, "all"'
SAMPLE_COLUMNS = f"time, run, elapsed_ms, {TICKS}, expected, load_centi, pressure_us, total_busy, total_all, cores"
ROLLUP_COLUMNS = f"time, count, elapsed_ms, {TICKS}, expected, cpu_min_bp, cpu_max_bp, load_centi, pressure_us, cores"
GAP_COLUMNS = 'from_time, to_time, cause, busy, "all"'

_USE = '(20000 * (user + system + irq) + "all") / (2 * "all")'
SAMPLE_AS_ROLLUP = f"""SELECT time, 1 AS count, elapsed_ms, {TICKS}, expected,
    {_USE} AS cpu_min_bp, {_USE} AS cpu_max_bp, load_centi, pressure_us, cores
    FROM sample WHERE time > ? AND time <= ?"""
MINUTE_AS_ROLLUP = f"SELECT {ROLLUP_COLUMNS} FROM minute WHERE time > ? AND time <= ?"
BUCKETS = """SELECT (time + {step} - 1) / {step} * {step}, sum(count), sum(elapsed_ms),
    sum(user), sum(system), sum(irq),
    CASE WHEN count(iowait) = count(*) THEN sum(iowait) END, CASE WHEN count(steal) = count(*) THEN sum(steal) END,
    sum("all"), sum(expected), min(cpu_min_bp), max(cpu_max_bp),
    CASE WHEN count(load_centi) = count(*) THEN sum(load_centi) END,
    CASE WHEN count(pressure_us) = count(*) THEN sum(pressure_us) END, NULL FROM ({parts}) GROUP BY 1 ORDER BY 1"""
INTERVALS = """SELECT DISTINCT interval FROM run WHERE EXISTS(
    SELECT 1 FROM sample WHERE sample.run = run.id AND time > max(?, run.started) AND time <= min(?, coalesce(
        (SELECT min(later.started) FROM run AS later WHERE later.id > run.id), ?)))"""
"""The sampling intervals of the runs that recorded in a range: no run recorded after the next one began."""


class StorageError(Exception):
    """The database cannot be used; its text is one line that says why and what to do."""


def claim(path: Path) -> bool:
    """Make the file if it is missing; whether it is new. Raises StorageError if it is not ours."""
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_LENGTH)
    except FileNotFoundError:
        header = b""
    if not header:
        path.touch(mode=0o600)
        return True
    is_ours = header[68:72] == APPLICATION_ID.to_bytes(4, "big")
    if len(header) < HEADER_LENGTH or not header.startswith(b"SQLite format 3\0") or not is_ours:
        raise StorageError(f"{path}: is not a cpusensor database and was left untouched; set --db to another file")
    version = int.from_bytes(header[60:64], "big")
    if version > len(MIGRATIONS):
        raise newer(path, version)
    return False


def newer(path: Path, version: int) -> StorageError:
    """What to say of a database from the future."""
    return StorageError(
        f"{path}: has schema version {version}, this cpusensor knows {len(MIGRATIONS)} and left it untouched;"
        " run the newer cpusensor or set --db to another file"
    )
