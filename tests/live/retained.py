"""Retained sizes of live processes: what is predicted to go with a holder is what a second capture
no longer finds when the holder was dropped and the collector has run."""

import collections
import functools
import gc
import os
import subprocess
import sys
import time
import types

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import workloads  # noqa: E402

OLD = b" 3.8" in subprocess.run([live.PYTHON3, "--version"], capture_output=True).stdout
SECONDS = 2                 # for one answer about a million objects
BYTES = 200                 # of memory for each of them


# targets

class Holder:
    def __init__(self, held):
        self.held = held


class Session:
    def __init__(self, number):
        self.user = "user-%d" % number
        self.request = types.SimpleNamespace(session=self, path="/path/%d" % number)
        self.on_done = lambda: self


class Slotted:
    __slots__ = ("one", "two", "__weakref__")


SHARED = [Session(number) for number in range(50)]


def build_cache(count):
    """A dict of sessions in cycles, keyed by strings and tuples."""
    return {("u:%d" % n, n): Session(n) for n in range(count)}


def build_tree(count):
    """Records with parent pointers."""
    return workloads.record_tree(count)


def build_chain(count):
    """A chain through slots, longer than any stack."""
    return workloads.slot_chain(10 * count)


def build_shared(count):
    """Half of what is held is held by a module as well, and all of it refers to its parts."""
    return [SHARED[n % 50] if n % 2 else [SHARED[n % 50], n + 0.5] for n in range(count)]


def build_dropped(count):
    """Objects that dead cycles refer to, and cycles that are half dead."""
    made = [Session(n) for n in range(count)]
    for session in made[::3]:
        ring = [session, "dropped"]
        ring.append(ring)
    return made


def build_suspended(count):
    """Generators that wait, with locals, and what holds them."""
    def generate(number):
        local = ["local-%d" % number]
        yield local
        yield number
    made = [generate(n) for n in range(count)]
    for generator in made:
        next(generator)
    return made


