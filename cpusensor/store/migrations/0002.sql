-- A kernel may count no interrupts: then irq is null. Nothing that is stored changes, so that the constraint alone is
-- taken out of the schema's text (sqlite.org/lang_altertable.html, §7: "removing NOT NULL constraints").
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'irq INTEGER NOT NULL', 'irq INTEGER')
    WHERE type = 'table' AND name IN ('sample', 'minute');
PRAGMA writable_schema = RESET;
