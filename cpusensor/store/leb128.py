"""Numbers <-> bytes: unsigned LEB128, seven bits a byte, for most are small. Pure."""

from collections.abc import Iterable, Sequence

from cpusensor.store.columns import GarbledError

BITS, LOW, HIGH = 7, 0x7F, 0x80
"""Of a byte, and the bit that says that the number goes on."""


class Numbers:
    """Numbers that are taken from the front."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = numbers
        self._at = 0

    def take(self, count: int) -> Sequence[int]:
        """The next so many. Raises GarbledError if there are fewer."""
        begin, self._at = self._at, self._at + count
        if self._at > len(self._numbers):
            raise GarbledError("numbers end too early")
        return self._numbers[begin : self._at]


def to_bytes(numbers: Iterable[int]) -> bytes:
    """The numbers, none below 0, one after the other."""
    packed = bytearray()
    for number in numbers:
        left = number
        while left > LOW:
            packed.append(left & LOW | HIGH)
            left >>= BITS
        packed.append(left)
    return bytes(packed)


def from_bytes(packed: bytes) -> list[int]:
    """The numbers. Raises GarbledError if the last one has no end, TypeError for what is no bytes."""
    numbers, number, shift = [], 0, 0
    for byte in packed:
        if byte < HIGH:
            numbers.append(number | byte << shift)
            number = shift = 0
        else:
            number |= (byte & LOW) << shift
            shift += BITS
    if shift:
        raise GarbledError("numbers end too early")
    return numbers
