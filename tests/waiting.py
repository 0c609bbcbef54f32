"""Waits for events. Their end is so far off that on a busy machine, too, only what hangs gets there."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from tests.service import TIMEOUT_S, Service

LOOK_S = 0.05
"""Between two looks at what gives no sign by itself."""


def wait_until(holds: Callable[[], bool], what: str, timeout_s: float = TIMEOUT_S) -> None:
    """Look until it is so. Raises TimeoutError, which says what was so instead."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} for {timeout_s:.0f} s")
        time.sleep(LOOK_S)


def wait_until_clock(wall: float) -> None:
    """Return once the machine's clock has reached that time, in UTC Unix seconds."""
    while (left := wall - time.time()) > 0:
        time.sleep(left)


def get_json(service: Service, path: str) -> Any:  # noqa: ANN401 - each looks into it as it likes
    """An answer in JSON."""
    with urllib.request.urlopen(service.url + path, timeout=TIMEOUT_S) as response:
        return json.load(response)


def newest_id(service: Service) -> int:
    """The time of the newest sample; 0 before the first."""
    return get_json(service, "api/history?range=1h&points=1")["last_id"] or 0


def wait_for_samples(service: Service, count: int) -> int:
    """Return once so many further samples are recorded; the time of the newest.

    Counted in slots: on a busy machine some of them may stay empty.
    """
    wait_until(lambda: newest_id(service) > 0, "no first sample")
    wanted = newest_id(service) + count * service.interval_s
    wait_until(lambda: newest_id(service) >= wanted, f"no {count} samples")
    return newest_id(service)
