"""The limit: the least that a Python process which records the CPU's use can do, with cpusensor's four packages.

`python -m tests.bench.bare_tick DATABASE` reads the counters and commits one row every 5 s; without a database it only
imports the packages and sleeps. Prints a line once it is ready.
"""

import asyncio
import sys
import time

import aiohttp
import aiohttp_jinja2
import aiosqlite
import psutil

PACKAGES = (aiohttp, aiohttp_jinja2, aiosqlite, psutil)
INTERVAL_S = 5


async def tick_forever(path: str) -> None:
    """One reading and one statement, which is a transaction by itself, at each multiple of the interval."""
    async with aiosqlite.connect(path, isolation_level=None) as database:
        await database.execute_fetchall("PRAGMA journal_mode = WAL")
        await database.execute_fetchall("PRAGMA synchronous = NORMAL")
        await database.execute_fetchall(
            "CREATE TABLE sample(time INTEGER PRIMARY KEY, user REAL, system REAL, idle REAL)"
        )
        print("ready", flush=True)
        while True:
            await asyncio.sleep(INTERVAL_S - time.time() % INTERVAL_S)
            times = psutil.cpu_times()
            row = (int(time.time()), times.user, times.system, times.idle)
            await database.execute_fetchall("INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?)", row)


async def only_imported() -> None:
    """An event loop without anything to do."""
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(tick_forever(sys.argv[1]) if sys.argv[1:] else only_imported())
