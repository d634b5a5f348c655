"""A real snapshot cut short, and with single bits flipped: a warning or a clear refusal, never a
crash, never a hang."""

import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402

COMMANDS = ["info", "types", "cycles", "generations", "garbage"]


# the target

class Node:
    def __init__(self, parent):
        self.parent, self.children = parent, []
        if parent:
            parent.children.append(self)


def tree():
    root = Node(None)
    root.kept = [Node(root) for _ in range(300)]
    live.answer({})


# the tests

def complaint(command, path):
    """What is wrong with how a damaged file is answered, or None."""
    done = live.refgraph(command, path)
    if done.returncode not in (0, 3):
        return "exit status %d: %s" % (done.returncode, done.stderr[:300])
    if done.returncode == 0 and "warning" not in done.stderr:
        return "no warning"
    if not done.stderr.startswith("refgraph: "):
        return "no clear line: " + done.stderr[:300]
    return None


def try_copies(folder, damage):
    """Ask a command of each of many copies that DAMAGE has made of one snapshot's bytes."""
    with live.Target("tree") as target:
        with open(live.captured(target, folder), "rb") as stream:
            data = stream.read()
    path, wrong = os.path.join(folder, "damaged.rgs"), []
    for i in range(live.count(60, 1000)):
        what, copy = damage(data)
        with open(path, "wb") as out:
            out.write(copy)
        said = complaint(COMMANDS[i % len(COMMANDS)], path)
        if said:
            wrong.append("%s, %s: %s" % (COMMANDS[i % len(COMMANDS)], what, said))
    live.check(not wrong, "%d copies:" % len(wrong), *wrong[:5])


def test_cut(folder):
    """A snapshot cut anywhere is read up to there, or refused."""
    def cut(data):
        at = random.randrange(len(data))
        return "cut at %d" % at, data[:at]
    try_copies(folder, cut)


def test_flipped(folder):
    """A snapshot with one bit flipped is read up to there, or refused."""
    def flip(data):
        bit = random.randrange(8 * len(data))
        copy = bytearray(data)
        copy[bit // 8] ^= 1 << bit % 8
        return "bit %d flipped" % bit, bytes(copy)
    try_copies(folder, flip)


live.main(test_cut, test_flipped)