def build_mixed(count):
    """Of each container something."""
    made = []
    for n in range(count // 4):
        slotted = Slotted()
        slotted.one, slotted.two = bytearray(n % 300), "text-%d" % n
        tagged = Session(n)
        tagged.__dict__["extra"] = collections.deque([n + 0.25, "deque-%d" % n])
        made.append((slotted, tagged, frozenset(["set-%d" % n]), functools.partial(len, [n]),
                     collections.OrderedDict([("key-%d" % n, b"bytes-%d" % n)])))
    return made


def build_classes(count):
    """Classes, with their methods and instances."""
    made = []
    for n in range(count // 20):
        class Local:
            registry = []
            number = n

            def method(self):
                return __class__
        Local.registry.append(Local())
        made.append(Local)
    return made


FAMILIES = (build_cache, build_tree, build_chain, build_shared, build_dropped, build_suspended,
            build_mixed, build_classes)


def holding(name, count):
    """Says when it is ready, and drops what it holds at a byte. Leaves no object behind."""
    box = [Holder(globals()[name](count))]
    gc.collect()
    live.say("ready")
    os.read(0, 1)
    box.clear()
    gc.collect()
    gc.collect()
    live.say("dropped")
    os.read(0, 1)


def working(name, count):
    heap = workloads.build(name, count)
    live.answer({"heap": lambda: heap is not None})


# what is freed

def objects_of(snapshot):
    """(address, type) -> (footprint, value) of each object, folded."""
    answer = live.ask("objects", snapshot, "-n", 100000000)["objects"]
    live.equal(answer["shown"], answer["of"], "objects that are listed")
    return {(row["address"], row["type"]): (row["footprint"], row.get("value"))
            for row in answer["rows"]}


def is_small(key, value):
    """Found no more, and yet not freed: small numbers are the interpreter's, who keeps them. (Of 3.8
    no root shows that: there they count as retained.)"""
    return key[1] == "int" and -5 <= int(value) <= 256


def is_note(key, value):
    """What the interpreter notes of classes (type.__subclasses__): it goes by its own hand."""
    return key[1] in ("weakref.ReferenceType", "weakref") or (
        key[1] == "int" and int(value) >= 2 ** 20)


def dropped(folder, name, count):
    """The answer about the holder, and objects and bytes that were there before and are not any
    more: without small numbers, and with them."""
    path = os.path.join(folder, name + ".rgs")
    with live.Target("holding", name, count) as target:
        live.dump(target.pid, path)
        target.child.stdin.write(b"!")
        target.child.stdin.flush()
        live.equal(target.hear(), "dropped", name)
        live.dump(target.pid, path + ".after")
    before, after = objects_of(path), objects_of(path + ".after")
    lost = [(key, *before[key]) for key in before if key not in after]
    lost = [(key, size, value) for key, size, value in lost if not is_note(key, value)]
    sure = [size for key, size, value in lost if not is_small(key, value)]
    return live.ask("retained", path, "Holder"), (len(sure), sum(sure)), (
        len(lost), sum(size for _key, size, _value in lost))


def test_dropped(folder):
    """What a second capture no longer finds is what a holder was said to retain"""
    failures = []
    for build in FAMILIES:
        name, count = build.__name__, live.count(500, 5000)
        answer, found, more = dropped(folder, name, count)
        selection, (row,) = answer["selection"], answer["objects"]["rows"]
        for part in selection, row:
            said = (part["retained_objects"], part["retained"])
            if said != found and not (said == more and OLD):
                failures.append("%s: said %r, gone %r" % (name, said, found))
        live.check(found[0] > count // 20, name, "held nothing")
    live.check(not failures, "; ".join(failures))


# where the memory is

def leaking(count):
    """A module whose cache has most of it, behind an object and its dict."""
    shop = sys.modules["shop.cache"] = types.ModuleType("shop.cache")
    shop.CACHE = Holder({"u:%d" % n: Session(n) for n in range(count)})
    live.answer({})


def test_place(folder):
    """The first place is the dict that leaks, by the name of its module; each selection says so"""
    n = 20000
    with live.Target("leaking", n) as target:
        snapshot = live.captured(target, folder)
    answer = live.ask("retained", snapshot)
    first = answer["objects"]["rows"][0]
    live.equal(first["chain"]["path"], "sys.modules['shop.cache'].CACHE.held", "the first place")
    live.equal([first["type"], first["mostly"], first["alike"]],
               ["dict", "__main__.Session", n], "what it is")
    live.check(first["share"] > 0.7, "its share:", first["share"])
    live.equal(answer["drops"]["rows"][0]["id"], first["id"], "the first drop")
    text = live.refgraph("retained", snapshot).stdout
    live.check("module shop.cache → CACHE.held\n" in text, "the text:", text)
    live.check("dict of %s × Session" % format(n, ",") in text, "the text:", text)
    for words in ((), ("--drops",), ("--by", "type"), ("--tree",), ("--tree", "--raw", "-d", "9"),
                  ("Session",), ("dict", "-n", "100"), ("*", "-n", "1000"), ("module", "--tree")):
        lines = live.refgraph("retained", snapshot, *words).stdout.splitlines()
        live.check(lines, "nothing is printed for", words)
        for line in lines:
            live.check(len(line) <= 100, "%d columns for %s: %s" % (len(line), words, line))
    sessions = live.ask("retained", snapshot, "Session")
    live.equal(sessions["selection"]["objects"], n + 50, "sessions selected")
    # of which 50 are the module's own
    live.equal(sessions["selection"]["held_by"], None, "one holder of all sessions")
    rows = live.ask("retained", snapshot, "--type", "Session", "-n", n + 50)["objects"]["rows"]
    inside = sum(row["dominator"] == first["id"] for row in rows)
    live.equal(inside, n, "sessions that the dict alone holds")


class Lost:
    def __init__(self, number):
        self.payload = bytearray(1000 + number % 3)


def losing(count):
    """Objects of which C code has lost a reference, and dead cycles that are as large."""
    import ctypes
    gc.disable()
    for n in range(count):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(Lost(n)))
        ring = [bytearray(1000)]
        ring.append(ring)
    del ring
    live.answer({})


def test_lost(folder):
    """What C code alone holds is a place, of so many; garbage is none"""
    n = live.count(2000, 20000)
    with live.Target("losing", n) as target:
        snapshot = live.captured(target, folder)
    answer = live.ask("retained", snapshot)
    first = answer["objects"]["rows"][0]
    live.equal([first["type"], first["chain"]], ["__main__.Lost", None], "the first place")
    # the stack may still show the last of them
    live.check(n - 10 < first["count"] <= n, "how many:", first["count"])
    live.check(first["retained_objects"] >= 2 * first["count"], first["retained_objects"])
    live.check(answer["unreached"]["objects"] >= 2 * n, "garbage:", answer["unreached"])
    lost = live.ask("retained", snapshot, "Lost")["selection"]
    live.equal([lost["objects"], lost["unreached"]], [n, 0], "those selected")
    live.check(lost["retained"] >= first["retained"], lost["retained"], first["retained"])


# run by a small process: what ran before the command in its own counts as its memory
MEASURE = """import os, sys, time
start = time.monotonic()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[
    (os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_WRONLY, 0) for fd in (1, 2)])
status, usage = os.wait4(pid, 0)[1:]
print(status, time.monotonic() - start, usage.ru_maxrss * 1024)"""


def measure(*words):
    """(exit status, seconds, bytes of memory) of the command."""
    done = subprocess.run([live.PYTHON3, "-c", MEASURE, *live.REFGRAPH, *words],
                          capture_output=True, text=True, check=True)
    status, taken, used = done.stdout.split()
    return int(status), float(taken), int(used)


def test_limits(folder):
    """A million objects: each form of the answer in seconds, and with little memory"""
    n = live.count(100000, 1000000)
    for name in ("mix", "app"):
        with live.Target("working", name, n) as target:
            snapshot = live.captured(target, folder)
        objects = live.ask("info", snapshot)["totals"]["objects"]
        kind = "Record" if name == "mix" else "Name"
        for words in ((), ("--drops",), ("--by", "type"), ("--tree",), (kind,), ("dict",)):
            status, taken, used = measure("retained", snapshot, *words)
            live.equal(status, 0, "status of retained " + " ".join(words))
            print("# %s %s: %d objects, %.2f s, %.0f bytes an object" % (
                name, " ".join(words), objects, taken, used / objects))
            live.check(taken < 10 * SECONDS, name, words, "took", taken)
            if live.THOROUGH:
                live.check(taken < SECONDS and used < BYTES * objects, name, words, taken, used)


live.main(test_dropped, test_place, test_lost, test_limits)
