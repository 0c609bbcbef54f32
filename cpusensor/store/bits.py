"""The lowest bits of bytes <-> packed bits. Pure.

The lowest bits of what is measured are noise: no code makes them shorter, and the tables of one that tries take room.
"""

MAX_BITS = 8
"""Of a byte."""

ZERO = ord("0")

AS_DIGITS = [bytes(ZERO + (byte >> at & 1) for byte in range(256)) for at in range(MAX_BITS)]
"""Bytes as the digit of one of their bits."""

OF_DIGITS = bytes(byte == ord("1") for byte in range(256))

RIGHT = [bytes(byte >> count for byte in range(256)) for count in range(MAX_BITS + 1)]
LEFT = [bytes(byte << count & 0xFF for byte in range(256)) for count in range(MAX_BITS + 1)]


def packed_length(length: int, count: int) -> int:
    """Bytes that so many bits of each of some bytes take."""
    return count * (length + 7 >> 3)


def pack_bits(plane: bytes, count: int) -> tuple[bytes, bytes]:
    """The bytes without their lowest `count` bits, and these: first the lowest of all bytes, then the next ones."""
    size = packed_length(len(plane), 1)
    # To Python a number of base two with as many digits as there are bytes: all of it runs in C.
    packed = (int(plane.translate(digits) or b"0", 2).to_bytes(size, "big") for digits in AS_DIGITS[:count])
    return plane.translate(RIGHT[count]), b"".join(packed)


def unpack_bits(high: bytes, packed: bytes, count: int) -> bytes:
    """The bytes."""
    if count == 0:
        return high
    length, size = len(high), packed_length(len(high), 1)
    low = 0
    for at in range(count):
        digits = f"{int.from_bytes(packed[at * size : (at + 1) * size], 'big'):0{length}b}"[-length:]
        low |= int.from_bytes(digits.encode().translate(OF_DIGITS), "little") << at
    return (low | int.from_bytes(high.translate(LEFT[count]), "little")).to_bytes(length, "little")
