"""A span in a few figures: the same, from whatever rows it is read, as from its samples one by one."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpusensor.model.figures import BUSY, Figures, add_up
from cpusensor.model.figures import percent as percent_of
from cpusensor.model.grid import bucket_end
from cpusensor.model.query import SummaryQuery
from cpusensor.model.records import Cause, CoreTicks, Measured, OpenGap, Sample, Span
from cpusensor.model.rollup import sum_cores
from cpusensor.model.summary import spread
from cpusensor.outlets import wire
from cpusensor.recording.summary import Present, sum_up
from cpusensor.store.opening import open_history
from tests.samples import NOON, sample

QUARTER_DAY = 21_600

LENGTH = 900
"""Slots of a history: over an hour of five seconds, or fifteen hours of minutes, which hold whole quarter-days."""


def history(seed: int, interval: int) -> list[Sample]:
    """Samples of quiet and of busy times, with gaps, stalls, kinds that are not known and CPUs that come and go."""
    random = Random(seed)  # noqa: S311 - makes examples, hides nothing
    samples: list[Sample] = []
    level, cpus, slot = 0.05, 2, 0
    counts_irq = random.random() < 0.8
    while slot < LENGTH:
        slot += random.choice([1] * 30 + [2, 5, 40])
        if random.random() < 0.04:
            level, cpus = random.choice([0.02, 0.1, 0.3, 0.6, 0.85, 1.0]), random.choice([1, 2, 2, 3])
        all_ticks = interval * 100 * random.choice([1, 1, 1, 1, random.randint(1, 9)])
        cores = tuple(
            CoreTicks(cpu=cpu, busy=int(all_ticks * min(1, level * random.uniform(0.4, 1.3))), all=all_ticks)
            for cpu in range(cpus)
        )
        one = of_cores(random, NOON + slot * interval, cores)
        samples.append(one if counts_irq and random.random() < 0.999 else without_irq(one))
    return samples


def of_cores(random: Random, time: int, cores: tuple[CoreTicks, ...]) -> Sample:
    busy, all_ticks = sum(core.busy for core in cores), sum(core.all for core in cores)
    one = sample(time, busy, all_ticks)
    user = random.randint(0, busy)
    system = random.randint(0, busy - user)
    idle = all_ticks - busy
    figures = replace(
        one.figures,
        user=user,
        system=system,
        irq=busy - user - system,
        iowait=random.choice([None, 0, idle // 2]) if random.random() < 0.01 else idle // 3,
        steal=idle // 9,
        elapsed_ms=10 * all_ticks // len(cores) + random.randint(-3, 3),
    )
    return replace(one, figures=figures, cores=None if random.random() < 0.02 else cores)


def without_irq(one: Sample) -> Sample:
    """As of a kernel that counts no interrupts."""
    return replace(one, figures=replace(one.figures, user=one.figures.busy - one.figures.system, irq=None))


def counted(samples: Sequence[Sample], asked: SummaryQuery, interval: int) -> dict[str, Any]:
    """The answer, by looking at every sample in turn."""
    span = asked.span
    inside = [one for one in samples if span.from_time < one.time <= span.to_time]
    slots = range(bucket_end(span.from_time + 1, interval), span.to_time + 1, interval)
    answer: dict[str, Any] = {"from": span.from_time, "to": span.to_time}
    figures = add_up([one.figures for one in inside])
    if figures is None:
        nothing = dict.fromkeys(("mean", "min", "max", "max_time", "p50", "p95", "p99", "above_s"))
        modes = dict.fromkeys((*BUSY, "iowait", "steal"))
        return {**answer, **nothing, "recorded": 0, "modes": modes, "busy": []}
    uses = [percent_of(one.figures.busy, one.figures.all) or 0.0 for one in inside]
    by_use = sorted((int(use), one.figures.elapsed_ms) for use, one in zip(uses, inside, strict=True))
    median = at_rank(by_use, 0.5)
    high = sum(one.figures.elapsed_ms for use, one in zip(uses, inside, strict=True) if use >= asked.above)
    return {
        **answer,
        "mean": percent_of(sum(one.figures.busy for one in inside), figures.all),
        "min": min(uses),
        "max": max(uses),
        "max_time": inside[uses.index(max(uses))].time,
        "p50": median,
        "p95": at_rank(by_use, 0.95),
        "p99": at_rank(by_use, 0.99),
        "above_s": high / 1000,
        "recorded": pytest.approx(len(inside) / len(slots), abs=1e-4),
        "modes": {name: percent_of(getattr(figures, name), figures.all) for name in (*BUSY, "iowait", "steal")},
        "busy": busy_stretches(inside, span, min(asked.above, median + 25)),
    }


def at_rank(by_use: Sequence[tuple[int, int]], share: float) -> int:
    """The lowest point that so much of the time was at or below."""
    total, passed = sum(ms for _, ms in by_use), 0
    for point, ms in by_use:
        passed += ms
        if passed >= round(total * share * 1000) / 1000:
            return point
    raise AssertionError


def whole(samples: Sequence[Sample]) -> Figures:
    """All of some samples, at least one."""
    figures = add_up([one.figures for one in samples])
    assert figures is not None
    return figures


def busy_stretches(samples: Sequence[Sample], span: Span, percent: int) -> list[dict[str, Any]]:
    """Every bucket of the span in turn."""
    step = 60 if span.to_time - span.from_time <= 7 * 86_400 else 900
    buckets: dict[int, list[Sample]] = {}
    for one in samples:
        end = bucket_end(one.time, step)
        if end - step >= span.from_time and end <= span.to_time:
            buckets.setdefault(end, []).append(one)
    stretches: list[list[int]] = []
    for end in sorted(buckets):
        total = whole(buckets[end])
        if total.busy * 100 < percent * total.all:
            continue
        if stretches and end <= stretches[-1][1] + 3 * step:
            stretches[-1][1] = end
        else:
            stretches.append([end - step, end])
    found = []
    for begin, end in stretches:
        inside = [one for one in samples if begin < one.time <= end]
        total = whole(inside)
        # A bucket leaves out what one of its samples does not know.
        ranked = sum(whole(some).busy for at, some in buckets.items() if begin < at <= end)
        cores = spread(sum_cores([one.cores for one in inside if one.cores is not None]), percent)
        shown = {
            "from": begin,
            "to": end,
            "mean": percent_of(total.busy, total.all),
            "max": max(percent_of(one.figures.busy, one.figures.all) or 0 for one in inside),
            "mode": max(BUSY, key=lambda name: getattr(total, name) or 0),
            "cores": cores and cores.value,
        }
        found.append((ranked, -begin, shown))
    ten = sorted(found, key=lambda one: one[:2], reverse=True)[:10]
    return sorted((shown for *_, shown in ten), key=lambda one: int(str(one["from"])))


class Case(NamedTuple):
    """What a summary is asked of, and how."""

    seed: int
    interval: int
    ends: tuple[int, int]
    """Slots, before the history and after it as well."""
    off: tuple[int, int]
    """Seconds beside a slot."""
    before_s: int
    """Longer spans are looked at by the quarter-hour."""
    above: int
    waiting: int
    """Samples that are not committed."""
    kept_days: int | None
    """Quarter-days after noon from which on the coarser rollups are kept; None for all."""

    def asked(self) -> SummaryQuery:
        first, last = (NOON + slot * self.interval for slot in sorted(self.ends))
        span = Span(from_time=first + self.off[0] - self.before_s, to_time=last + 2 * 60 + self.off[1])
        return SummaryQuery(span=span, above=self.above)


CASES = st.builds(
    Case,
    seed=st.integers(0, 10**9),
    interval=st.sampled_from([5, 60]),
    ends=st.tuples(st.integers(-100, LENGTH + 100), st.integers(-100, LENGTH + 100)),
    off=st.tuples(st.integers(0, 59), st.integers(0, 59)),
    before_s=st.sampled_from([0, 0, 8 * 86_400, 100 * 86_400]),
    above=st.sampled_from([0, 50, 80, 100]),
    waiting=st.sampled_from([0, 0, 1, 30]),
    kept_days=st.sampled_from([None, None, -1, 0, 1]),
)


@given(CASES)
@settings(max_examples=15)
async def test_a_summary_is_what_its_samples_add_up_to(case: Case) -> None:
    samples, asked = history(case.seed, case.interval), case.asked()
    span = asked.span
    measured = [Measured(sample=one, cause=Cause.STALLED) for one in samples]
    stored = len(measured) - case.waiting
    with TemporaryDirectory() as directory:
        path = Path(directory) / "cpusensor.db"
        async with open_history(path, NOON) as opened:
            await opened.runs.start("boot-1", NOON, case.interval, "1.0.0")
            await opened.writer.add(measured[:stored])
            if case.kept_days is not None:
                keep_from(path, bucket_end(NOON, QUARTER_DAY) + case.kept_days * QUARTER_DAY)
            present = Present(now=samples[-1].time, waiting=measured[stored:], open_gap=None)
            answer: dict[str, Any] = {**wire.summary(await sum_up(asked, opened, present))}

    gaps = answer.pop("gaps")
    missed = [(one.time, other.time - case.interval) for one, other in pairwise(samples)]
    expected = sum(max(0, min(end, span.to_time) - max(begin, span.from_time)) for begin, end in missed)
    assert gaps == ({"stalled": expected} if expected else {})
    assert answer == counted(samples, asked, case.interval)


def keep_from(path: Path, kept_from: int) -> None:
    """As while older samples are still to be added up."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for tier in ("quarter_hour", "quarter_day"):
            connection.execute(f"DELETE FROM {tier} WHERE time <= ?", (kept_from,))  # noqa: S608 - a name of the test's own
            connection.execute("INSERT INTO tier VALUES (?, ?)", (tier, kept_from))


