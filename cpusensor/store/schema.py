"""What the database is made of: tables, versions, and the columns and buckets that queries are put together from."""

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

PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "journal_size_limit = 8388608", "trusted_schema = OFF")
"""For the connection that writes: a killed process loses nothing, a power cut up to some 40 s (pragma.html)."""

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

INSERT_SAMPLE = f"""INSERT OR REPLACE INTO sample({SAMPLE_COLUMNS})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
INSERT_MINUTE = f"""INSERT OR REPLACE INTO minute({ROLLUP_COLUMNS})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
INSERT_GAP = f"INSERT OR IGNORE INTO gap({GAP_COLUMNS}) VALUES (?, ?, ?, ?, ?)"
INSERT_CLOCK_STEP = "INSERT OR REPLACE INTO clock_step(time, by_ms) VALUES (?, ?)"

ADOPT_SAMPLES = """INSERT OR IGNORE INTO run(id, boot_id, started, ended, interval, version)
    SELECT run, '', min(time), NULL, 5, '' FROM sample WHERE run NOT IN (SELECT id FROM run) GROUP BY run"""
"""Samples whose run could not be salvaged get one of which nothing is known."""

DROP_OFF_GRID = """DELETE FROM sample WHERE time > ? AND time <= ?
    AND time % (SELECT interval FROM run WHERE run.id = sample.run) <> 0"""
"""A salvaged sample that lies beside the grid of its run has a garbled time."""

DROP_FALSE_GAPS = """DELETE FROM gap WHERE from_time NOT IN (SELECT time FROM sample) OR NOT EXISTS(
    SELECT 1 FROM sample JOIN run ON run.id = sample.run WHERE sample.time = gap.to_time + run.interval
    AND NOT EXISTS(SELECT 1 FROM sample AS inside WHERE inside.time > gap.from_time AND inside.time < sample.time))"""
"""Gaps whose neighbours could not be salvaged are wider now."""

MARK_LOST = """INSERT OR IGNORE INTO gap(from_time, to_time, cause)
    SELECT previous, time - interval, 'unwritten'
    FROM (SELECT lag(time) OVER (ORDER BY time) AS previous, time, run FROM sample) AS pair
    JOIN run ON run.id = pair.run
    WHERE time - interval > previous"""
"""What could not be salvaged is a gap like any other."""
