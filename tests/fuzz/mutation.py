"""A mutator of our own: for quick runs, and where atheris does not exist."""

from collections.abc import Iterator
from random import Random

TOKENS = (
    *(b"\x00", b"\xff", b"\xfd\xff\xff", b"\xfe\xff\xff\xff\xff", b"\xff" * 9),
    *(b"\x80\x80", b"\xed\xa0\x80", b"\xc3\xa9", b"\xf0\x9f\x92\xb0", b"\x7f", b"\n"),
    *(b"9" * 20, b"9" * 5000, b"1e400", b"-0", b"0.5", b"null", b"true", b"NaN"),
    *(b"[" * 2000, b'{"a":' * 2000, b'""', b"{}", b"[]", b'"\\ud800"', b",", b":"),
    *(
        b"[[a]]\n",
        b"a.b.c = 1\n",
        b"a = " + b"[" * 2000,
        b'"""',
        b"0000-00-00T00:00:00Z",
    ),
)
"""What parsers are known to stumble over."""

MAX_BYTES = 100_000


def mutations(seeds: list[bytes], random: Random) -> Iterator[bytes]:
    """Yield changed seeds without end; what was yielded is changed again at times."""
    pool = list(seeds) or [b""]
    while True:
        data = bytearray(random.choice(pool))
        for _ in range(random.choice((1, 1, 1, 2, 4, 8))):
            change(data, pool, random)
        made = bytes(data[:MAX_BYTES])
        if random.random() < 0.05:
            pool[random.randrange(len(pool))] = made
            pool.append(random.choice(seeds or [b""]))
            pool = pool[-1000:]
        yield made


def change(data: bytearray, pool: list[bytes], random: Random) -> None:
    """Change ``data`` in one place."""
    at = random.randrange(len(data) + 1)
    end = min(len(data), at + random.choice((1, 2, 4, 8, 32, 256)))
    match random.randrange(7):
        case 0 if at < len(data):
            data[at] ^= 1 << random.randrange(8)
        case 1 if at < len(data):
            data[at] = random.randrange(256)
        case 2:
            del data[at:end]
        case 3:
            data[at:at] = data[at:end] * random.choice((1, 2, 50))
        case 4:
            data[at:end] = random.choice(TOKENS)
        case 5:
            other = random.choice(pool)
            begin = random.randrange(len(other) + 1)
            data[at:end] = other[begin : begin + random.choice((4, 32, 1000))]
        case _:
            data[at:at] = random.choice(TOKENS)
