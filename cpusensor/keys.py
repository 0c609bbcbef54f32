"""The names under which the application keeps its parts."""

import asyncio

from aiohttp import web

from cpusensor.answers import Answers
from cpusensor.assets import Assets
from cpusensor.background import Recorder
from cpusensor.broadcast import Broadcast
from cpusensor.clock import Clock
from cpusensor.kernel import Kernel
from cpusensor.settings import Settings
from cpusensor.storage import Storage

SETTINGS = web.AppKey("settings", Settings)
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
KERNEL: web.AppKey[Kernel] = web.AppKey("kernel")
ASSETS = web.AppKey("assets", Assets)
ANSWERS = web.AppKey("answers", Answers)
STORAGE = web.AppKey("storage", Storage)
BROADCAST = web.AppKey("broadcast", Broadcast)
RECORDER = web.AppKey("recorder", Recorder)
ENDED = web.AppKey("ended", asyncio.Event)
"""Set when the service is to stop."""
FAILURES: web.AppKey[list[BaseException]] = web.AppKey("failures", list)
"""What ended a loop that never ends."""
