-- The tables tell what they hold, for whoever opens the file with something else: `.schema` shows their text, and with it
-- the units. Nothing that is stored changes; the columns and their order are as before (sqlite.org/lang_altertable.html, §7).
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = 'CREATE TABLE run(
    -- One row for each time that cpusensor was started.
    id INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL,        -- of the kernel: another one after each boot
    started INTEGER NOT NULL,     -- UTC Unix seconds
    ended INTEGER,                -- UTC Unix seconds; NULL while it runs, and after a crash
    interval INTEGER NOT NULL CHECK(interval > 0), -- seconds between two samples
    version TEXT NOT NULL         -- of cpusensor
) STRICT' WHERE type = 'table' AND name = 'run';
UPDATE sqlite_schema SET sql = 'CREATE TABLE sample(
    -- What was measured in one interval. Hours that are over for long lie in sealed_hour instead.
    -- CPU use = (user + system + irq) / "all". A tick is 1/100 s of one CPU. NULL is "not known", in every column.
    time INTEGER PRIMARY KEY,     -- UTC Unix seconds, the end of the interval
    run INTEGER NOT NULL REFERENCES run(id),
    elapsed_ms INTEGER NOT NULL,  -- ms that the interval lasted, by the monotonic clock
    user INTEGER NOT NULL,        -- ticks in user mode, nice and guests inside
    system INTEGER NOT NULL,      -- ticks in the kernel
    irq INTEGER,                  -- ticks in hard and soft interrupts
    iowait INTEGER,               -- ticks that were idle while a disk was waited for
    steal INTEGER,                -- ticks in which the host ran another virtual machine
    "all" INTEGER NOT NULL CHECK("all" > 0), -- ticks of every kind, idle ones inside
    expected INTEGER NOT NULL,    -- ticks that there were by the clock: time x CPUs
    load_centi INTEGER,           -- load average of 1 minute, in hundredths
    pressure_us INTEGER,          -- us in which some task waited for a CPU
    total_busy INTEGER NOT NULL,  -- busy ticks since the boot
    total_all INTEGER NOT NULL,   -- ticks of every kind since the boot
    cores BLOB                    -- busy and all ticks of each CPU: a letter for the width, then little-endian numbers
) STRICT' WHERE type = 'table' AND name = 'sample';
UPDATE sqlite_schema SET sql = 'CREATE TABLE minute(
    -- The sums of the samples of a minute. Those of hours that are over for long lie in sealed_hour instead.
    time INTEGER PRIMARY KEY CHECK(time % 60 = 0), -- UTC Unix seconds, the end of the minute
    count INTEGER NOT NULL CHECK(count > 0), -- samples inside
    elapsed_ms INTEGER NOT NULL,  -- ms, the sum over the samples; so are all that follow but the two extremes
    user INTEGER NOT NULL,        -- ticks, 1/100 s of one CPU
    system INTEGER NOT NULL,      -- ticks
    irq INTEGER,                  -- ticks
    iowait INTEGER,               -- ticks
    steal INTEGER,                -- ticks
    "all" INTEGER NOT NULL,       -- ticks of every kind
    expected INTEGER NOT NULL,    -- ticks that there were by the clock
    cpu_min_bp INTEGER NOT NULL,  -- lowest CPU use of a sample, 1/100 %
    cpu_max_bp INTEGER NOT NULL,  -- highest CPU use of a sample, 1/100 %
    load_centi INTEGER,           -- load average in hundredths; divide by count
    pressure_us INTEGER,          -- us in which some task waited for a CPU
    cores BLOB                    -- as in sample
) STRICT' WHERE type = 'table' AND name = 'minute';
UPDATE sqlite_schema SET sql = 'CREATE TABLE quarter_hour(
    -- The sums of 15 minutes, kept for ever.
    time INTEGER PRIMARY KEY CHECK(time % 900 = 0), -- UTC Unix seconds, the end
    count INTEGER NOT NULL CHECK(count > 0), -- samples inside
    elapsed_ms INTEGER NOT NULL,  -- ms, the sum over the samples; so are all that follow but the two extremes
    user INTEGER NOT NULL,        -- ticks, 1/100 s of one CPU
    system INTEGER NOT NULL,      -- ticks
    irq INTEGER,                  -- ticks
    iowait INTEGER,               -- ticks
    steal INTEGER,                -- ticks
    "all" INTEGER NOT NULL,       -- ticks of every kind
    expected INTEGER NOT NULL,    -- ticks that there were by the clock
    cpu_min_bp INTEGER NOT NULL,  -- lowest CPU use of a sample, 1/100 %
    cpu_max_bp INTEGER NOT NULL,  -- highest CPU use of a sample, 1/100 %
    load_centi INTEGER,           -- load average in hundredths; divide by count
    pressure_us INTEGER,          -- us in which some task waited for a CPU
    cores BLOB,                   -- as in sample
    histogram BLOB                -- ms at each whole percent of CPU use: a letter for the width, percents, numbers
) STRICT' WHERE type = 'table' AND name = 'quarter_hour';
UPDATE sqlite_schema SET sql = 'CREATE TABLE quarter_day(
    -- The sums of 6 hours, kept for ever.
    time INTEGER PRIMARY KEY CHECK(time % 21600 = 0), -- UTC Unix seconds, the end
    count INTEGER NOT NULL CHECK(count > 0), -- samples inside
    elapsed_ms INTEGER NOT NULL,  -- ms, the sum over the samples; so are all that follow but the two extremes
    user INTEGER NOT NULL,        -- ticks, 1/100 s of one CPU
    system INTEGER NOT NULL,      -- ticks
    irq INTEGER,                  -- ticks
    iowait INTEGER,               -- ticks
    steal INTEGER,                -- ticks
    "all" INTEGER NOT NULL,       -- ticks of every kind
    expected INTEGER NOT NULL,    -- ticks that there were by the clock
    cpu_min_bp INTEGER NOT NULL,  -- lowest CPU use of a sample, 1/100 %
    cpu_max_bp INTEGER NOT NULL,  -- highest CPU use of a sample, 1/100 %
    load_centi INTEGER,           -- load average in hundredths; divide by count
    pressure_us INTEGER,          -- us in which some task waited for a CPU
    cores BLOB,                   -- as in sample
    histogram BLOB                -- as in quarter_hour
) STRICT' WHERE type = 'table' AND name = 'quarter_day';
UPDATE sqlite_schema SET sql = 'CREATE TABLE gap(
    -- Slots between two samples in which nothing was recorded.
    from_time INTEGER PRIMARY KEY, -- UTC Unix seconds: the last sample before
    to_time INTEGER NOT NULL CHECK(to_time > from_time), -- UTC Unix seconds: the last empty slot
    cause TEXT NOT NULL,          -- rebooted, stopped, crashed, suspended, clock, unreadable, unwritten, stalled
    busy INTEGER,                 -- busy ticks in it, where the counters of the kernel ran on
    "all" INTEGER                 -- ticks of every kind in it, likewise
) STRICT' WHERE type = 'table' AND name = 'gap';
UPDATE sqlite_schema SET sql = 'CREATE TABLE clock_step(
    -- Somebody set the clock of the machine.
    time INTEGER PRIMARY KEY,     -- UTC Unix seconds, by the clock after the step
    by_ms INTEGER NOT NULL        -- ms forward, negative for back
) STRICT' WHERE type = 'table' AND name = 'clock_step';
UPDATE sqlite_schema SET sql = 'CREATE TABLE tier(
    -- Where a table does not reach back to the first sample. A tier without a row does.
    name TEXT PRIMARY KEY,        -- sample, minute, quarter_hour or quarter_day
    kept_from INTEGER NOT NULL    -- UTC Unix seconds: what it has is later than this
) STRICT' WHERE type = 'table' AND name = 'tier';
UPDATE sqlite_schema SET sql = 'CREATE TABLE sealed_hour(
    -- The samples and the minutes of an hour that is over for long, compressed without loss; in no other table.
    -- python -m cpusensor.export FILE --format sqlite --plain makes rows of them.
    time INTEGER PRIMARY KEY CHECK(time % 3600 = 0), -- UTC Unix seconds, the end of the hour
    count INTEGER NOT NULL,       -- samples inside
    first_sample INTEGER,         -- UTC Unix seconds of the first sample inside
    last_sample INTEGER,          -- UTC Unix seconds of the last one
    last_minute INTEGER,          -- UTC Unix seconds of the last minute inside
    runs TEXT NOT NULL,           -- ids in run of those that recorded in it
    minutes BLOB,                 -- packed rows of minute; NULL: no longer kept
    samples BLOB                  -- packed rows of sample; NULL: no longer kept
) STRICT' WHERE type = 'table' AND name = 'sealed_hour';
UPDATE sqlite_schema SET sql = 'CREATE TABLE name(
    -- Each name of a process or a control group, once.
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT' WHERE type = 'table' AND name = 'name';
UPDATE sqlite_schema SET sql = 'CREATE TABLE blame_tick(
    -- Who used the CPU, as it was read for a sample.
    time INTEGER PRIMARY KEY, -- UTC Unix seconds, the end
    since INTEGER NOT NULL CHECK(since < time), -- UTC Unix seconds: what is counted began then
    shares BLOB NOT NULL          -- packed: ids in name, and CPU time in 1/100 s
) STRICT' WHERE type = 'table' AND name = 'blame_tick';
UPDATE sqlite_schema SET sql = 'CREATE TABLE blame_minute(
    -- Who used the CPU in a minute, cut to the first names.
    time INTEGER PRIMARY KEY CHECK(time % 60 = 0), -- UTC Unix seconds, the end
    since INTEGER NOT NULL CHECK(since < time), -- UTC Unix seconds: what is counted began then
    shares BLOB NOT NULL          -- packed: ids in name, and CPU time in 1/100 s
) STRICT' WHERE type = 'table' AND name = 'blame_minute';
UPDATE sqlite_schema SET sql = 'CREATE TABLE blame_quarter_hour(
    -- Who used the CPU in 15 minutes, cut to the first names.
    time INTEGER PRIMARY KEY CHECK(time % 900 = 0), -- UTC Unix seconds, the end
    since INTEGER NOT NULL CHECK(since < time), -- UTC Unix seconds: what is counted began then
    shares BLOB NOT NULL          -- packed: ids in name, and CPU time in 1/100 s
) STRICT' WHERE type = 'table' AND name = 'blame_quarter_hour';
UPDATE sqlite_schema SET sql = 'CREATE TABLE blame_quarter_day(
    -- Who used the CPU in 6 hours, cut to the first names.
    time INTEGER PRIMARY KEY CHECK(time % 21600 = 0), -- UTC Unix seconds, the end
    since INTEGER NOT NULL CHECK(since < time), -- UTC Unix seconds: what is counted began then
    shares BLOB NOT NULL          -- packed: ids in name, and CPU time in 1/100 s
) STRICT' WHERE type = 'table' AND name = 'blame_quarter_day';
UPDATE sqlite_schema SET sql = 'CREATE TABLE blame_tick_packed(
    -- The rows of blame_tick of an hour that is over.
    time INTEGER PRIMARY KEY CHECK(time % 3600 = 0), -- UTC Unix seconds, the end
    shares BLOB NOT NULL          -- the rows, packed
) STRICT' WHERE type = 'table' AND name = 'blame_tick_packed';
UPDATE sqlite_schema SET sql = 'CREATE TABLE blame_minute_packed(
    -- The rows of blame_minute of an hour that is over.
    time INTEGER PRIMARY KEY CHECK(time % 3600 = 0), -- UTC Unix seconds, the end
    shares BLOB NOT NULL          -- the rows, packed
) STRICT' WHERE type = 'table' AND name = 'blame_minute_packed';
UPDATE sqlite_schema SET sql = 'CREATE TABLE blame_quarter_hour_packed(
    -- The rows of blame_quarter_hour of a day that is over.
    time INTEGER PRIMARY KEY CHECK(time % 86400 = 0), -- UTC Unix seconds, the end
    shares BLOB NOT NULL          -- the rows, packed
) STRICT' WHERE type = 'table' AND name = 'blame_quarter_hour_packed';
PRAGMA writable_schema = RESET;
-- The hours whose samples are kept, so that the oldest of them is found at once.
CREATE INDEX sealed_hour_with_samples ON sealed_hour(time) WHERE samples IS NOT NULL;
-- What lies in rows, for people: times as text and shares in percent, rounded as in the API. A plain export has them too,
-- and is of a version before this one.
CREATE VIEW IF NOT EXISTS readable_sample AS SELECT
    strftime('%Y-%m-%d %H:%M:%SZ', time, 'unixepoch') AS utc,
    ((20000 * (user + system + coalesce(irq, 0)) + "all") / (2 * "all")) / 100.0 AS cpu_percent,
    ((20000 * user + "all") / (2 * "all")) / 100.0 AS user_percent,
    ((20000 * system + "all") / (2 * "all")) / 100.0 AS system_percent,
    ((20000 * irq + "all") / (2 * "all")) / 100.0 AS irq_percent,
    ((20000 * iowait + "all") / (2 * "all")) / 100.0 AS iowait_percent,
    ((20000 * steal + "all") / (2 * "all")) / 100.0 AS steal_percent,
    load_centi / 100.0 AS load,
    min(100.0, round(1.0 * pressure_us / elapsed_ms / 10, 2)) AS pressure_percent,
    elapsed_ms / 1000.0 AS seconds,
    time
    FROM sample;
