"""All faults, in the order of the table."""

from tests.faults import (
    contention,
    disks,
    files,
    hostile,
    killing,
    limiting,
    machine,
    readings,
    receivers,
    sealing,
    upgrade,
)
from tests.faults.harness import FAULTS, Fault

__all__ = [
    "FAULTS",
    "Fault",
    "contention",
    "disks",
    "files",
    "hostile",
    "killing",
    "limiting",
    "machine",
    "readings",
    "receivers",
    "sealing",
    "upgrade",
]
