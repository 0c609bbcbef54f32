# ruff: noqa: RUF001 - half of the sentences are Russian
"""A story in sentences, for a terminal or a screen reader: one table of them in both languages. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from cpusensor.model.records import Cause, Gap
from cpusensor.model.why import Explained, Reason, Rule, Story

CONTENT_TYPE = "text/plain"

DAY_S = 86_400

LANGUAGES = ("en", "ru")
"""In the order of the sentences."""

SENTENCES: Mapping[str, tuple[str, str]] = {
    "mean": (
        "CPU {mean} % on average, at most {highest} % ({time}).",
        "ЦП в среднем {mean} %, самое большее {highest} % ({time}).",
    ),
    "nothing": ("Nothing was recorded.", "Ничего не записано."),
    "most": ("Most of the busy time: {names}.", "Больше всего времени заняли: {names}."),
    "recorded": ("Recorded: {share} % of the time.", "Записано {share} % времени."),
    "untold": (
        "Names of programs are not told to this reader: they go to readers on the machine itself and to the token.",
        "Имена программ этому читателю не сообщаются: их видят на самой машине и с токеном.",
    ),
    "calm": ("Nothing stands out.", "Ничего особенного."),
    "calm_at": ("Nothing stands out at {time}.", "В {time} ничего особенного."),
    "gap": ("{from_time}–{to_time} not recorded: {cause}.", "{from_time}–{to_time} не записано: {cause}."),
    "kernel": ("kernel {percent} %", "ядро {percent} %"),
    Rule.BUSY: ("{from_time}–{to_time} CPU {percent} %", "{from_time}–{to_time} ЦП {percent} %"),
    Rule.DISK: ("waiting for the disk: iowait {percent} %", "ожидание диска: iowait {percent} %"),
    Rule.NEIGHBOUR: ("the neighbour: steal {percent} %", "сосед: steal {percent} %"),
    Rule.RUNNABLE: (
        "more runnable than CPUs: waiting {percent} % of the time",
        "готовых к работе больше, чем процессоров: ожидание {percent} % времени",
    ),
    Rule.ONE_CORE: ("one core worked alone", "одно ядро работало в одиночку"),
    Rule.INTERRUPTS: ("interrupts: {percent} %", "прерывания: {percent} %"),
    Rule.EXCESS: (
        "the true use is higher: accounts hold {percent} % more than the kernel's tick counted",
        "на самом деле больше: по счетам на {percent} % больше, чем насчитал таймер ядра",
    ),
    Rule.UNEXPLAINED: (
        "no name explains {percent} % of the busy time",
        "{percent} % занятого времени не объясняется ничьим именем",
    ),
    Rule.THROTTLED: (
        "throttled by its own limit: {name} in {percent} % of periods",
        "упирается в собственный предел: {name} в {percent} % периодов",
    ),
    Cause.REBOOTED: ("the machine was restarted", "машина перезагружалась"),
    Cause.STOPPED: ("cpusensor was stopped", "cpusensor был остановлен"),
    Cause.CRASHED: ("cpusensor ended without notice", "cpusensor завершился внезапно"),
    Cause.SUSPENDED: ("the machine slept", "машина спала"),
    Cause.CLOCK: ("the clock was set", "часы переводились"),
    Cause.UNREADABLE: ("the CPU counters could not be read", "счётчики ЦП не читались"),
    Cause.UNWRITTEN: ("the database took no samples", "база не принимала отсчёты"),
    Cause.STALLED: ("cpusensor did not run", "cpusensor не выполнялся"),
}


def tell(story: Story, lang: str, host: str, local: Callable[[int], datetime]) -> str:
    """The story in lines; `local` is a time as clocks on the machine show it."""
    return "".join(f"{line}\n" for line in Teller(lang, local).lines(story, host))


class Teller:
    """Tells in one language."""

    def __init__(self, lang: str, local: Callable[[int], datetime]) -> None:
        self._place = LANGUAGES.index(lang)
        self._local = local
        self._is_dated = False

    def lines(self, story: Story, host: str) -> Iterator[str]:
        """What happened, in the order of time, under what holds for all of it."""
        begin, end = self._local(story.span.from_time), self._local(story.span.to_time)
        # Of a day each time of a clock is but one.
        self._is_dated = story.span.to_time - story.span.from_time > DAY_S
        last = f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
        yield f"{host}, {begin:%Y-%m-%d %H:%M} – {last} {end:%Z}"
        if story.mean is None or story.highest is None:
            yield self._say("nothing")
        else:
            time = (
                "?" if story.highest_time is None else f"{self._local(story.highest_time):{self._format('%H:%M:%S')}}"
            )
            yield self._say("mean", mean=f"{story.mean:.0f}", highest=f"{story.highest:.0f}", time=time)
        if story.names:
            yield self._say("most", names=self._shares(story.names))
        for told in map(self._reason, story.throttled):
            yield f"{told[:1].upper()}{told[1:]}."
        if story.recorded < 1:
            yield self._say("recorded", share=f"{int(1000 * story.recorded) / 10:g}")
        if not story.are_names_told:
            yield self._say("untold")
        yield ""
        if not story.events:
            yield self._say("calm") if story.at is None else self._say("calm_at", time=self._time(story.at))
        for event in story.events:
            yield from self._gap(event) if isinstance(event, Gap) else self._incident(event)

    def _gap(self, gap: Gap) -> Iterator[str]:
        yield self._say("gap", **self._span(gap.from_time, gap.to_time), cause=self._say(gap.cause))

    def _incident(self, event: Explained) -> Iterator[str]:
        first, *rest = event.reasons
        times = self._span(event.span.from_time, event.span.to_time)
        parts = [self._shares(event.names)] if event.names else []
        if event.kernel is not None:
            parts.append(self._say("kernel", percent=event.kernel))
        what = self._say(first.rule, **times, percent=first.percent)
        yield f"{what}: {', '.join(parts)}" if parts else what
        yield from (f"  {self._reason(one)}" for one in rest)

    def _reason(self, reason: Reason) -> str:
        return self._say(reason.rule, percent=reason.percent, name=reason.name)

    def _shares(self, names: Sequence[tuple[str, int]]) -> str:
        return ", ".join(f"{name} {share} %" for name, share in names)

    def _span(self, begin: int, end: int) -> dict[str, str]:
        return {"from_time": self._time(begin), "to_time": self._time(end)}

    def _time(self, time: int) -> str:
        return f"{self._local(time):{self._format('%H:%M')}}"

    def _format(self, clock: str) -> str:
        return f"%m-%d {clock}" if self._is_dated else clock

    def _say(self, key: str, **values: object) -> str:
        return SENTENCES[key][self._place].format(**values)
