"""Where objects were allocated: what tracemalloc says, read from outside, from a core and by the agent."""

import gc
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import rgs  # noqa: E402
import trusted  # noqa: E402

FRAMES = 7
sys.path.insert(0, os.path.dirname(os.environ["REFGRAPH_AGENT_FOLDER"]))


class Plain:
    def __init__(self, number):
        self.number = number
        self.items = [number, bytes(100 + number), number * 1.5]


class Slotted:
    __slots__ = ("one", "__weakref__")


class Text(str):
    pass


def make(count):
    kept = [Plain(i) for i in range(count)]
    kept += [Slotted() for _ in range(count)]
    kept += [Text("text %d" % i) for i in range(count)]
    kept.append(lambda: kept)
    kept.append({i: {i} for i in range(count)})
    kept.append(type("Made", (Plain,), {}))
    return kept


def deep(depth, count):
    return deep(depth - 1, count) if depth else make(count)


# targets

def traced(frames, count):
    import tracemalloc
    import refgraph
    if frames:
        tracemalloc.start(frames)
    kept = deep(FRAMES - 2, count) + deep(2, count)

    def said():
        """{address: its traceback, the innermost line first} of what is kept, three levels deep."""
        objects, level = list(kept), list(kept)
        for _ in range(2):
            level = gc.get_referents(*level)
            objects += level
        found = {id(o): tracemalloc.get_object_traceback(o) for o in objects}
        return {address: [[frame.filename, frame.lineno] for frame in reversed(list(traceback))]
                for address, traceback in found.items() if traceback}
    live.answer({"said": said, "dump": refgraph.dump, "settle": lambda: len(kept),
                 "dump without": lambda path: refgraph.dump(path, sites=False)})


# tests

def compare(path, said, what):
    snapshot = rgs.read(path)
    live.equal(snapshot.damage, None, "damage of " + what)
    live.equal(snapshot.facts.get("tracemalloc.frames"), FRAMES, "the fact, " + what)
    index = set(snapshot.address)
    there = {address: lines for address, lines in said.items() if address in index}
    wrong = {address: (snapshot.traceback(address), lines) for address, lines in there.items()
             if snapshot.traceback(address) != lines}
    live.check(len(there) == len(said) > 1000, what, "objects:", len(there), "of", len(said))
    live.check(not wrong, what, "tracebacks that differ:", len(wrong), list(wrong.items())[:3])
    return len(there)


def numbered(said):
    return {int(address): [tuple(line) for line in lines] for address, lines in said.items()}


def test_every_interpreter(folder):
    """From outside and from inside, on every interpreter: each traceback is tracemalloc's own"""
    for version, python in trusted.interpreters():
        with live.Target("traced", FRAMES, 300, python=python) as target:
            said = numbered(target.ask("said"))
            target.ask("settle")        # what it said is freed: its tables have shrunk
            outside = compare(live.captured(target, folder), said, version + " outside")
            inside = os.path.join(folder, "inside.rgs")
            target.ask("dump", inside)
            live.equal(compare(inside, said, version + " inside"), outside, "objects inside")
            target.ask("dump without", inside)
            snapshot = rgs.read(inside)
            live.equal((len(snapshot.allocations), len(snapshot.sites)), (0, 0), "sites=False")
        print("# %s: %d tracebacks" % (version, outside))


def test_not_traced(folder):
    """A program that does not trace has no sites, and is asked as ever"""
    with live.Target("traced", 0, 300) as target:
        snapshot = rgs.read(live.captured(target, folder))
        live.equal((len(snapshot.allocations), len(snapshot.sites)), (0, 0), "sites")
        live.check("tracemalloc.frames" not in snapshot.facts, "the fact is there")


def test_asked(folder):
    """The commands name the line, and with --frames the calls"""
    with live.Target("traced", FRAMES, 300) as target:
        path = live.captured(target, folder)
    here = os.path.abspath(__file__)
    with open(here) as source:
        line = 1 + next(i for i, text in enumerate(source) if "kept = [Plain(i)" in text)
    found = live.ask("objects", path, "Plain", "-n", "1000", "--frames")["objects"]["rows"]
    live.equal(len(found), 600, "objects")
    for row in found:
        live.equal(row["site"], "%s:%d" % (here, line), "the site")
        live.equal(row["traceback"][0], row["site"], "where the traceback begins")
    live.equal({len(row["traceback"]) for row in found}, {FRAMES}, "lines of a traceback")
    kinds = live.ask("types", path, "Plain", "--by", "type,site")["types"]["rows"]
    live.equal([(row["type"], row["site"], row["count"]) for row in kinds],
               [("__main__.Plain", "%s:%d" % (here, line), 600)], "types --by type,site")
    calls = live.ask("types", path, "Plain", "--by", "traceback")["types"]["rows"]
    live.equal(sorted(row["count"] for row in calls), [300, 300], "two ways to that line")
    text = live.refgraph("show", path, "@%d" % found[0]["id"], "--frames").stdout
    live.check("allocated at %s:%d\n" % (here, line) in text and "called from" in text, text)


sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_every_interpreter, test_not_traced, test_asked)
