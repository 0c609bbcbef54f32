"""The names under which the application keeps its parts."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from cpusensor.config.settings import Settings
from cpusensor.http.assets import Assets
from cpusensor.http.cache import Cache
from cpusensor.http.connections import Connections
from cpusensor.http.fleet import Fleet
from cpusensor.http.guard import Guard
from cpusensor.kernel.clock import Clock
from cpusensor.kernel.cost import CostMeter
from cpusensor.kernel.counters import Kernel
from cpusensor.model.accounts import AccountReader, Naming
from cpusensor.outlets.broadcast import Broadcast
from cpusensor.outlets.metrics import Metrics
from cpusensor.outlets.push import Push
from cpusensor.recording.feed import Feed
from cpusensor.recording.keeping import Keeper
from cpusensor.recording.recorder import Recorder
from cpusensor.store.opening import History

SETTINGS = web.AppKey("settings", Settings)
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
KERNEL: web.AppKey[Kernel] = web.AppKey("kernel")
ASSETS = web.AppKey("assets", Assets)
CACHE = web.AppKey("cache", Cache)
HISTORY = web.AppKey("history", History)
COST = web.AppKey("cost", CostMeter)
PUSHES = web.AppKey("pushes", list[Push])
"""One for each receiver of samples."""
FLEET: web.AppKey[Fleet | None] = web.AppKey("fleet")
"""None without an engine."""
METRICS = web.AppKey("metrics", Metrics)
TURNS = web.AppKey("turns", asyncio.Semaphore)
"""For the slices of tables."""
GUARD = web.AppKey("guard", Guard)
CONNECTIONS = web.AppKey("connections", Connections)
BROADCAST = web.AppKey("broadcast", Broadcast)
FEED = web.AppKey("feed", Feed)
RECORDER = web.AppKey("recorder", Recorder)
ACCOUNTS: web.AppKey[AccountReader | None] = web.AppKey("accounts")
"""Who used the CPU; None for the machine's own accounts."""
KEEPER = web.AppKey("keeper", Keeper)
NAMING: web.AppKey[Callable[[], Naming]] = web.AppKey("naming")
"""Tells how names are read at present."""
IS_EXPOSED = web.AppKey("is_exposed", bool)
"""Whether others than the users of this machine can reach it, and need no token."""
LISTENING: web.AppKey[list[asyncio.Server]] = web.AppKey("listening", list)
ENDED = web.AppKey("ended", asyncio.Event)
"""Set when the service is to stop."""
FAILURES: web.AppKey[list[BaseException]] = web.AppKey("failures", list)
"""What ended a loop that never ends."""
