"""What the page costs whoever looks at it: bytes, time to the first chart, work of the browser, memory.

`python -m tests.bench.page`: 0 when every goal is met, 1 when one is missed, 2 without Chromium. Every page comes up in
a browser that has never seen it, then all of them are left open together, each on a main thread of its own, whose CPU
time is counted. For the memory two hours of samples go by at speed, through the real stream of a real service.
"""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

from playwright.async_api import Browser, async_playwright

from tests.bench.fill import main as fill
from tests.bench.hour import CORES, STEP_S, fill_hour
from tests.bench.page_moves import Machine, Moves, judge_moves, measure_moves, moves_tables
from tests.bench.page_ticks import feed, tick
from tests.bench.peers import PEERS, MissingError
from tests.bench.report import Bar, Verdict, as_items, machine, plot, say, table, write_section
from tests.bench.tab import FIGURES, PAINTED, READY, Opening, Tab, fresh_tab
from tests.browser.chromium import WITH_WINDOWS, BrowserMissingError, find_chromium
from tests.browser.conftest import CHROMIUM_FLAGS
from tests.fakes import FakeClock, FakeKernel
from tests.running import Running
from tests.service import Service

OURS = "cpusensor"
BARE = "a bare page with uPlot"
SLOWER_THAN_BARE = 1.5
FIRST_FIGURES = {"Glances": FIGURES}
"""Who draws no chart; the first figures count instead."""

SETTLE_S = 5
TICKS = 3600 // STEP_S
TICK_S = 0.05
"""Between two ticks of the hours that go by at speed: each is painted."""

HALF_HOURS = 4
WARM = 2
"""Half hours in which V8 still compiles what runs often, and counts the code as heap."""

MOVED = (
    "Moving through a history on the page, the service in the same process: medians from a click on a range until its"
    " picture is painted, what a live tick costs the main thread, the longest frame while the mouse and two fingers are"
    " drawn over a day, and the heap after each quarter of a day of ticks."
)

