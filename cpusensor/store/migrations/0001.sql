CREATE TABLE run(
            id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER,
            interval INTEGER NOT NULL CHECK(interval > 0), version TEXT NOT NULL) STRICT;
CREATE TABLE sample(
            time INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run(id), elapsed_ms INTEGER NOT NULL,
            user INTEGER NOT NULL, system INTEGER NOT NULL, irq INTEGER NOT NULL, iowait INTEGER, steal INTEGER,
            "all" INTEGER NOT NULL CHECK("all" > 0), expected INTEGER NOT NULL, load_centi INTEGER, pressure_us INTEGER,
            total_busy INTEGER NOT NULL, total_all INTEGER NOT NULL, cores BLOB) STRICT;
CREATE TABLE minute(
            time INTEGER PRIMARY KEY CHECK(time % 60 = 0), count INTEGER NOT NULL CHECK(count > 0),
            elapsed_ms INTEGER NOT NULL, user INTEGER NOT NULL, system INTEGER NOT NULL, irq INTEGER NOT NULL,
            iowait INTEGER, steal INTEGER, "all" INTEGER NOT NULL, expected INTEGER NOT NULL,
            cpu_min_bp INTEGER NOT NULL, cpu_max_bp INTEGER NOT NULL, load_centi INTEGER, pressure_us INTEGER,
            cores BLOB) STRICT;
CREATE TABLE gap(
            from_time INTEGER PRIMARY KEY, to_time INTEGER NOT NULL CHECK(to_time > from_time), cause TEXT NOT NULL,
            busy INTEGER, "all" INTEGER) STRICT;
CREATE TABLE clock_step(time INTEGER PRIMARY KEY, by_ms INTEGER NOT NULL) STRICT;