async def test_the_gap_that_goes_on_now_counts_up_to_the_newest_slot(tmp_path: Path) -> None:
    async with open_history(tmp_path / "cpusensor.db", NOON) as opened:
        await opened.runs.start("boot-1", NOON, 5, "1.0.0")
        await opened.writer.add([Measured(sample=sample(NOON + 5), cause=Cause.STALLED)])
        open_gap = OpenGap(from_time=NOON + 5, cause=Cause.UNREADABLE)
        asked = SummaryQuery(span=Span(from_time=NOON, to_time=NOON + 100), above=80)

        found = await sum_up(asked, opened, Present(now=NOON + 102, waiting=[], open_gap=open_gap))

    assert found.gaps == {Cause.UNREADABLE: 95}
    assert found.recorded == 0.05


async def test_a_histogram_that_cannot_be_read_leaves_the_percentiles_unknown_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "cpusensor.db"
    async with open_history(path, NOON) as opened:
        await opened.runs.start("boot-1", NOON, 5, "1.0.0")
        samples = [sample(NOON + 5 * slot, busy=900) for slot in range(1, 361)]
        await opened.writer.add([Measured(sample=one, cause=Cause.STALLED) for one in samples])
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE quarter_hour SET histogram = NULL WHERE time = ?", (NOON + 600,))
        asked = SummaryQuery(span=Span(from_time=NOON - 300, to_time=NOON + 1800), above=80)

        answer = wire.summary(await sum_up(asked, opened, Present(now=NOON + 1800, waiting=[], open_gap=None)))

    assert (answer["p50"], answer["p99"], answer["above_s"]) == (None, None, None)
    assert (answer["mean"], answer["max_time"]) == (90.0, NOON + 5)
    assert [(one["from"], one["to"]) for one in answer["busy"]] == [(NOON, NOON + 1800)]  # type: ignore[union-attr,index,call-overload] # a list of objects