HEAP_GOAL_MIB = 3.0
GROWTH_GOAL_MIB = 0.1
"""In the second hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A page to be looked at."""

    name: str
    url: str
    watch: str
    """The script that notices the first chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One round of one page."""

    opening: Opening
    kib_a_minute: float
    main_thread_s_an_hour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A figure of a page, and how much it may be."""

    title: str
    unit: str
    goal: float | None
    """None where it is told in another way."""
    of: Callable[[Visit], float]

    def median_of(self, visits: Sequence[Visit]) -> float:
        """Of the rounds."""
        return median(map(self.of, visits))


MEASURES = {
    "page-bytes": Measure(
        title="To the first chart", unit="KiB", goal=60, of=lambda visit: visit.opening.sent_bytes / 1024
    ),
    "page-first-chart": Measure(
        title="First chart after", unit="ms", goal=None, of=lambda visit: visit.opening.first_chart_ms
    ),
    "page-open": Measure(title="Left open", unit="KiB/min", goal=5, of=lambda visit: visit.kib_a_minute),
    "page-main-thread": Measure(
        title="Main thread", unit="s of CPU an hour", goal=20, of=lambda visit: visit.main_thread_s_an_hour
    ),
}
"""By the name of the plot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """All that is looked at."""

    sites: Sequence[Site]
    missing: dict[str, str]
    """By name, how to install what is not there."""
    machines: Sequence[Machine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that was measured."""

    visits: dict[str, list[Visit]]
    """By page."""
    missing: dict[str, str]
    """By name, how to install what is not there, or why it was not measured."""
    heap_mib: Sequence[float]
    """At the first update, then after each half hour of them."""
    moves: Sequence[Moves]
    """Through years, for each machine whose history was given."""


async def open_page(browser: Browser, site: Site) -> Opening:
    """In a browser that was never there."""
    async with fresh_tab(browser) as tab:
        return await tab.open(site.url, site.watch)


async def leave_open(browser: Browser, sites: Sequence[Site], stay_s: float) -> list[tuple[float, float]]:
    """All pages together: KiB a minute and seconds of main thread an hour of each."""
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(fresh_tab(browser)) for _ in sites]
        for tab, site in zip(tabs, sites, strict=True):
            await tab.open(site.url, site.watch)
        await asyncio.sleep(SETTLE_S)
        return await asyncio.gather(*(stay(tab, stay_s) for tab in tabs))


async def stay(tab: Tab, stay_s: float) -> tuple[float, float]:
    """KiB a minute and seconds of main thread an hour."""
    before, received = await tab.metrics(), tab.received_bytes()
    await asyncio.sleep(stay_s)
    after = await tab.metrics()
    seconds = after["Timestamp"] - before["Timestamp"]
    kib = (tab.received_bytes() - received) / 1024
    return kib * 60 / seconds, (after["TaskDuration"] - before["TaskDuration"]) * 3600 / seconds


async def look_round(browser: Browser, sites: Sequence[Site], stay_s: float) -> list[Visit]:
    """One visit to each."""
    openings = [await open_page(browser, site) for site in sites]
    stays = await leave_open(browser, sites, stay_s)
    visits = [
        Visit(opening=opening, kib_a_minute=kib, main_thread_s_an_hour=main_thread_s)
        for opening, (kib, main_thread_s) in zip(openings, stays, strict=True)
    ]
    for site, visit in zip(sites, visits, strict=True):
        figures = (f"{measure.of(visit):,.1f} {measure.unit}" for measure in MEASURES.values())
        say(f"  {site.name}: {', '.join(figures)}")
    return visits


async def find_chartless(browser: Browser, sites: Sequence[Site]) -> list[str]:
    """Whose chart never comes; all others have now been opened once, so that no file is read from the disk."""
    names = []
    for site in sites:
        try:
            await open_page(browser, site)
        except TimeoutError:
            names.append(site.name)
    return names


async def live_through_hours(browser: Browser) -> list[float]:
    """The heap of our page at the first of many samples and after each half hour of them, in MiB."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        running = Running(folder / "cpusensor.db", FakeClock())
        running.kernel = FakeKernel(running.clock, cpus=CORES)
        await running.start()
        stack.push_async_callback(running.stop)
        await tick(running, TICKS, Random(1))  # noqa: S311 - repeatable, not secret
        tab = await stack.enter_async_context(fresh_tab(browser))
        await tab.open(f"http://127.0.0.1:{running.port}/", READY)
        halves = [1, *[TICKS // 2] * HALF_HOURS]
        return await feed(running, tab, Random(2), halves, pause_s=TICK_S)  # noqa: S311 - repeatable, not secret


async def measure(executable: Path, subjects: Subjects, rounds: int, stay_s: float) -> Outcome:
    """Look at everything."""
    sites = subjects.sites
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        missing = dict.fromkeys(await find_chartless(browser, sites), "its first chart never came")
        shown = [site for site in sites if site.name not in missing]
        visits: dict[str, list[Visit]] = {site.name: [] for site in shown}
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            for site, visit in zip(shown, await look_round(browser, shown, stay_s), strict=True):
                visits[site.name].append(visit)
        say("two hours of updates")
        heap_mib = await live_through_hours(browser)
        moves = [await measure_moves(browser, one, rounds) for one in subjects.machines]
        await browser.close()
    return Outcome(visits=visits, missing=subjects.missing | missing, heap_mib=heap_mib, moves=moves)


def start_bare(stack: ExitStack, url: str) -> Site:
    """The least that a page with the same points can be, until the stack is closed."""
    command = [sys.executable, "-m", "tests.bench.bare_page", url]
    process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    stack.callback(process.kill)
    return Site(name=BARE, url=process.stdout.readline().strip() if process.stdout else "", watch=READY)


def start_sites(stack: ExitStack, folder: Path) -> tuple[list[Site], dict[str, str]]:
    """Our page and its peers', until the stack is closed; and how to install whose is missing."""
    fill_hour(folder / "cpusensor.db")
    service = stack.enter_context(Service(folder, interval_s=STEP_S))
    sites, missing = [Site(name=OURS, url=service.url, watch=READY), start_bare(stack, service.url)], {}
    for name, start in PEERS:
        try:
            page = stack.enter_context(start(folder / name)).page
        except MissingError as error:
            missing[name] = str(error)
        else:
            sites.append(Site(name=name, url=page, watch=FIRST_FIGURES.get(name, PAINTED)))
    return sites, missing


def machines(folder: Path, history: Path | None) -> list[Machine]:
    """Whose years are moved through: three of 8 CPUs, and ten days of 64."""
    years, days = history or folder / "years.db", folder / "days.db"
    if history is None:
        say("making a history of three years, which takes ten minutes")
        fill([str(years), "--years", "3", "--cores", str(CORES)])
    fill([str(days), "--years", "0.03", "--cores", "64"])
    return [
        Machine(name="8 CPUs, years", history=years, cpus=CORES),
        Machine(name="64 CPUs, ten days", history=days, cpus=64),
    ]


def judge(outcome: Outcome) -> list[Verdict]:
    """Each goal."""
    first = MEASURES["page-first-chart"]
    ratio = first.median_of(outcome.visits[OURS]) / first.median_of(outcome.visits[BARE])
    text = f"first chart after {ratio:.2f} times what a bare page takes (goal: at most {SLOWER_THAN_BARE:g})"
    verdicts = [Verdict(is_met=ratio <= SLOWER_THAN_BARE, text=text), *judge_moves(outcome.moves)]
    for one in MEASURES.values():
        if one.goal is None:
            continue
        value = one.median_of(outcome.visits[OURS])
        text = f"{one.title}: {value:,.1f} {one.unit} (goal: at most {one.goal:g})"
        verdicts.append(Verdict(is_met=value <= one.goal, text=text))
    highest, growth = max(outcome.heap_mib), outcome.heap_mib[-1] - outcome.heap_mib[WARM]
    return [
        *verdicts,
        Verdict(is_met=highest <= HEAP_GOAL_MIB, text=f"heap {highest:.2f} MiB (goal: at most {HEAP_GOAL_MIB:g})"),
        Verdict(
            is_met=growth <= GROWTH_GOAL_MIB,
            text=f"heap grows by {growth:+.2f} MiB in the second hour (goal: at most {GROWTH_GOAL_MIB:g})",
        ),
    ]


def page_table(outcome: Outcome) -> str:
    """A row for each page."""
    header = ["page", *(f"{one.title}, {one.unit}" for one in MEASURES.values()), "requests"]
    rows = []
    for name, visits in outcome.visits.items():
        figures = [f"{one.median_of(visits):,.1f}" for one in MEASURES.values()]
        rows.append([name, *figures, f"{median(visit.opening.requests for visit in visits):g}"])
    rows += [[name, f"not measured: {why}", *[""] * len(MEASURES)] for name, why in outcome.missing.items()]
    return table(header, rows)


def heap_table(outcome: Outcome) -> str:
    """How the memory fares."""
    moments = [f"after {30 * number} min" for number in range(1, HALF_HOURS + 1)]
    return table(
        ["cpusensor's heap, 8 CPUs", "at the first sample", *moments],
        [["MiB, garbage collected", *(f"{mib:.2f}" for mib in outcome.heap_mib)]],
    )


def plots(outcome: Outcome) -> dict[str, str]:
    """A picture of each measure, by file name."""
    return {f"{name}.svg": plot_measure(outcome, one) for name, one in MEASURES.items()}


def plot_measure(outcome: Outcome, one: Measure) -> str:
    """Every page's bar."""
    values = {name: one.median_of(visits) for name, visits in outcome.visits.items()}
    bars = [Bar(label=name, value=value, text=f"{value:,.1f}", is_ours=name == OURS) for name, value in values.items()]
    bars += [Bar(label=name, value=None, text=why) for name, why in outcome.missing.items()]
    return plot(one.title, one.unit, bars, goal=one.goal)


def describe(outcome: Outcome, stay_s: float) -> str:
    """The section of the page."""
    rounds = len(outcome.visits[OURS])
    about = (
        f"Chromium, 1280 × 800, cold cache, from this machine to itself; medians of {rounds} rounds, in each left open"
        f" for {stay_s:g} s. Glances draws no chart, so its first figures count; Prometheus never refreshes by itself."
        f" {machine()}."
    )
    parts = [
        about,
        page_table(outcome),
        heap_table(outcome),
        MOVED,
        moves_tables(outcome.moves),
        as_items(judge(outcome)),
    ]
    return "\n\n".join(parts)


def main() -> int:
    """Run the bench; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.page", description="What does the page cost?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0, help="to leave the pages open in a round")
    parser.add_argument(
        "--history", type=Path, help="years of 8 CPUs, as tests.bench.fill makes them (default: make it)"
    )
    parser.add_argument("--write", action="store_true", help="put the result into docs/PERFORMANCE.md")
    arguments = parser.parse_args()
    try:
        executable = find_chromium(WITH_WINDOWS)
    except BrowserMissingError as error:
        print(f"page: {error}", file=sys.stderr)
        return 2
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        moved = machines(folder, arguments.history)
        sites, missing = start_sites(stack, folder)
        subjects = Subjects(sites=sites, missing=missing, machines=moved)
        outcome = asyncio.run(measure(executable, subjects, arguments.rounds, arguments.seconds))
    text = describe(outcome, arguments.seconds)
    say(text)
    if arguments.write:
        write_section("page", text, plots(outcome))
    return 0 if all(verdict.is_met for verdict in judge(outcome)) else 1


if __name__ == "__main__":
    sys.exit(main())
