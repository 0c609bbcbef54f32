"""The rows of an hour <-> one blob, without loss. Pure.

What of a column follows from others is taken off it first: most of what the CPUs counted is the time that passed.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import add, sub
from typing import TypeAlias

from cpusensor.model.figures import BUSY, SPENT
from cpusensor.store.columns import Row
from cpusensor.store.planes import DECAYED, LATENESS, PLAIN, RISE, Column, Sink, Source, UnpackableError

HOUR = 3600
"""Seconds."""

VERSION = 2
"""Of the form."""

HEAD = struct.Struct("<BI")
"""The version, and the CRC-32 of what follows, begun with the hour's time: no hour can pass for another."""

FIRST = ("time", "elapsed_ms", "expected", "all", "iowait", "steal", *reversed(BUSY))
"""Columns that others follow from. They come first, in this order."""

NOT_USER = tuple(name for name in SPENT if name != BUSY[0])

FORMS = {"load_centi": (PLAIN, RISE, DECAYED), "elapsed_ms": (PLAIN, RISE, LATENESS)}
"""That some columns may take beside the usual ones: one that decays by itself, and one on a grid of time."""

CORES = "cores"
"""The column of blobs, the last one."""

NUMBERS = {"H": ("H", 2, 2), "I": ("I", 4, 2), "h": ("H", 2, 3), "i": ("I", 4, 3)}
"""By the first character of a blob of cores: the format and the bytes of its numbers, and how many each CPU has."""

ALL_TICKS, BUSY_TICKS = 0, 1
"""The kinds of numbers that are told of a CPU."""

Known: TypeAlias = Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Shape:
    """What blobs of cores have in common whose numbers are columns; without a code they are null."""

    code: str
    count: int
    """Numbers in each."""

    @property
    def cpus(self) -> int:
        """How many CPUs they tell of."""
        return self.count // NUMBERS[self.code][2] if self.code else 0


def pack_hour(names: Sequence[str], rows: Sequence[Row], hour: int) -> bytes:
    """The blob for rows of these columns, `cores` the last of them. Raises UnpackableError."""
    *numbers, cores = zip(*rows, strict=True)
    columns = dict(zip(names, numbers, strict=False))
    shapes = [_shape(blob) for blob in cores]
    common = Counter(shapes).most_common(1)[0][0]
    sink = Sink()
    sink.number(len(rows))
    sink.number(common.cpus)
    sink.text(",".join(columns).encode())
    for name in _in_order(columns):
        choices = [_less(columns[name], one) for one in _expected(name, columns, common.cpus)]
        sink.column(columns[name], *choices, forms=FORMS.get(name, (PLAIN, RISE)))
    different = list(dict.fromkeys(shapes))
    sink.number(len(different))
    sink.column([different.index(shape) for shape in shapes])
    for shape in different:
        sink.text(shape.code.encode())
        sink.number(shape.count)
        at = [index for index, one in enumerate(shapes) if one == shape]
        if shape.code:
            _pack_cores(sink, shape, [cores[index] for index in at], CoreColumns(columns, at, shape))
    body = sink.deflated()
    return HEAD.pack(VERSION, zlib.crc32(body, hour & 0xFFFFFFFF)) + body


def unpack_hour(blob: object, names: Sequence[str], hour: int) -> list[Row]:
    """The rows, with these columns: null where the blob has not got one. Raises UnpackableError.

    What comes after the last of them is not unpacked.
    """
    source = Source(_body(blob, hour))
    length, cpus = source.number(), source.number()
    columns: dict[str, Column] = {}
    there = _in_order(source.text().decode("ascii", "replace").split(","))
    last = len(there) if CORES in names else max((there.index(name) + 1 for name in names if name in there), default=0)
    for name in there[:last]:
        columns[name] = _more(*source.column(length), _expected(name, columns, cpus))
    if CORES in names:
        columns[CORES] = _cores(source, length, columns)  # type: ignore[assignment] # the one column that holds blobs
    return list(zip(*(columns.get(name, [None] * length) for name in names), strict=True))


def _cores(source: Source, length: int, columns: Known) -> list[bytes | None]:
    cores: list[bytes | None] = [None] * length
    count = source.number()
    _, numbers = source.column(length)
    for number in range(count):
        shape = Shape(source.text().decode("ascii", "replace"), source.number())
        at = [index for index, one in enumerate(numbers) if one == number]
        if shape.code:
            for index, packed in zip(
                at, _unpack_cores(source, shape, len(at), CoreColumns(columns, at, shape)), strict=True
            ):
                cores[index] = packed
    return cores


def _body(blob: object, hour: int) -> bytes:
    """What follows the head of a sound blob. Raises UnpackableError."""
    if not isinstance(blob, bytes) or len(blob) < HEAD.size:
        raise UnpackableError("it is too short")
    version, checksum = HEAD.unpack_from(blob)
    body = blob[HEAD.size :]
    if version != VERSION:
        raise UnpackableError(f"its form {version} is not known")
    if checksum != zlib.crc32(body, hour & 0xFFFFFFFF):
        raise UnpackableError("its checksum is wrong")
    return body


def _in_order(names: Iterable[str]) -> list[str]:
    """The columns, those first that others follow from."""
    names = list(names)
    return [name for name in FIRST if name in names] + [name for name in names if name not in FIRST]


