"""What it costs to move through years on the page: from a click to the picture, a live tick, a drag, a day left open.

The service runs in this process, on a copy of a history, by a clock that stands where the history ends: a history that
was made last year is as new as it ever was, and a day goes by in minutes.
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from shutil import copyfile
from statistics import median
from tempfile import TemporaryDirectory

from playwright.async_api import Browser

from tests.bench.hour import STEP_S
from tests.bench.page_ticks import feed, tick
from tests.bench.report import Verdict, say, table
from tests.bench.tab import READY, Tab, fresh_tab
from tests.fakes import FakeClock, FakeKernel
from tests.running import Running

DAYS_OF_A_CENTURY = 36_500
RANGES = ("6h", "24h", "7d", "30d", "1y", "all", "1h", "15m")
TICKS = 24
TICK_PAUSE_S = 0.25
"""Between two ticks whose work is measured: each is painted."""
QUARTER_DAY = 6 * 3600 // STEP_S

CLICK_GOAL_MS, TICK_GOAL_MS, FRAME_GOAL_MS = 300, 20, 50
GROWTH_GOAL_MIB = 0.2
"""From the first quarter of a day to the last."""

CLICK = """(async () => {
  const root = document.documentElement;
  const start = performance.now();
  const painted = new Promise((resolve) => new MutationObserver((_, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
  }).observe(root, { attributeFilter: ["data-view"] }));
  document.querySelector("nav a[data-range='RANGE']").click();
  return painted;
})()"""

WATCH_FRAMES = """(() => {
  window.longest = 0;
  let last;
  const look = (at) => {
    if (last !== undefined) window.longest = Math.max(window.longest, at - last);
    last = at;
    if (window.longest >= 0) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""

OVER = """(() => {
  const { left, top, width, height } = document.querySelector("#samples-plot .u-over").getBoundingClientRect();
  return [left, top + height / 2, width];
})()"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Whose history is moved through."""

    name: str
    history: Path
    cpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What was measured on one machine's page."""

    name: str
    clicks_ms: dict[str, float]
    """By range, the median from the click until the picture was painted."""
    ticks_ms: dict[str, float]
    """By range, work of the main thread for a live tick."""
    longest_frame_ms: float
    """While the mouse and two fingers were drawn over a day, median of the longest of each round."""
    heap_mib: Sequence[float]
    """After each quarter of a day of ticks."""


@asynccontextmanager
async def serving(machine: Machine) -> AsyncIterator[Running]:
    """The service on a copy of the history, at the moment after its newest sample."""
    with TemporaryDirectory() as folder:
        database = Path(folder) / "cpusensor.db"
        copyfile(machine.history, database)
        with closing(sqlite3.connect(database)) as connection:
            (newest,) = connection.execute("SELECT max(time) FROM sample").fetchone()
        running = Running(database, FakeClock(newest + 1))
        running.kernel = FakeKernel(running.clock, cpus=machine.cpus)
        # Nothing is sealed meanwhile: what that costs is measured by itself.
        await running.start("--keep-rows", str(DAYS_OF_A_CENTURY))
        try:
            yield running
        finally:
            await running.stop()


async def measure_moves(browser: Browser, machine: Machine, rounds: int) -> Moves:
    """Look at one machine's page."""
    say(f"moving through {machine.name}")
    async with serving(machine) as running, fresh_tab(browser) as tab:
        draw = Random(3)  # noqa: S311 - repeatable, not secret
        await tick(running, 3, draw)
        await tab.open(f"http://127.0.0.1:{running.port}/", READY)
        await tick(running, 1, draw, pause_s=2)
        clicks = {name: [await click(tab, name) for name in RANGES] for name in range(rounds)}
        ticks = {name: await tick_ms(running, tab, name, draw) for name in ("1h", "24h", "1y")}
        await click(tab, "24h")
        frames = [await drag(tab) for _ in range(rounds)]
        await click(tab, "1h")
        heap = await feed(running, tab, draw, [QUARTER_DAY] * 4)
    return Moves(
        name=machine.name,
        clicks_ms={name: median(times) for name, times in zip(RANGES, zip(*clicks.values(), strict=True), strict=True)},
        ticks_ms=ticks,
        longest_frame_ms=median(frames),
        heap_mib=heap,
    )


async def click(tab: Tab, name: str) -> float:
    """Milliseconds from the click on a range until its picture was painted."""
    return float(await tab.evaluate(CLICK.replace("RANGE", name)))


async def tick_ms(running: Running, tab: Tab, name: str, draw: Random) -> float:
    """Milliseconds of the main thread that a live tick takes in a range; what a picture fetches anew is part of it."""
    await click(tab, name)
    await tick(running, 2, draw, pause_s=1)
    before = (await tab.metrics())["TaskDuration"]
    await tick(running, TICKS, draw, pause_s=TICK_PAUSE_S)
    return ((await tab.metrics())["TaskDuration"] - before) * 1000 / TICKS


async def drag(tab: Tab) -> float:
    """The longest frame, in ms, while the mouse chooses a span and two fingers pan and zoom."""
    left, y, width = await tab.evaluate(OVER)
    await tab.evaluate(WATCH_FRAMES)
    await tab.draw_mouse((left + 0.2 * width, y), (left + 0.6 * width, y))
    await tab.draw_fingers(
        ((left + 0.3 * width, y), (left + 0.5 * width, y)), ((left + 0.2 * width, y), (left + 0.8 * width, y))
    )
    longest = float(await tab.evaluate("[window.longest, window.longest = -1][0]"))
    await click(tab, "24h")
    return longest


def judge_moves(moves: Sequence[Moves]) -> list[Verdict]:
    """Each goal on each machine."""
    verdicts = []
    for one in moves:
        slowest = max(one.clicks_ms, key=lambda name: one.clicks_ms[name])
        worst_tick = max(one.ticks_ms.values())
        growth = one.heap_mib[-1] - one.heap_mib[1]
        for value, goal, text in (
            (one.clicks_ms[slowest], CLICK_GOAL_MS, f"any range painted {{:,.0f}} ms after the click ({slowest})"),
            (worst_tick, TICK_GOAL_MS, "{:,.1f} ms of main thread a live tick"),
            (one.longest_frame_ms, FRAME_GOAL_MS, "longest frame while dragging {:,.0f} ms"),
            (growth, GROWTH_GOAL_MIB, "heap grows by {:+.2f} MiB in a day"),
        ):
            told = f"{one.name}: {text.format(value)} (goal: at most {goal:g})"
            verdicts.append(Verdict(is_met=value <= goal, text=told))
    return verdicts


def moves_tables(moves: Sequence[Moves]) -> str:
    """From the click to the picture, and what goes on by itself."""
    clicks = [[one.name, *(f"{one.clicks_ms[name]:,.0f}" for name in RANGES)] for one in moves]
    rest = [
        [
            one.name,
            *(f"{ms:.1f}" for ms in one.ticks_ms.values()),
            f"{one.longest_frame_ms:.0f}",
            " → ".join(f"{mib:.2f}" for mib in one.heap_mib),
        ]
        for one in moves
    ]
    ticks = [f"a live tick in {name}, ms" for name in moves[0].ticks_ms]
    return "\n\n".join(
        [
            table(["click to picture, ms", *RANGES], clicks),
            table(["page", *ticks, "longest frame of a drag, ms", "heap through a day, MiB"], rest),
        ]
    )
