"""The history, in SQLite."""
