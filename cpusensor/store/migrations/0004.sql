-- The quarter-hours of a long span in which the CPU was busy are found among few small entries, in the order of time.
CREATE INDEX quarter_hour_busy ON quarter_hour(time, user, system, irq, "all")
            WHERE 100 * (coalesce(user, 0) + coalesce(system, 0) + coalesce(irq, 0)) / "all" >= 25;
