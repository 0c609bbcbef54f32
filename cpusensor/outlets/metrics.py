"""The text of /metrics: the kernel's own counters and the newest sample, for Prometheus and what speaks its format.

prometheus_client writes the text, and is imported when it is first asked for: it takes 34 ms and a MiB.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cpusensor.kernel.counters import UnreadableError
from cpusensor.kernel.reading import Readings
from cpusensor.model.figures import TICKS_PER_SECOND
from cpusensor.model.records import Cause, Counters, Sample, Standing
from cpusensor.model.usage import RESET_TICKS
from cpusensor.outlets.remote_write import MissingError

MODES = ("user", "system", "irq", "idle", "iowait", "steal")
"""The kinds of time of a CPU, by the names of their fields; the first three are work."""

MISSING = "/metrics needs prometheus-client; install it with: pip install -r requirements-push.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the service knows beside the counters."""

    version: str
    is_recording: bool | None
    """None where nothing is to be recorded."""
    newest: Sample | None = None
    gap_seconds: Mapping[Cause, int] = field(default_factory=dict)
    """In gaps that were recorded since the service started, by cause."""
    receivers: Sequence[Standing] = ()
    """How each receiver of samples fares."""


class Rising:
    """Counters that never fall, whatever the kernel's do.

    One that falls by a little (the kernel takes back some iowait) stays where it is until it is reached again; one that
    was reset goes on from there.
    """

    def __init__(self) -> None:
        self._shown: dict[tuple[int, str], int] = {}
        self._offsets: dict[tuple[int, str], int] = {}

    def follow(self, cpu: int, mode: str, ticks: int) -> int:
        """What to show for the counter of a CPU that is at `ticks`."""
        key = cpu, mode
        before, value = self._shown.get(key, 0), ticks + self._offsets.get(key, 0)
        if before - value > RESET_TICKS:
            self._offsets[key] = before - ticks
        self._shown[key] = max(before, value)
        return self._shown[key]


class Metrics:
    """Answers scrapes. Touches neither the database nor the sampling."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings
        self._rising = Rising()
        self._process: Any = None

    async def text(self, state: State, accept: str) -> tuple[bytes, str]:
        """The metrics now, and their content type: OpenMetrics where `accept` names it, else Prometheus' text.

        The counters are read for each scrape, so that a rate over any two of them is exact. Raises MissingError.
        """
        try:
            from prometheus_client import ProcessCollector  # noqa: PLC0415 - see above
        except ImportError:
            raise MissingError(MISSING) from None
        self._process = self._process or ProcessCollector(registry=None)
        try:
            counters: Counters | None = (await self._readings.take()).counters
        except UnreadableError:
            counters = None
        families = _Families([*_families_of(state), *self._counted(counters), *self._process.collect()])
        try:
            return _encode(families, accept)
        # The header of whoever asks for a version that is none.
        except (TypeError, ValueError):
            return _encode(families, "")

    def _counted(self, counters: Counters | None) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415 - as above

        if counters is None:
            return
        times = CounterMetricFamily(
            "cpusensor_cpu_seconds", "Seconds that each CPU has spent since boot, by kind.", labels=["cpu", "mode"]
        )
        for cpu, spent in counters.cpus.items():
            for mode in MODES:
                # What the kernel does not count is left out.
                ticks: int | None = getattr(spent, mode)
                if ticks is not None:
                    times.add_metric([str(cpu), mode], self._rising.follow(cpu, mode, ticks) / TICKS_PER_SECOND)
        yield times
        load, pressure_us = counters.values["load_centi"], counters.values["pressure_us"]
        if load is not None:
            yield GaugeMetricFamily("cpusensor_load1", "The load average of one minute.", load / 100)
        if pressure_us is not None:
            help_text = "Seconds in which some task waited for a CPU."
            yield CounterMetricFamily("cpusensor_pressure_seconds", help_text, pressure_us / 1e6)


def _encode(families: "_Families", accept: str) -> tuple[bytes, str]:
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415 - as above

    encode, content_type = choose_encoder(accept)
    return encode(families), content_type


def _families_of(state: State) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily  # noqa: PLC0415 - as above

    yield InfoMetricFamily("cpusensor_build", "The version that runs.", {"version": state.version})
    if state.is_recording is not None:
        help_text = "1 while all is well, 0 while something keeps samples back."
        yield GaugeMetricFamily("cpusensor_recording", help_text, state.is_recording)
        yield _gaps_of(state)
    if state.receivers:
        yield from _pushes_of(state.receivers)
    if state.newest is not None:
        ticks = state.newest.figures
        help_text = "CPU use of all CPUs in the newest sample, from 0 to 1."
        yield GaugeMetricFamily("cpusensor_cpu_ratio", help_text, ticks.busy / ticks.all)


def _gaps_of(state: State) -> Any:  # noqa: ANN401 - what prometheus_client makes, which is imported when it is asked for
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 - as above

    help_text = "Seconds in which nothing was recorded, in gaps that ended since the service started."
    gaps = CounterMetricFamily("cpusensor_gap_seconds", help_text, labels=["cause"])
    for cause in Cause:
        gaps.add_metric([cause.value], state.gap_seconds.get(cause, 0))
    return gaps


def _pushes_of(receivers: Sequence[Standing]) -> list[Any]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415 - as above

    pushed = CounterMetricFamily("cpusensor_push_samples", "Samples pushed.", labels=["receiver", "outcome"])
    behind = GaugeMetricFamily("cpusensor_push_behind_seconds", "Samples that wait, in seconds.", labels=["receiver"])
    until = GaugeMetricFamily(
        "cpusensor_push_until_timestamp_seconds", "Up to when everything was sent.", labels=["receiver"]
    )
    failing = GaugeMetricFamily("cpusensor_push_failing", "1 while samples are not taken.", labels=["receiver"])
    for standing in receivers:
        pushed.add_metric([standing.name, "sent"], standing.sent)
        pushed.add_metric([standing.name, "refused"], standing.refused)
        behind.add_metric([standing.name], standing.behind_s)
        failing.add_metric([standing.name], standing.problem is not None)
        if standing.until is not None:
            until.add_metric([standing.name], standing.until)
    return [pushed, behind, until, failing]


@dataclass(frozen=True, slots=True)
class _Families:
    """A registry of what was made for one scrape."""

    families: list[Any]

    def collect(self) -> list[Any]:
        """The families."""
        return self.families
