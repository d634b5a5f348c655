"""Previews of numbers and texts are what Python itself prints."""

import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import rgs  # noqa: E402
import trusted  # noqa: E402

COUNT = 3000


def floats(seed):
    chance = random.Random(seed)
    yield from (0.0, -0.0, 1.0, -1.5, 0.1, 0.001, 0.0005, 1e15, 1e16, 1e22, 1e-5, 123456789012.345, 1e12,
                999999999999.999, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf"),
                float("nan"), 0.1 + 0.2, 2.0 ** 53, 2.0 ** 53 + 2, 2.675, 1 / 3)
    for _ in range(COUNT):
        yield chance.uniform(-1000, 1000)
        yield round(chance.uniform(-1e6, 1e6), chance.randrange(6))
        yield chance.randrange(-10 ** 13, 10 ** 13) / 1000
        yield struct.unpack("<d", struct.pack("<Q", chance.getrandbits(64)))[0]


def ints(seed):
    chance = random.Random(seed)
    for _ in range(COUNT):
        yield chance.getrandbits(chance.randrange(1, 121)) * chance.choice((1, -1))


def texts(seed):
    chance = random.Random(seed)
    for _ in range(COUNT):
        size = chance.randrange(1, 60)
        most = chance.choice((0x7f, 0xff, 0x7ff, 0xd7ff, 0x10ffff))
        text = "".join(chr(chance.randrange(1, most)) for _ in range(size))
        yield "".join(c for c in text if not "\ud800" <= c <= "\udfff")


# targets

def numbers(seed):
    kept = [list(floats(seed)), list(ints(seed)), list(texts(seed))]
    live.answer({"said": lambda: [[[id(one), repr(one) if i < 2 else one] for one in kept[i]]
                                  for i in range(3)]})


# tests

def test_every_interpreter(folder):
    """On every interpreter: floats and ints as repr() has them, texts as they are"""
    for version, python in trusted.interpreters():
        with live.Target("numbers", random.randrange(1 << 30), python=python) as target:
            said = target.ask("said")
            snapshot = rgs.read(live.captured(target, folder))
        for kind, pairs in zip((3, 3, 1), said):
            shown = [(address, text) for address, text in pairs if len(text.encode()) < 100]
            wrong = [(text, snapshot.values.get(address)) for address, text in shown
                     if rgs.Value(kind, text, True) not in snapshot.values.get(address, ())]
            live.check(len(shown) > COUNT // 2, "shown:", len(shown))
            live.check(not wrong, version, "previews that differ:", len(wrong), wrong[:5])


sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_every_interpreter)
