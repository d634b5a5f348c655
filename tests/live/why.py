"""Why it is alive: chains that people understand, all the holders, and who else holds it.

What `why --all` and `why --avoid` say of a process is held against what the process then does: it
cuts the holder, and counts who is still alive.
"""

import gc
import os
import random
import sys
import weakref

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402


class Session:
    def __init__(self, number):
        self.data = [number] * 3


class Cache:
    def __init__(self, kept):
        self.entries = kept


class Registry:
    def __init__(self, kept):
        self.by_name = {"s%d" % i: one for i, one in enumerate(kept)}


class Box:
    pass


class Node:
    def __init__(self, after):
        self.after = after


# targets

def service(seed, count):
    """COUNT sessions in a cache, in a registry, in both, or in a local list."""
    chance = random.Random(seed)
    cached, named, local = [], [], []
    seen = []
    for number in range(count):
        one = Session(number)
        where = chance.randrange(1, 8)
        for bit, holder in enumerate((cached, named, local)):
            if where >> bit & 1:
                holder.append(one)
        seen.append((weakref.ref(one), where))
    del one
    globals()["cache"] = Cache(cached)
    globals()["registry"] = Registry(named)
    del cached, named
    gc.collect()

    def cut():
        """Who is still alive without the cache, and how many objects went."""
        before = len(gc.get_objects())
        globals()["cache"] = None
        gc.collect()
        return [sum(ref() is not None for ref, _ in seen), before - len(gc.get_objects())]
    live.answer({
        "held": lambda: [where for _, where in seen],
        "cut": cut,
    })
    return local


def readable():
    """One thing held both by what is hard to read and by a long chain of attributes; one not."""
    thing, hidden = Session(1), Session(2)
    at = globals()["top"] = Box()
    for name in "abcdef":
        setattr(at, name, Box())
        at = getattr(at, name)
    at.thing = thing
    sys.path_importer_cache["thing"] = thing
    sys.path_importer_cache["hidden"] = hidden
    said = [id(thing), id(hidden)]
    del thing, hidden, at
    live.answer({"where": lambda: said})


def chained(count):
    node = None
    for _ in range(count):
        node = Node(node)
    globals()["chain"] = node
    del node
    live.answer({})


# tests

def test_readable(folder):
    """A longer chain of attributes is told rather than a short one through the import system"""
    with live.Target("readable") as target:
        thing, hidden = target.ask("where")
        snapshot = live.captured(target, folder)
        chain = live.ask("why", snapshot, hex(thing))["chains"]["rows"][0]
        live.equal(chain["path"], "sys.modules['__main__'].top.a.b.c.d.e.f.thing", "the chain")
        row = live.ask("objects", snapshot, hex(thing), "--sort", "distance")["objects"]["rows"][0]
        live.check(row["distance"] < chain["steps"]["of"] - 1, "distance", row["distance"])
        live.equal(live.ask("show", snapshot, hex(thing))["object"]["distance"], row["distance"],
                   "the distance that show tells")
        chain = live.ask("why", snapshot, hex(hidden))["chains"]["rows"][0]
        live.equal(chain["path"], "sys.modules['sys'].path_importer_cache['hidden']", "the chain")
        found = live.ask("why", snapshot, hex(thing), "--all")
        live.equal(sorted(row["path"] for row in found["chains"]["rows"]),
                   ["sys.modules['__main__'].top.a.b.c.d.e.f.thing",
                    "sys.modules['sys'].path_importer_cache['thing']"], "all ways")


def test_all(folder):
    """why --all counts the objects that each holder holds"""
    for seed in range(live.count(2, 10)):
        with live.Target("service", seed, 200) as target:
            held = target.ask("held")
            snapshot = live.captured(target, folder)
            found = live.ask("why", snapshot, "Session", "--all")
            live.equal((found["selected"], found["inner"], found["unreached"]),
                       (200, 0, 0), "selected, inner, unreached")
            for bit, text in enumerate((".entries[", ".by_name[", ".local[")):
                covers = [row["covers"] for row in found["chains"]["rows"] if text in row["path"]]
                live.equal(covers, [sum(where >> bit & 1 for where in held)], text)
            live.equal(found["chains"]["of"], 3, "ways")
            # one way each where all are not asked for
            found = live.ask("why", snapshot, "Session")
            live.equal(sum(row["covers"] for row in found["chains"]["rows"]), 200, "explained once")
            live.check("inner" not in found and "freed" not in found, "what was not asked for")


def test_inner(folder):
    """Of a list of nodes only the first has a holder that is none of them"""
    with live.Target("chained", 500) as target:
        found = live.ask("why", live.captured(target, folder), "Node", "--all")
        live.equal((found["selected"], found["inner"], found["chains"]["of"]), (500, 499, 1),
                   "selected, inner, ways")


def test_avoid(folder):
    """What --avoid says nothing else holds is freed when it is cut, and the others are not"""
    for seed in range(live.count(2, 10)):
        with live.Target("service", seed, 200) as target:
            held = target.ask("held")
            snapshot = live.captured(target, folder)
            found = live.ask("why", snapshot, "Session", "--avoid", "Cache")
            alone = sum(where == 1 for where in held)
            live.equal((found["selected"], found["freed"]["selected"]), (200, alone),
                       "selected, freed")
            live.equal(sum(row["covers"] for row in found["chains"]["rows"]), 200 - alone, "held")
            for row in found["chains"]["rows"]:
                live.check(".entries" not in row["path"], "through the cache:", row["path"])
            # the retained set of the cache, by another way
            retained = live.ask("retained", snapshot, "Cache")["selection"]
            live.equal((found["freed"]["objects"], found["freed"]["size"]),
                       (retained["retained_objects"], retained["retained"]), "freed in all")
            left, gone = target.ask("cut")
            live.equal(left, 200 - alone, "alive when it was cut")
            live.check(gone >= 2 * alone, "objects that went:", gone, "of", alone, "sessions")
            again = live.ask("why", snapshot, "Session", "--all", "--avoid", "Cache")
            live.equal(again["freed"], found["freed"], "freed, of all ways")


if __name__ == "__main__":
    live.main(test_readable, test_all, test_inner, test_avoid)
