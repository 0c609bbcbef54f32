-- Two coarser lengths of rollups, with the time at each percent, so that any span is a few rows. What was recorded before
-- is added up beside the recording: each of them is whole after `kept_from`, which then goes back until it is gone.
CREATE TABLE quarter_hour(
            time INTEGER PRIMARY KEY CHECK(time % 900 = 0), count INTEGER NOT NULL CHECK(count > 0),
            elapsed_ms INTEGER NOT NULL, user INTEGER NOT NULL, system INTEGER NOT NULL, irq INTEGER,
            iowait INTEGER, steal INTEGER, "all" INTEGER NOT NULL, expected INTEGER NOT NULL,
            cpu_min_bp INTEGER NOT NULL, cpu_max_bp INTEGER NOT NULL, load_centi INTEGER, pressure_us INTEGER,
            cores BLOB, histogram BLOB) STRICT;
CREATE TABLE quarter_day(
            time INTEGER PRIMARY KEY CHECK(time % 21600 = 0), count INTEGER NOT NULL CHECK(count > 0),
            elapsed_ms INTEGER NOT NULL, user INTEGER NOT NULL, system INTEGER NOT NULL, irq INTEGER,
            iowait INTEGER, steal INTEGER, "all" INTEGER NOT NULL, expected INTEGER NOT NULL,
            cpu_min_bp INTEGER NOT NULL, cpu_max_bp INTEGER NOT NULL, load_centi INTEGER, pressure_us INTEGER,
            cores BLOB, histogram BLOB) STRICT;
CREATE TABLE tier(name TEXT PRIMARY KEY, kept_from INTEGER NOT NULL) STRICT;
INSERT INTO tier SELECT name, kept_from FROM
            (SELECT 'quarter_hour' AS name UNION ALL SELECT 'quarter_day'),
            (SELECT max(time) / 21600 * 21600 AS kept_from FROM minute)
            WHERE kept_from IS NOT NULL;
-- The quarter-hours of a long span in which the CPU was busy are found among few small entries, in the order of time.
CREATE INDEX quarter_hour_busy ON quarter_hour(time, user, system, irq, "all")
            WHERE 100 * (coalesce(user, 0) + coalesce(system, 0) + coalesce(irq, 0)) / "all" >= 25;
