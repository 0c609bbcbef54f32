"""Tells the service manager that the service is ready, lives and stops (sd_notify(3)).

The only module that speaks to a service manager.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from cpusensor.config.settings import Settings
from cpusensor.kernel.clock import Clock
from cpusensor.logs import one_line
from cpusensor.model.records import Health
from cpusensor.outlets.wire import state_of

log = logging.getLogger(__name__)

FEEDS = 3
"""How often the watchdog is fed within its timeout, so that one that comes late ends nothing."""


@asynccontextmanager
async def supervised(settings: Settings, clock: Clock, health: Callable[[], Health]) -> AsyncIterator[None]:
    """Tell that the service is ready inside the block and stops after it, and feed the watchdog meanwhile.

    Without a service manager nobody is told.
    """
    if settings.notify_socket is None:
        yield
        return
    tell = partial(notify, settings.notify_socket)
    tell("READY=1")
    feeding = asyncio.create_task(feed_forever(tell, clock, health, settings.watchdog_s / FEEDS), name="watchdog")
    try:
        yield
    finally:
        feeding.cancel()
        tell("STOPPING=1")


async def feed_forever(
    tell: Callable[[str], None], clock: Clock, health: Callable[[], Health], period_s: float
) -> None:
    """Say how the recording fares, and feed the watchdog only while readings are taken."""
    while True:
        now = health()
        fed = "\nWATCHDOG=1" if now.is_ticking else ""
        tell(f"STATUS={one_line(state_of(now))}{fed}")
        await clock.sleep_until(clock.now().monotonic + period_s)


def notify(address: str, state: str) -> None:
    """Send one datagram without ever waiting; an address that begins with @ is an abstract one (unix(7))."""
    path = "\0" + address.removeprefix("@") if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        # A manager that does not read must not hold up the loop that takes the samples.
        channel.settimeout(0)
        try:
            channel.sendto(state.encode(), path)
        except OSError as error:
            log.warning("the service manager could not be told %r (%s)", state, error)
