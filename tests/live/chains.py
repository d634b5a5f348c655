"""Chains of live processes: as short as those that objgraph finds from inside, where it does."""

import ctypes
import gc
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402

try:
    import objgraph
except ImportError:
    objgraph = None


class Thing:
    pass


def build(seed, count):
    """COUNT objects that refer to one another at random; a few are held by the module."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        kind = chance.randrange(4)
        made.append(Thing() if kind == 0 else [] if kind == 1 else {} if kind == 2 else set())
    for number, one in enumerate(made):
        for _ in range(chance.randrange(1, 4)):
            other = made[chance.randrange(count)]
            if isinstance(one, Thing):
                setattr(one, "a%d" % chance.randrange(5), other)
            elif isinstance(one, list):
                one.append(other)
            elif isinstance(one, dict):
                one[chance.randrange(100)] = other
            elif isinstance(other, Thing):
                one.add(other)
    for number in range(3):
        globals()["held%d" % number] = made[number]
    return [hex(id(made[chance.randrange(count)])) for _ in range(12)]


def tangle(seed, count):
    asked = build(seed, count)
    gc.collect()
    live.answer({
        "asked": lambda: asked,
        "reached": lambda: [hex(id(one)) for one in reached()],
        "chain": chain,
    })


def reached():
    """What the module's names lead to, in no particular order."""
    seen, todo = {}, [globals()["held%d" % number] for number in range(3)]
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        todo += (vars(one).values() if isinstance(one, Thing) else
                 one.values() if isinstance(one, dict) else one)
    return seen.values()


def chain(address):
    one = ctypes.cast(int(address, 16), ctypes.py_object).value
    found = objgraph.find_backref_chain(one, objgraph.is_proper_module, max_depth=30)
    return len(found) if objgraph.is_proper_module(found[0]) else None


@live.needs(lambda: objgraph, "no objgraph here (Debian: python3-objgraph)")
def test_chains(folder):
    """why --raw is as short as objgraph.find_backref_chain, on random heaps"""
    compared = 0
    for seed in range(live.count(6, 60)):
        with live.Target("tangle", seed, 400) as target:
            asked = target.ask("asked")
            alive = set(target.ask("reached"))
            snapshot = live.captured(target, folder)
            for address in sorted(alive & set(asked)):
                why = live.ask("why", snapshot, address, "--raw")["chains"]["rows"][0]
                theirs = target.ask("chain", address)
                live.check(why["root"].startswith("module "), "the root of", address, "is",
                           why["root"])
                live.equal(why["steps"]["of"], theirs, "steps to %s in heap %d" % (address, seed))
                compared += 1
    live.check(compared >= 20, "chains compared:", compared)


if __name__ == "__main__":
    live.main(test_chains)
