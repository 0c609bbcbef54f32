"""Verifies a database and never changes it: `python -m cpusensor.check FILE`."""
