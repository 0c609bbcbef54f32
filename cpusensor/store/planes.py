"""Columns of whole numbers <-> deflated bytes, without loss. Pure.

A column repeats far more than a row does. It is stored as the lowest bytes of all its numbers, then their second bytes,
…, and each of these planes is deflated with statistics of its own, without those of its bits that are noise (bits.py).
"""

import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, product, repeat
from operator import add, sub
from statistics import median_low
from typing import TypeAlias

from cpusensor.store.bits import MAX_BITS, RIGHT, pack_bits, packed_length, unpack_bits

Column: TypeAlias = Sequence[int | None]

DICTIONARY = (
    b"time,run,count,user,system,irq,iowait,steal,all,elapsed_ms,expected,load_centi,pressure_us,"
    b"cpu_min_bp,cpu_max_bp,total_busy,total_all"
)
"""What names of columns are deflated against: part of the form, and never changed."""

MAX_BYTES = 1 << 26
"""That are inflated: an hour of samples each second of 1,024 CPUs is less."""

FORMATS = {1: ("B", 1), 2: ("H", 2), 3: ("I", 4), 4: ("I", 4), 5: ("Q", 8), 6: ("Q", 8), 7: ("Q", 8), 8: ("Q", 8)}
"""The format character and the bytes of a number, by the number of its planes."""

PLANES, FORM, HAS_NULLS = 15, 16, 128
"""Of the head of a column: the number of its planes, its form times so much, and whether it has nulls."""

BITS = 16
"""Of what a head says of noise: the bits of the first plane that are, those of the second times so much, …"""

DECAY, ONE = 1884, 2048
"""What the kernel multiplies a load average by, and divides, every five seconds (sched/loadavg.h, EXP_1)."""

PLAIN, RISE, DECAYED, LATENESS = range(4)
"""The forms of a column: as it is, what each number has above the one before, the same after that one decayed, and by
how much the numbers so far are more than as many usual ones: by how much a reading was late and not the difference of
two of these."""

FEW = 200
"""Numbers of which the statistics of a plane take more than they spare."""

SHARED_BITS = 3
"""The highest ones of each number, where there are few, of which all planes share their statistics."""

BYTE = 256

LOW_BITS, GOES_ON = 0x7F, 0x80
"""Of a byte of a single number."""


class UnpackableError(Exception):
    """Bytes that were not packed here, or numbers that cannot be; the text says why."""


class Sink:
    """Takes what is packed, piece by piece."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._planes: list[bytes] = []
        self._bits: list[bytes] = []

    def number(self, value: int) -> None:
        """A whole number of any sign."""
        self._head += _packed_number(value)

    def text(self, text: bytes) -> None:
        """Any bytes."""
        self.number(len(text))
        self._head += text

    def column(self, *choices: Column, forms: Sequence[int] = (PLAIN, RISE)) -> None:
        """One of some columns of the same length, whichever is the shortest, in the shortest of some forms.

        Raises UnpackableError.
        """
        is_null = bytes(value is None for value in choices[0])
        filled = [_filled(choice) for choice in choices]
        found = {key: _rest(filled[key[0]], key[1]) for key in product(range(len(filled)), forms)}
        planes = {key: Planes.of(rest) for key, (_, rest) in found.items()}
        number, form = min(planes, key=lambda key: planes[key].length)
        chosen = planes[number, form]
        if chosen.length == math.inf:
            raise UnpackableError("a number has more than eight bytes")
        self.number(number)
        self.number(len(chosen.planes) | FORM * form | HAS_NULLS * any(is_null))
        self.number(chosen.base)
        if form:
            self.number(found[number, form][0])
        if any(is_null):
            self._planes.append(is_null)
        if chosen.planes:
            self._add(chosen)

    def _add(self, chosen: "Planes") -> None:
        self.number(chosen.unit)
        counts = [_noise(plane) for plane in chosen.planes]
        self.number(sum(count * BITS**at for at, count in enumerate(counts)))
        for plane, count in zip(chosen.planes, counts, strict=True):
            high, packed = pack_bits(plane, count)
            self._bits.append(packed)
            self._planes += [high] * (count < MAX_BITS)

    def deflated(self) -> bytes:
        """All of it."""
        head = _packed_number(len(self._head)) + self._head
        is_apart = any(len(plane) > FEW for plane in self._planes)
        deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_FILTERED, DICTIONARY)
        parts = []
        for piece in (head, *self._planes):
            parts.append(deflate.compress(piece))
            if is_apart:
                parts.append(deflate.flush(zlib.Z_BLOCK))
        return b"".join([*parts, deflate.flush(), *self._bits])


def _packed_number(value: int) -> bytes:
    """Seven bits a byte, the lowest first, and lower than these the sign."""
    value = value << 1 if value >= 0 else (-value << 1) - 1
    packed = bytearray()
    while value > LOW_BITS:
        packed.append(value & LOW_BITS | GOES_ON)
        value >>= 7
    return bytes([*packed, value])


def _noise(plane: bytes) -> int:
    """How many of the lowest bits are better not deflated."""
    if len(plane) <= FEW:
        return max(0, max(plane).bit_length() - SHARED_BITS)
    lengths = [
        packed_length(len(plane), count) + (_deflated_length(plane.translate(RIGHT[count])) if count < MAX_BITS else 0)
        for count in range(MAX_BITS + 1)
    ]
    return lengths.index(min(lengths))


@dataclass(frozen=True, slots=True)
class Planes:
    """What numbers are above a base, byte by byte."""

    base: int
    unit: int
    """What all numbers above the base are a multiple of."""
    planes: list[bytes]
    length: float
    """Bytes that they are deflated to, about; infinite where they have more than eight planes."""

    @classmethod
    def of(cls, values: Sequence[int]) -> "Planes":
        """Of some numbers, or none."""
        lowest = min(values, default=0)
        above = list(map(sub, values, repeat(lowest)))
        unit = math.gcd(*above)
        if unit == 0:
            return cls(lowest, 1, [], 0)
        if unit > 1:
            above = [value // unit for value in above]
        highest, is_few = max(above), len(above) <= FEW
        # The middle of the values in the middle of a byte: few of them carry into the next plane.
        base = median_low(above) - BYTE // 2
        base -= max(0, -(-base // BYTE) * BYTE)
        if is_few or highest < BYTE <= highest - base or highest - base >= 1 << 64:
            base = 0
        width = (highest - base).bit_length() + 7 >> 3
        if width not in FORMATS:
            return cls(lowest, unit, [], math.inf)
        code, size = FORMATS[width]
        packed = struct.pack(f"<{len(above)}{code}", *map(sub, above, repeat(base)))
        planes = [packed[at::size] for at in range(width)]
        return cls(lowest + unit * base, unit, planes, sum(map(_bits_length if is_few else _deflated_length, planes)))


def _bits_length(plane: bytes) -> int:
    """How many bytes it takes in bits."""
    return packed_length(len(plane), max(plane).bit_length())


def _deflated_length(plane: bytes) -> int:
    """About how many bytes it takes: fast, for of many forms one is chosen."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, 8, zlib.Z_RLE)
    return len(deflate.compress(plane)) + len(deflate.flush())