def _expected(name: str, known: Known, cpus: int) -> list[list[int]]:
    """What the columns before let expect of a column, if anything."""
    found: dict[str, Callable[[], list[int]]] = {
        # Ticks are hundredths of a second.
        "expected": lambda: [(ms * cpus + 5) // 10 for ms in _known(known, "elapsed_ms")],
        "all": lambda: _known(known, "expected"),
        # Where the CPUs are hardly ever idle, and where something waits for one nearly all of the time.
        BUSY[0]: lambda: list(map(sub, _known(known, "all"), _sum(known, NOT_USER))),
        "pressure_us": lambda: [1000 * ms for ms in _known(known, "elapsed_ms")],
        "total_busy": lambda: list(accumulate(_sum(known, BUSY))),
        "total_all": lambda: list(accumulate(_known(known, "all"))),
    }
    expected = found[name]() if name in found else []
    return [expected] if expected else []


def _counted(column: Column) -> list[int]:
    """Nulls as 0."""
    # To look for one takes a fraction of the time.
    return list(column) if None not in column else [value or 0 for value in column]  # type: ignore[arg-type] # none is null


def _known(known: Known, name: str) -> list[int]:
    """A column, nulls as 0; empty if there is none of that name."""
    return _counted(known.get(name, ()))


def _sum(known: Known, names: Sequence[str]) -> list[int]:
    """Columns added up, those that there are."""
    return list(map(sum, zip(*(_counted(known[name]) for name in names if name in known), strict=True)))


def _less(column: Column, expected: Sequence[int]) -> Column:
    """What a column has above what is expected of it."""
    return [None if value is None else value - base for value, base in zip(column, expected, strict=True)]


def _more(number: int, column: Column, expected: Sequence[Sequence[int]]) -> Column:
    """The column as it was, of which the number tells what was taken off: 0 nothing. Raises UnpackableError."""
    if number == 0:
        return column
    if number > len(expected):
        raise UnpackableError(f"there is no expectation {number}")
    base_of = expected[number - 1]
    if None not in column:
        return list(map(add, column, base_of))
    return [None if value is None else value + base for value, base in zip(column, base_of, strict=True)]


def _shape(blob: object) -> Shape:
    """Raises UnpackableError."""
    if blob is None:
        return Shape("", 0)
    code = blob[:1].decode("latin-1") if isinstance(blob, bytes) else ""
    if code not in NUMBERS or not isinstance(blob, bytes):
        raise UnpackableError("a blob of cores is none")
    _, size, width = NUMBERS[code]
    if (len(blob) - 1) % (size * width):
        raise UnpackableError("a blob of cores ends too early")
    return Shape(code, (len(blob) - 1) // size)


class CoreColumns:
    """The columns of the numbers in blobs of one shape: of each CPU its number if that is told, busy and all ticks.

    What is left of the ticks of all CPUs is expected of the next ones in equal parts; of the last one it is known.
    """

    def __init__(self, known: Known, rows: Sequence[int], shape: Shape) -> None:
        """The other columns, and which rows of them have such a blob."""
        self._shape = shape
        self._width = NUMBERS[shape.code][2]
        busy, ticks = _sum(known, BUSY), _known(known, "all")
        self._left = {BUSY_TICKS: [busy[row] for row in rows], ALL_TICKS: [ticks[row] for row in rows]}
        self._own: Sequence[int] = ()

    def order(self) -> Iterator[int]:
        """The places of the columns: all ticks of a CPU before its busy ones."""
        for cpu in range(0, self._shape.count, self._width):
            yield from reversed(range(cpu, cpu + self._width))

    def expected(self, at: int) -> list[list[int]]:
        """Of the column at this place, if anything."""
        kind, cpus = self._kind(at), self._shape.cpus - at // self._width
        if kind not in self._left:
            return []
        parts = [left // cpus for left in self._left[kind]]
        # Where the CPU is hardly ever idle.
        return [parts] if kind == ALL_TICKS else [parts, list(self._own)]

    def take(self, at: int, column: Sequence[int]) -> None:
        """The column is this."""
        kind = self._kind(at)
        if kind == ALL_TICKS:
            self._own = column
        if kind in self._left:
            self._left[kind] = list(map(sub, self._left[kind], column))

    def _kind(self, at: int) -> int:
        """Counted from the end of what is told of a CPU: in front of the ticks may be its number."""
        return self._width - 1 - at % self._width


def _pack_cores(sink: Sink, shape: Shape, blobs: Sequence[bytes], columns: CoreColumns) -> None:
    code, size, _ = NUMBERS[shape.code]
    packed = b"".join(blob[1:] for blob in blobs)
    numbers = struct.unpack(f"<{len(packed) // size}{code}", packed)
    for at in columns.order():
        column = numbers[at :: shape.count]
        sink.column(column, *(_less(column, one) for one in columns.expected(at)), forms=(PLAIN,))
        columns.take(at, column)


def _unpack_cores(source: Source, shape: Shape, count: int, columns: CoreColumns) -> Iterator[bytes]:
    """As many blobs."""
    code, size, _ = NUMBERS[shape.code]
    stride = shape.count * size
    packed = bytearray(count * stride)
    for at in columns.order():
        column = _counted(_more(*source.column(count), columns.expected(at)))
        columns.take(at, column)
        try:
            numbers = struct.pack(f"<{count}{code}", *column)
        except struct.error as error:
            raise UnpackableError(str(error)) from error
        for byte in range(size):
            packed[at * size + byte :: stride] = numbers[byte::size]
    head = shape.code.encode()
    return (head + packed[row * stride : (row + 1) * stride] for row in range(count))
