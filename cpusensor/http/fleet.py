"""The fleet as its engine knows it: asked once for all who look, and kept while the engine does not answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cpusensor.http.engine import Engine, EngineError
from cpusensor.kernel.clock import Clock
from cpusensor.model import fleet as promql
from cpusensor.model import member as machine
from cpusensor.model.fleet import LAG_S, FleetQuery, FleetView, Member, Series, Strip
from cpusensor.model.member import MemberHistory, MemberQuery
from cpusensor.model.query import choose_grid

log = logging.getLogger(__name__)

T = TypeVar("T")

FRESH_S = 5.0
"""Seconds for which the newest shares are as good as new."""

TOLD_S = 30.0
"""Seconds for which it counts that a question failed: who asked it may ask another one since."""

MAX_KEPT = 64
"""Answers that are kept: of a few ranges, and of the machines that somebody scrolls through."""


@dataclass(slots=True)
class _Kept(Generic[T]):
    """An answer of the engine, and until when it is not asked again."""

    value: T
    until: float


class Fleet:
    """Answers about all machines. The event loop's alone."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine = engine
        self._clock = clock
        self._kept: dict[Hashable, _Kept[Any]] = {}
        self._asking: dict[Hashable, asyncio.Task[Any]] = {}
        self._problems: dict[Hashable, _Kept[str]] = {}

    async def view(self, query: FleetQuery) -> FleetView:
        """The machines that are asked for. Raises EngineError while nothing is known."""
        now = self._clock.wall()
        strip = promql.strip_for(query.range_s, now)
        spread, members = await asyncio.gather(self._spread(strip), self._members(query.range_s, strip))
        found = promql.found(members, query)
        page = found[query.offset : query.offset + query.limit]
        shown = await self._with_cells(page, query.range_s, strip) if page else []
        problem = next((one.value for one in self._problems.values()), None)
        return FleetView(strip=strip, spread=spread, count=len(found), members=shown, problem=problem)

    async def history(self, query: MemberQuery) -> MemberHistory:
        """What the engine has of one machine. Raises EngineError; BadRequestError for a step that is not offered."""
        labels, interval = query.labels, await self._interval(query)
        grid = choose_grid(query.query, [interval])
        strip = machine.strip_of(grid)
        queries = [machine.mean_of(labels, grid.step)]
        queries += machine.extremes_of(labels, grid.step) if grid.step > interval else []
        queries += [machine.modes_of(labels, grid.step)] if query.has_modes else []

        async def ask() -> list[list[Series]]:
            return await asyncio.gather(*(self.engine.over(one, strip) for one in queries))

        answers = await self._get((strip, *queries), FRESH_S, ask) if strip.length else [[] for _ in queries]
        return machine.history_of(query, grid, interval, answers, self.newest)

    @property
    def newest(self) -> int:
        """Up to when an engine is asked, in UTC Unix seconds."""
        return int(self._clock.wall() - LAG_S)

    async def _interval(self, query: MemberQuery) -> int:
        """Seconds between two samples; of a span whose elements are as long as a minute it does not matter."""
        asked = query.query
        seconds = asked.to_time - asked.from_time
        if asked.step is not None or seconds >= 60 * asked.points:
            return machine.interval_of([], query.labels)
        end = asked.to_time // 60 * 60
        strip = Strip(start=end - seconds // 60 * 60, step=60, length=seconds // 60 + 1)
        text = machine.samples_of(query.labels)

        async def ask() -> list[Series]:
            return await self.engine.over(text, strip)

        return machine.interval_of(await self._get((strip, text), FRESH_S, ask), query.labels)

    async def _spread(self, strip: Strip) -> dict[str, list[float | None]]:
        async def ask() -> dict[str, list[float | None]]:
            queries = [promql.fleet_of(how, strip.step) for how in promql.SPREAD.values()]
            answers = await asyncio.gather(*(self.engine.over(query, strip) for query in queries))
            lines = (one[0][1] if one else {} for one in answers)
            return dict(zip(promql.SPREAD, map(strip.column, lines), strict=True))

        # A cell is over every `step` seconds, and not before is there anything new.
        return await self._get(("spread", strip.step), strip.step / 4, ask)

    async def _members(self, range_s: int, strip: Strip) -> list[Member]:
        async def ask_now() -> list[list[Series]]:
            return await asyncio.gather(*(self.engine.now(one, self._clock.wall()) for one in _NOW))

        async def ask_span() -> list[list[Series]]:
            queries = [promql.over(function, range_s) for function in ("avg_over_time", "max_over_time")]
            return await asyncio.gather(*(self.engine.now(query, self._clock.wall()) for query in queries))

        now, span = await asyncio.gather(
            self._get("now", FRESH_S, ask_now),
            self._get(("span", range_s), max(FRESH_S, strip.step / 4), ask_span),
        )
        return await asyncio.to_thread(promql.members_of, *now, *span)

    async def _with_cells(self, page: list[Member], range_s: int, strip: Strip) -> list[Member]:
        names = tuple(sorted({member.name for member in page}))
        silent = tuple(sorted({member.name for member in page if member.now is None}))

        async def ask() -> tuple[list[Series], list[Series]]:
            cells = self.engine.over(promql.cells_of(names, strip.step), strip)
            if not silent:
                return await cells, []
            last = self.engine.now(promql.last_of(silent, range_s), self._clock.wall())
            both = await asyncio.gather(cells, last)
            return both[0], both[1]

        cells, last = await self._get(("cells", strip.step, names, silent), strip.step / 4, ask)
        return promql.with_cells(page, cells, last, strip)

    async def _get(self, key: Hashable, fresh_s: float, ask: Callable[[], Awaitable[T]]) -> T:
        """What is known, asked anew if it is old. Raises EngineError where the engine fails and nothing is known."""
        now = self._clock.now().monotonic
        kept: _Kept[T] | None = self._kept.get(key)
        if kept is not None and now < kept.until:
            return kept.value
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(ask())
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        try:
            # One reader who leaves does not end it for the others.
            value: T = await asyncio.shield(asking)
        except EngineError as error:
            self._note(key, str(error))
            if kept is None:
                raise
            kept.until = now + FRESH_S
            return kept.value
        self._note(key, None)
        self._kept.pop(key, None)
        self._kept[key] = _Kept(value, now + max(FRESH_S, fresh_s))
        while len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        return value

    def _note(self, key: Hashable, problem: str | None) -> None:
        """Note whether a question was answered; that the engine fails is logged once, as is that it works again."""
        failed, now = bool(self._problems), self._clock.now().monotonic
        self._problems = {other: one for other, one in self._problems.items() if other != key and now < one.until}
        if problem is not None:
            self._problems[key] = _Kept(problem, now + TOLD_S)
            if not failed:
                log.warning("the engine %s fails: %s", self.engine.name, problem)
        elif failed and not self._problems:
            log.warning("the engine %s answers again", self.engine.name)


_NOW = (promql.now_of(), promql.seen_of())