def _decayed(before: int) -> int:
    return (before * DECAY + ONE // 2) // ONE


def _rest(values: Sequence[int], form: int) -> tuple[int, list[int]]:
    """The number that is told apart in this form, and what is then left of the numbers."""
    if form == PLAIN:
        return 0, list(values)
    if form == LATENESS:
        usual = median_low(values)
        return usual, [*accumulate(map(sub, values, repeat(usual)))]
    before = values if form == RISE else map(_decayed, values)
    return values[0], list(map(sub, values[1:], before))


def _restored(form: int, told: int, rest: Sequence[int]) -> list[int]:
    """The numbers."""
    if form == PLAIN:
        return list(rest)
    if form == LATENESS:
        return list(map(add, map(sub, rest, [0, *rest]), repeat(told)))
    if form == RISE:
        return [*accumulate(rest, initial=told)]
    return [*accumulate(rest, lambda before, above: _decayed(before) + above, initial=told)]


def _filled(column: Column) -> list[int]:
    """Nulls replaced by the value before, which changes the planes least."""
    if None not in column:
        return list(column)  # type: ignore[arg-type] # none is null
    filled, before = [], 0
    for value in column:
        before = before if value is None else value
        filled.append(before)
    return filled


class Source:
    """Gives what was packed, in the same order. Each method raises UnpackableError where there is nothing more."""

    def __init__(self, deflated: bytes) -> None:
        """Raises UnpackableError."""
        inflate = zlib.decompressobj(-zlib.MAX_WBITS, DICTIONARY)
        try:
            inflated = inflate.decompress(deflated, MAX_BYTES)
        except zlib.error as error:
            raise UnpackableError(str(error)) from error
        self._head = self._planes = Pieces(inflated)
        self._bits = Pieces(inflate.unused_data)
        self._head, self._planes = self._planes.split(self.number())

    def number(self) -> int:
        """As `Sink.number`."""
        value = shift = 0
        while (byte := self._head.take(1)[0]) > LOW_BITS:
            value |= (byte & LOW_BITS) << shift
            shift += 7
        value |= byte << shift
        return -(value + 1 >> 1) if value & 1 else value >> 1

    def text(self) -> bytes:
        """As `Sink.text`."""
        return self._head.take(self.number())

    def column(self, length: int) -> tuple[int, Column]:
        """As `Sink.column`, of so many rows: which of the columns it was, and what it holds."""
        number, head, base = self.number(), self.number(), self.number()
        form = (head % HAS_NULLS) // FORM
        if form > LATENESS:
            raise UnpackableError(f"there is no form {form}")
        told = self.number() if form else 0
        is_null = self._planes.take(length) if head & HAS_NULLS else b""
        values = _restored(form, told, self._numbers(head & PLANES, base, length - (form in {RISE, DECAYED})))
        column = [None if null else value for value, null in zip(values, is_null, strict=True)] if is_null else values
        return number, column

    def _numbers(self, width: int, base: int, length: int) -> list[int]:
        if width not in FORMATS:
            return [base] * length
        code, size = FORMATS[width]
        unit, counts = self.number(), self.number()
        packed = bytearray(length * size)
        for at in range(width):
            count = counts // BITS**at % BITS
            packed[at::size] = self._plane(length, count)
        numbers = struct.unpack(f"<{length}{code}", packed)
        if unit > 1:
            return [base + unit * number for number in numbers]
        return list(map(add, numbers, repeat(base)))

    def _plane(self, length: int, count: int) -> bytes:
        if count > MAX_BITS:
            raise UnpackableError(f"a byte has no {count} bits")
        packed = self._bits.take(packed_length(length, count))
        return unpack_bits(self._planes.take(length) if count < MAX_BITS else bytes(length), packed, count)


class Pieces:
    """Bytes that are taken from the front."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._at = 0

    def take(self, length: int) -> bytes:
        """So many of them. Raises UnpackableError if there are less."""
        taken = self._packed[self._at : self._at + length]
        if len(taken) < length or length < 0:
            raise UnpackableError("it ends too early")
        self._at += length
        return taken

    def split(self, length: int) -> tuple["Pieces", "Pieces"]:
        """The next ones, so many, and the rest. Raises UnpackableError if there are less."""
        return Pieces(self.take(length)), Pieces(self._packed[self._at :])
