"""The body of Prometheus' remote write 1.0: samples as series, in protobuf, compressed by Snappy. Pure.

prometheus.io/docs/specs/prw/remote_write_spec: labels in the order of their names, the samples of a series in the order
of time, and a staleness marker, a NaN of its own, where a series ends. Without that an engine would go on with the last
value for five minutes.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cpusensor.model.figures import BUSY
from cpusensor.model.records import Gap, Sample, Tick

(STALE,) = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))
"""Ends a series (Prometheus: value.StaleNaN)."""

MODES = (*BUSY, "iowait", "steal")

HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}

MISSING = "--remote-write needs cramjam and protobuf; install them with: pip install -r requirements-push.txt"


class MissingError(Exception):
    """A package is not installed that only this needs; its text says how to install it."""


Series = tuple[str, str, str]
"""Name of the metric, and name and value of the label that tells its series apart; empty where it has one series."""


SHARE_DIGITS = 6
"""Decimals of a share: what half a million ticks resolve. More would be noise, for which VictoriaMetrics takes three
times the disk, and of which it keeps no more than twelve digits."""


def values_of(sample: Sample) -> Iterator[tuple[Series, float]]:
    """The series of a sample, each with its value; what is not known has none."""
    figures = sample.figures
    yield ("cpusensor_cpu_ratio", "", ""), _share(figures.busy, figures.all)
    for mode in MODES:
        ticks: int | None = getattr(figures, mode)
        if ticks is not None:
            yield ("cpusensor_mode_ratio", "mode", mode), _share(ticks, figures.all)
    for core in sample.cores or ():
        if core.all:
            yield ("cpusensor_core_ratio", "cpu", str(core.cpu)), _share(core.busy, core.all)
    if figures.load_centi is not None:
        yield ("cpusensor_load1", "", ""), figures.load_centi / 100
    if figures.pressure_us is not None and figures.elapsed_ms > 0:
        yield ("cpusensor_pressure_ratio", "", ""), min(1.0, _share(figures.pressure_us, 1000 * figures.elapsed_ms))


def _share(part: int, whole: int) -> float:
    return round(part / whole, SHARE_DIGITS)


Points = dict[Series, list[tuple[int, float]]]
"""Time in ms and value of each point, in the order of time, by series."""


def points_of(before: Sample | None, ticks: Sequence[Tick], *, is_end: bool = False) -> Points:
    """The points of ticks that follow a sample, which was sent already.

    A series ends where a gap begins, where its value is not known any more and, if `is_end`, after the last tick: one
    millisecond after its last sample, since the next may come at any time after that.
    """
    points: Points = {}
    time, old = (before.time, dict(values_of(before))) if before else (0, {})
    for tick in ticks:
        new = dict(values_of(tick.sample))
        gap = next((one for one in tick.closed if isinstance(one, Gap)), None)
        if gap is not None and not old:
            # The sample before it is not at hand; its series are those of the next.
            time, old = gap.from_time, new
        _end(points, old if gap is not None else old.keys() - new.keys(), time)
        time, old = tick.sample.time, new
        for series, value in new.items():
            points.setdefault(series, []).append((1000 * time, value))
    if is_end:
        _end(points, old, time)
    return points


def _end(points: Points, series: Iterable[Series], time: int) -> None:
    for one in series:
        points.setdefault(one, []).append((1000 * time + 1, STALE))


class Encoder:
    """Makes the bodies for one receiver."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        """`labels` are those of every series. Raises MissingError."""
        try:
            from cramjam import snappy  # noqa: PLC0415 - only a service that pushes has it
        except ImportError:
            raise MissingError(MISSING) from None
        self._compress = snappy.compress_raw
        self._request = request_class()
        self._labels = labels

    def encode(self, points: Mapping[Series, Iterable[tuple[int, float]]]) -> bytes:
        """The body for these points."""
        request = self._request()
        for series, values in sorted(points.items()):
            one = request.timeseries.add()
            for name, value in self._labels_of(series):
                one.labels.add(name=name, value=value)
            for time_ms, number in values:
                one.samples.add(value=number, timestamp=time_ms)
        return bytes(self._compress(request.SerializeToString()))

    def _labels_of(self, series: Series) -> list[tuple[str, str]]:
        metric, label, value = series
        return sorted(({**self._labels, "__name__": metric} | ({label: value} if label else {})).items())


def request_class() -> Any:  # noqa: ANN401 - protobuf makes it while it runs
    """The message WriteRequest (prometheus/prompb: remote.proto, types.proto). Raises MissingError."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: PLC0415 - as above
    except ImportError:
        raise MissingError(MISSING) from None
    file = descriptor_pb2.FileDescriptorProto(name="cpusensor/remote.proto", package="cpusensor", syntax="proto3")
    kinds = {"string": 9, "double": 1, "int64": 3}
    messages = {
        "Label": [("name", "string"), ("value", "string")],
        "Sample": [("value", "double"), ("timestamp", "int64")],
        "TimeSeries": [("labels", "Label"), ("samples", "Sample")],
        "WriteRequest": [("timeseries", "TimeSeries")],
    }
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields, start=1):
            if kind in kinds:
                message.field.add(name=field, number=number, label=1, type=kinds[kind])
            else:
                message.field.add(name=field, number=number, label=3, type=11, type_name=f".cpusensor.{kind}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("cpusensor.WriteRequest"))