CREATE VIEW IF NOT EXISTS readable_minute AS SELECT
    strftime('%Y-%m-%d %H:%M:%SZ', time, 'unixepoch') AS utc,
    ((20000 * (user + system + coalesce(irq, 0)) + "all") / (2 * "all")) / 100.0 AS cpu_percent,
    cpu_min_bp / 100.0 AS lowest_percent,
    cpu_max_bp / 100.0 AS highest_percent,
    ((20000 * user + "all") / (2 * "all")) / 100.0 AS user_percent,
    ((20000 * system + "all") / (2 * "all")) / 100.0 AS system_percent,
    ((20000 * irq + "all") / (2 * "all")) / 100.0 AS irq_percent,
    ((20000 * iowait + "all") / (2 * "all")) / 100.0 AS iowait_percent,
    ((20000 * steal + "all") / (2 * "all")) / 100.0 AS steal_percent,
    round(1.0 * load_centi / count / 100, 2) AS load,
    min(100.0, round(1.0 * pressure_us / elapsed_ms / 10, 2)) AS pressure_percent,
    count AS samples,
    time
    FROM minute;
CREATE VIEW IF NOT EXISTS readable_quarter_hour AS SELECT
    strftime('%Y-%m-%d %H:%M:%SZ', time, 'unixepoch') AS utc,
    ((20000 * (user + system + coalesce(irq, 0)) + "all") / (2 * "all")) / 100.0 AS cpu_percent,
    cpu_min_bp / 100.0 AS lowest_percent,
    cpu_max_bp / 100.0 AS highest_percent,
    ((20000 * user + "all") / (2 * "all")) / 100.0 AS user_percent,
    ((20000 * system + "all") / (2 * "all")) / 100.0 AS system_percent,
    ((20000 * irq + "all") / (2 * "all")) / 100.0 AS irq_percent,
    ((20000 * iowait + "all") / (2 * "all")) / 100.0 AS iowait_percent,
    ((20000 * steal + "all") / (2 * "all")) / 100.0 AS steal_percent,
    round(1.0 * load_centi / count / 100, 2) AS load,
    min(100.0, round(1.0 * pressure_us / elapsed_ms / 10, 2)) AS pressure_percent,
    count AS samples,
    time
    FROM quarter_hour;
CREATE VIEW IF NOT EXISTS readable_gap AS SELECT
    strftime('%Y-%m-%d %H:%M:%SZ', from_time, 'unixepoch') AS from_utc,
    strftime('%Y-%m-%d %H:%M:%SZ', to_time, 'unixepoch') AS to_utc,
    to_time - from_time AS seconds,
    cause,
    ((20000 * busy + "all") / (2 * "all")) / 100.0 AS cpu_percent,
    from_time
    FROM gap;
