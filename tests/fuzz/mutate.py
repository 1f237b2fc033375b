"""Damage: a few bytes of a file changed, cut, doubled or moved, as disks, cables and forgers do."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

MOST = 8
"""Changes that one case makes at most."""
NUMBERS = (0, 1, 2, 3, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
"""Whole numbers at which programs turn over."""
FLOATS = (0.0, -0.0, 1e-45, 1e-310, 3.4e38, 1e308, float("inf"), float("-inf"), float("nan"), -1.0)
WORDS = (
    b"\0", b"\n", b"\r\n", b'"', b"'", b",", b"}", b"]", b"[[", b"{", b"=", b"-", b"/", b"..", b"nan", b"inf", b"true",
    b"null", b"1e400", b"9" * 400, b"-1", b"0", b"\xff", b"\xef\xbb\xbf", b"\xc3\x28", b"\x1b[2J", b"<b>", b"None",
    b"x",
)  # fmt: skip
"""What text files may hold in a wrong place."""


def mutated(data: bytes, random: Random) -> bytes:
    """Return the content of a file after one to eight changes; most cases have one or two."""
    content = bytearray(data)
    for _ in range(min(MOST, 1 + int(random.expovariate(0.7)))):
        random.choice(CHANGES)(content, random)
    return bytes(content)


def place(content: bytearray, random: Random) -> int:
    """Return where to change it: anywhere, or near the beginning or the end, where headers and indices lie."""
    near = min(len(content), 400)
    start, length = random.choice([(0, len(content)), (0, len(content)), (0, near), (len(content) - near, near)])
    return start + random.randrange(max(1, length))


def flip(content: bytearray, random: Random) -> None:
    """Change a bit."""
    if content:
        content[place(content, random)] ^= 1 << random.randrange(8)


def byte(content: bytearray, random: Random) -> None:
    """Write a byte over another."""
    if content:
        content[place(content, random)] = random.choice((0, 1, 127, 128, 255, random.randrange(256)))


def number(content: bytearray, random: Random) -> None:
    """Write a number over what is there, of 1, 2, 4 or 8 bytes, whole or floating."""
    at, order = place(content, random), random.choice("<>")
    if random.random() < 0.2:
        packed = struct.pack(order + "d", random.choice(FLOATS))
        packed = packed if random.random() < 0.5 else struct.pack(order + "f", random.choice((0.0, 3e38, float("nan"))))
    else:
        width = random.choice("BHIQ")
        limit = 256 ** struct.calcsize("<" + width)
        packed = struct.pack(order + width, random.choice(NUMBERS) % limit)
    content[at : at + len(packed)] = packed


def cut(content: bytearray, random: Random) -> None:
    """Leave the end out."""
    del content[random.randrange(len(content) + 1) :]


def remove(content: bytearray, random: Random) -> None:
    """Leave some bytes out."""
    at = place(content, random)
    del content[at : at + random.choice((1, 2, 8, random.randrange(1, 300)))]


def zero(content: bytearray, random: Random) -> None:
    """Write zeros over some bytes, as a lost block of a disk reads."""
    at = place(content, random)
    span = content[at : at + random.choice((4, 16, 512, 4096))]
    content[at : at + len(span)] = bytes(len(span))


def double(content: bytearray, random: Random) -> None:
    """Put a piece in once more, somewhere else."""
    at = place(content, random)
    there = place(content, random)
    content[there:there] = content[at : at + random.choice((1, 8, 64, 512))]


def copy(content: bytearray, random: Random) -> None:
    """Write a piece over another."""
    at, there = place(content, random), place(content, random)
    piece = content[at : at + random.choice((1, 4, 8, 64, 512))]
    content[there : there + len(piece)] = piece


def insert(content: bytearray, random: Random) -> None:
    """Put bytes or words in."""
    at = place(content, random)
    content[at:at] = random.choice((random.choice(WORDS), random.randbytes(random.randrange(1, 20))))


def overwrite(content: bytearray, random: Random) -> None:
    """Write a word over what is there."""
    at, word = place(content, random), random.choice(WORDS)
    content[at : at + len(word)] = word


def append(content: bytearray, random: Random) -> None:
    """Put bytes behind the end."""
    content.extend(random.choice((random.choice(WORDS), random.randbytes(random.randrange(1, 400)))))


CHANGES: tuple[Callable[[bytearray, Random], None], ...] = (
    flip, flip, byte, byte, number, number, cut, remove, zero, double, copy, insert, overwrite, append,
)  # fmt: skip
