CREATE TABLE baseline(
    -- What processes and control groups had used when it was read last: what they use over an outage is counted from it.
    id INTEGER PRIMARY KEY CHECK(id = 1), -- one row
    time INTEGER NOT NULL,        -- UTC Unix seconds
    boot_id TEXT NOT NULL,        -- of the kernel: of another boot it says nothing
    boottime_ms INTEGER NOT NULL, -- ms since that boot
    total_busy INTEGER NOT NULL,  -- busy ticks since the boot, at that time
    total_all INTEGER NOT NULL,   -- ticks of every kind since the boot
    place TEXT NOT NULL,          -- where the accounts were read
    accounts BLOB NOT NULL        -- packed: numbers of processes and control groups, and us that each has used; no names
) STRICT;
