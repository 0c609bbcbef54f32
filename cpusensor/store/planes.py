"""Columns of whole numbers <-> deflated bytes, without loss. Pure.

A column repeats far more than a row does. It is stored as the lowest bytes of all its numbers, then their second bytes,
…, and each of these planes is deflated with statistics of its own.
"""

import math
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, product, repeat
from operator import add, sub
from statistics import median_low
from typing import TypeAlias

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

PLANES, FORM, HAS_NULLS = 15, 16, 64
"""Of the head of a column: the number of its planes, its form times so much, and whether it has nulls."""

DECAY, ONE = 1884, 2048
"""What the kernel multiplies a load average by, and divides, every five seconds (sched/loadavg.h, EXP_1)."""

STEPS: Sequence[Callable[[int], int]] = (
    lambda _: 0,
    lambda before: before,
    lambda before: (before * DECAY + ONE // 2) // ONE,
)
"""What each form takes a number for that follows on another: nothing known, the same, the same after it decayed."""

FEW = 200
"""Numbers of which the statistics of a plane take more than they spare."""

BYTE = 256

LOW_BITS, GOES_ON = 0x7F, 0x80
"""Of a byte of a single number."""


class UnpackableError(Exception):
    """Bytes that were not packed here, or numbers that cannot be; the text says why."""


class Sink:
    """Takes what is packed, piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[tuple[bytes, bool]] = []
        """With each whether it is a plane."""

    def number(self, value: int) -> None:
        """A whole number of any sign: seven bits a byte, the lowest first."""
        value = value << 1 if value >= 0 else (-value << 1) - 1
        packed = bytearray()
        while value > LOW_BITS:
            packed.append(value & LOW_BITS | GOES_ON)
            value >>= 7
        self._pieces.append((bytes([*packed, value]), False))

    def text(self, text: bytes) -> None:
        """Any bytes."""
        self.number(len(text))
        self._pieces.append((text, False))

    def column(self, *choices: Column, forms: Sequence[int] = (0, 1)) -> None:
        """One of some columns of the same length, whichever is the shortest, in the shortest of some forms.

        Raises UnpackableError.
        """
        is_null = bytes(value is None for value in choices[0])
        filled = [_filled(choice) for choice in choices]
        planes = {key: Planes.of(_rest(filled[key[0]], key[1])) for key in product(range(len(filled)), forms)}
        number, form = min(planes, key=lambda key: planes[key].length)
        chosen = planes[number, form]
        if chosen.length == math.inf:
            raise UnpackableError("a number has more than eight bytes")
        self.number(number)
        self.number(len(chosen.planes) | FORM * form | HAS_NULLS * any(is_null))
        self.number(chosen.base)
        if form:
            self.number(filled[number][0])
        self._pieces += [(plane, True) for plane in ([is_null] * any(is_null) + chosen.planes)]

    def deflated(self) -> bytes:
        """All of it."""
        is_apart = any(is_plane and len(piece) > FEW for piece, is_plane in self._pieces)
        deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_FILTERED, DICTIONARY)
        parts = []
        for piece, is_plane in self._pieces:
            parts.append(deflate.compress(piece))
            if is_plane and is_apart:
                parts.append(deflate.flush(zlib.Z_BLOCK))
        return b"".join([*parts, deflate.flush()])


@dataclass(frozen=True, slots=True)
class Planes:
    """What numbers are above a base, byte by byte."""

    base: int
    planes: list[bytes]
    length: float
    """Bytes that they are deflated to, about; infinite where they have more than eight planes."""

    @classmethod
    def of(cls, values: Sequence[int]) -> "Planes":
        """Of some numbers, or none."""
        lowest, highest = min(values, default=0), max(values, default=0)
        if lowest == highest:
            return cls(lowest, [], 0)
        # The middle of the values in the middle of a byte: few of them carry into the next plane.
        base = median_low(values) - BYTE // 2
        base -= max(0, -((lowest - base) // BYTE) * BYTE)
        if highest - lowest < BYTE <= highest - base or highest - base >= 1 << 64:
            base = lowest
        width = (highest - base).bit_length() + 7 >> 3
        if width not in FORMATS:
            return cls(base, [], math.inf)
        code, size = FORMATS[width]
        packed = struct.pack(f"<{len(values)}{code}", *map(sub, values, repeat(base)))
        planes = [packed[at::size] for at in range(width)]
        return cls(base, planes, sum(map(_deflated_length, planes)))


def _deflated_length(plane: bytes) -> int:
    """About how many bytes it takes: fast, for of many forms one is chosen."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, 8, zlib.Z_RLE)
    return len(deflate.compress(plane)) + len(deflate.flush())


def _rest(values: Sequence[int], form: int) -> list[int]:
    """What is left of the numbers: of all of them in the first form, of all but the first one in another."""
    if form == 0:
        return list(values)
    return list(map(sub, values[1:], map(STEPS[form], values)))


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
            self._packed = inflate.decompress(deflated, MAX_BYTES)
        except zlib.error as error:
            raise UnpackableError(str(error)) from error
        self._at = 0

    def _take(self, length: int) -> bytes:
        taken = self._packed[self._at : self._at + length]
        if len(taken) < length:
            raise UnpackableError("it ends too early")
        self._at += length
        return taken

    def number(self) -> int:
        """As `Sink.number`."""
        value = shift = 0
        while (byte := self._take(1)[0]) > LOW_BITS:
            value |= (byte & LOW_BITS) << shift
            shift += 7
        value |= byte << shift
        return -(value + 1 >> 1) if value & 1 else value >> 1

    def text(self) -> bytes:
        """As `Sink.text`."""
        return self._take(self.number())

    def column(self, length: int) -> tuple[int, Column]:
        """As `Sink.column`, of so many rows: which of the columns it was, and what it holds."""
        number, head, base = self.number(), self.number(), self.number()
        form = (head % HAS_NULLS) // FORM
        if form >= len(STEPS):
            raise UnpackableError(f"there is no form {form}")
        first = self.number() if form else 0
        is_null = self._take(length) if head & HAS_NULLS else b""
        values = self._numbers(head & PLANES, base, length - bool(form))
        if form == 1:
            values = [*accumulate(values, add, initial=first)]
        elif form:
            values = [*accumulate(values, lambda before, rest: STEPS[form](before) + rest, initial=first)]
        column = [None if null else value for value, null in zip(values, is_null, strict=True)] if is_null else values
        return number, column

    def _numbers(self, width: int, base: int, length: int) -> list[int]:
        if width not in FORMATS:
            return [base] * length
        code, size = FORMATS[width]
        packed = bytearray(length * size)
        for at in range(width):
            packed[at::size] = self._take(length)
        return list(map(add, struct.unpack(f"<{length}{code}", packed), repeat(base)))
