"""Asks psutil for the processes, on a system without /proc."""

import psutil

from cpusensor.model.accounts import Process
from cpusensor.model.names import printable

ASKED = ["name", "cpu_times", "create_time"]


class ProcessesElsewhere:
    """The processes of a machine that is not Linux. To be read by one thread."""

    def read(self) -> dict[int, Process]:
        """By pid; those that this user may look at."""
        booted, found = psutil.boot_time(), {}
        for process in psutil.process_iter(ASKED, ad_value=None):
            name, times, created = (process.info[key] for key in ASKED)
            if times is not None and created is not None:
                cpu_us = round(1e6 * (times.user + times.system))
                shown = printable((name or "").encode(errors="replace"))
                found[process.pid] = Process(process.pid, cpu_us, created - booted, shown)
        return found
