"""The same question to the peers and to refgraph, on the same heap: who is right, and why.

No test, a program: `PYTHON3=... REFGRAPH=... python3 tests/bench/peers.py [PEER ...]`. For each peer
a target is started that imports it. refgraph captures that very process from outside first, as the
peers change what they look at; then the peer answers inside. What is true is worked out by a third
way, told with each row: by how the heap was built, by gc.get_referents() inside the target, or by
what a forked copy of it does when the thing is really cut.

A peer that cannot be imported is left out, with the reason. Peers that are not installed are found in
the folders of $RG_PEERS, separated by colons; pyheap in $RG_PYHEAP, a checkout of it.
"""

import gc
import inspect
import logging
import mmap
import os
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402

sys.path += filter(None, os.environ.get("RG_PEERS", "").split(":"))

ROWS = []


def say(question, theirs, ours, proof, verdict):
    ROWS.append(verdict)
    print("  Q      %s\n  peer   %s\n  ours   %s\n  proof  %s\n  so     %s\n" % (
        question, theirs, ours, proof, verdict))


def right(theirs, ours, true):
    """Who says what is true."""
    if theirs == true:
        return "both are right" if ours == true else "THE PEER IS RIGHT"
    return "ours is right" if ours == true else "NEITHER IS RIGHT"


# --- the heaps -----------------------------------------------------------------------------------


class Session:
    def __init__(self, number):
        self.user = "user-%d" % number
        self.basket = []


class Cache:
    pass


class Price:
    pass


class Link:
    def __init__(self, after):
        self.after = after


class Wheel:
    def __init__(self, spokes):
        self.spokes = [Spoke(self) for _ in range(spokes)]


class Spoke:
    def __init__(self, wheel):
        self.wheel = wheel


class Lost:
    def __init__(self):
        self.text = ["lost"]


class Box:
    pass


def build():
    """All of it in the globals, as a program would have it."""
    world = globals()
    cache = world["CACHE"] = Cache()
    cache.entries = {"user-%d" % number: Session(number) for number in range(500)}
    price = Price()
    world["PRICES"] = {"tea": price, "coffee": price}
    world["WHEEL"] = Wheel(100)
    top = at = Box()
    for _ in range(10):
        below = Box()
        at.rungs = [below] * 3
        at = below
    world["TOP"], world["LEAF"] = top, at
    chain = None
    for _ in range(2000):
        chain = Link(chain)
    world["CHAIN"] = chain
    gc.collect()


def in_fork(function):
    """What FUNCTION returns in a copy of this process, which then ends."""
    out, into = os.pipe()
    child = os.fork()
    if not child:
        os.write(into, str(function()).encode())
        os._exit(0)
    os.close(into)
    os.waitpid(child, 0)
    text = os.read(out, 100).decode()
    os.close(out)
    return int(text)


def is_chain(objects):
    """Each is among the referents of the one before, as the collector sees them."""
    for one, other in zip(objects, objects[1:]):
        near = gc.get_referents(one)
        near += [value for held in near if type(held) is dict for value in held.values()]
        if not any(held is other for held in near):
            return False
    return True


# --- objgraph ------------------------------------------------------------------------------------


def objgraph_target():
    import ctypes
    import io

    import objgraph
    build()

    def temporaries():
        """Make 100, drop 60, make 50 again: what growth() says at the end of each."""
        objgraph.growth(limit=None)
        made = globals()["TEMPORARY"] = [Box() for _ in range(100)]
        first = dict((row[0], row[-1]) for row in objgraph.growth(limit=None)).get("Box", 0)
        del made[40:]
        objgraph.growth(limit=None)
        return first

    def again():
        globals()["TEMPORARY"] += [Box() for _ in range(50)]
        return dict((row[0], row[-1]) for row in objgraph.growth(limit=None)).get("Box", 0)

    def lose():
        for _ in range(7):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(Lost()))

    def lose_apart():
        """In a thread that ends: a word left over on a C stack would count as a reference."""
        thread = threading.Thread(target=lose)
        thread.start()
        thread.join()

    def leaking():
        found = objgraph.get_leaking_objects()
        return [sum(type(one) is Lost for one in found), len(found)]

    def chain():
        found = objgraph.find_backref_chain(LEAF, objgraph.is_proper_module, max_depth=50)
        return [len(found), is_chain(found)]

    def labels():
        out = io.StringIO()
        objgraph.show_refs(PRICES, max_depth=1, output=out, filter=lambda one: type(one) in (
            dict, Price))
        return [out.getvalue().count('"tea"]') + out.getvalue().count('label="tea'),
                out.getvalue().count('label="coffee')]
    live.answer({
        "sessions": lambda: objgraph.count("Session"),
        "strings": lambda: sum(one.startswith("user-") for one in objgraph.by_type("str")),
        "true strings": lambda: len({id(one) for pair in CACHE.entries.items()
                                     for one in (pair[0], pair[1].user)}),
        "temporaries": temporaries, "again": again, "lose": lose_apart, "leaking": leaking,
        "chain": chain, "labels": labels, "leaf": lambda: hex(id(LEAF)),
    })


def ask_objgraph(folder):
    import objgraph  # noqa: F401
    with live.Target("objgraph_target") as target:
        snapshot = live.captured(target, folder)
        theirs = target.ask("sessions")
        ours = live.ask("types", snapshot, "Session")["types"]["rows"][0]["count"]
        say("how many Session? (typestats, count)", theirs, ours, "500 were made",
            right(theirs, ours, 500))
        theirs, true = target.ask("strings"), target.ask("true strings")
        # not those that this file's own code begins with
        rows = live.ask("types", snapshot, "type=str and value=user-* and value!='*%*' and "
                        "value!=user-")["types"]["rows"]
        ours = rows[0]["count"]
        say("how many str that begin with 'user-'?", theirs, ours,
            "%d different ones are the keys of the cache and the users of its sessions" % true,
            right(theirs, ours, true) + ": the collector does not track a str")
        theirs, true = target.ask("labels"), 2
        paths = live.ask("path", snapshot, "dict and items=2 and not garbage", "Price")
        ours = sorted(row["path"].partition("[")[2] for row in paths["paths"]["rows"])
        say("by which keys does PRICES hold its value? (show_refs)",
            "edges named tea: %d, coffee: %d" % tuple(theirs), ", ".join("[" + one for one in ours),
            "it was built with two keys, tea and coffee",
            "ours is right" if len(ours) == 2 and 0 in theirs else "both are right")
        theirs, good = target.ask("chain")
        ours = live.ask("why", snapshot, target.ask("leaf"), "--raw")["chains"]["rows"][0]
        say("by how many objects is the leaf held? (find_backref_chain)", theirs,
            "%d: %s" % (ours["steps"]["of"], ours["path"]),
            "the module, its dict, and LEAF; each of objgraph's hops is in gc.get_referents(): %s" %
            good, right(theirs, ours["steps"]["of"], 3))
        ask_growth(target, folder)
        ask_lost(target, folder)


def ask_growth(target, folder):
    first = target.ask("temporaries")
    before = os.path.join(folder, "before.rgs")
    live.dump(target.pid, before)
    theirs = target.ask("again")
    after = live.captured(target, folder)
    rows = live.ask("types", after, "Box", "--new-since", before)["types"]["rows"]
    ours = sum(row["count"] for row in rows)
    say("100 were made, 60 dropped, 50 made again: what grew? (growth)",
        "+%d, then +%d" % (first, theirs), "+%d" % ours, "50 were made between the two",
        right(theirs, ours, 50) + ": growth() counts above the highest number ever seen")


def ask_lost(target, folder):
    target.ask("lose")
    snapshot = live.captured(target, folder)
    theirs, all_theirs = target.ask("leaking")
    rows = live.ask("audit", snapshot, "-n", "100000")["objects"]
    ours = sum(row["type"].endswith("Lost") for row in rows["rows"])
    say("which objects has C code leaked? 7 Lost (get_leaking_objects)",
        "%d Lost among %d objects" % (theirs, all_theirs),
        "%d Lost among %d with references that nobody explains" % (ours, rows["of"]),
        "a reference too many was taken of 7, and no other was let go",
        right(theirs, ours, 7) + "; of what else is told: %d there, %d here" % (
            all_theirs - theirs, rows["of"] - ours))


# --- refcycle ------------------------------------------------------------------------------------


def refcycle_target():
    import refcycle
    build()
    gc.disable()
    for _ in range(5):
        Wheel(3)

    def components():
        found = refcycle.snapshot().strongly_connected_components()
        cyclic = [one for one in found if len(one) > 1]
        wheel = [one for one in cyclic if any(type(o) is Spoke and o.wheel is WHEEL for o in one)]
        return [len(cyclic), max(map(len, cyclic)), len(wheel[0])]

    def reach_back():
        """Objects that lead from WHEEL back to it by its own references: the true component."""
        wheel = [WHEEL, WHEEL.spokes, *WHEEL.spokes]
        return len(wheel)

    def sources():
        graph = refcycle.garbage()
        return [len(graph.source_components()), len(graph)]
    live.answer({"components": components, "wheel": reach_back, "sources": sources,
                 "collect": lambda: in_fork(gc.collect)})


def ask_refcycle(folder):
    import refcycle  # noqa: F401
    with live.Target("refcycle_target") as target:
        snapshot = live.captured(target, folder)
        true = target.ask("collect")
        ours = live.ask("garbage", snapshot)["collectable"]
        cycles = live.ask("cycles", snapshot, "Wheel and garbage")["totals"]["cycles"]
        heads, theirs = target.ask("sources")
        say("how much would a collection free? (garbage)", theirs, ours["tracked"],
            "gc.collect() of a forked copy returned %d" % true,
            right(theirs, ours["tracked"], true))
        say("in how many source components? (source_components)", heads, cycles,
            "five wheels were dropped", right(heads, cycles, 5))
        count, largest, wheel = target.ask("components")
        true = target.ask("wheel")
        rows = live.ask("cycles", snapshot, "Wheel and not garbage", "--raw")["cycles"]["rows"]
        ours = rows[0]["objects_max"]
        everything = live.ask("cycles", snapshot, "--edges", "all", "--raw")["totals"]["largest"]
        say("how large is the cycle that WHEEL is in? (strongly_connected_components)",
            "%d objects (of %d components the largest has %d)" % (wheel, count, largest),
            "%d; over all references, as refcycle: the largest has %d" % (ours, everything),
            "the wheel, its list and its spokes are %d" % true,
            right(wheel, ours, true) + ": over types and globals one component swallows the heap")


# --- guppy3 --------------------------------------------------------------------------------------


def guppy_target():
    from guppy import hpy
    build()
    heapy = hpy()

    def held_alone():
        """The cache and all that nothing else refers to: by how it was built."""
        held = {id(one): one for one in (CACHE, CACHE.entries)}
        for key, session in CACHE.entries.items():
            for one in (key, session, session.user, session.basket):
                held[id(one)] = one
        return len(held)
    live.answer({
        "dominated": lambda: heapy.iso(CACHE).dominos.count, "held alone": held_alone,
        "referrers": lambda: str(heapy.iso(*CACHE.entries.values()).byrcs),
        "paths": lambda: int(heapy.iso(LEAF).get_shpaths(heapy.iso(TOP)).numpaths),
    })


def ask_guppy(folder):
    from guppy import hpy  # noqa: F401
    with live.Target("guppy_target") as target:
        snapshot = live.captured(target, folder)
        true = target.ask("held alone")
        ours = live.ask("retained", snapshot, "Cache", "--raw")["selection"]["retained_objects"]
        theirs = target.ask("dominated")
        say("how many objects does the cache alone keep alive? (dominos, domisize)", theirs, ours,
            "the cache, its dict, 500 keys, sessions, users and baskets are %d" % true,
            right(theirs, ours, true) + ": asked by guppy, an instance gets a __dict__")
        theirs = [line.split() for line in target.ask("referrers").split("\n")][2]
        rows = live.ask("types", snapshot, "Session", "--by", "referrers")["types"]["rows"]
        say("who refers to the sessions? (byrcs)", "%s of them: %s" % (
            theirs[1], " ".join(theirs[7:])), ", ".join(
                "%d of them: %s" % (row["count"], row["referrers"]) for row in rows),
            "all 500 are values of one dict", right(int(theirs[1]), rows[0]["count"], 500))
        theirs = target.ask("paths")
        leaf = live.ask("objects", snapshot, "Box and items=0 or Box", "--raw", "-n", "100")
        boxes = [row["id"] for row in leaf["objects"]["rows"]]
        found = [live.ask("path", snapshot, "@%d" % box, "@%d" % other)["shortest"]
                 for box in boxes for other in boxes if box != other]
        ours = max(found)
        say("by how many shortest paths does TOP lead to LEAF? (shpaths.numpaths)", theirs, ours,
            "ten steps of three references each: 3 ** 10 = %d" % 3 ** 10,
            right(theirs, ours, 3 ** 10))


# --- pympler -------------------------------------------------------------------------------------


def pympler_target():
    from pympler import asizeof
    build()

    def true():
        total, one = 0, CHAIN
        while one is not None:
            total += sys.getsizeof(one)
            one = one.after
        return total
    live.answer({"asizeof": lambda: asizeof.asizeof(CHAIN), "true": true,
                 "where": lambda: hex(id(CHAIN))})


def ask_pympler(folder):
    from pympler import asizeof  # noqa: F401
    with live.Target("pympler_target") as target:
        snapshot = live.captured(target, folder)
        rows = live.ask("retained", snapshot, target.ask("where"))["selection"]
        theirs, true = target.ask("asizeof"), target.ask("true")
        say("how many bytes does a chain of 2,000 links hold? (asizeof)", "{:,}".format(theirs),
            "{:,} in {:,} objects".format(rows["retained"], rows["retained_objects"]),
            "sys.getsizeof() of the 2,000 alone adds up to {:,}".format(true),
            "ours is right: asizeof stops at depth 100 without a word" if theirs < true <=
            rows["retained"] else "both are right")


# --- pyheap --------------------------------------------------------------------------------------


def pyheap_target(path):
    globals()["WHEEL"] = Wheel(100)
    gc.collect()

    def write():
        code = os.path.join(os.environ["RG_PYHEAP"], "pyheap", "src", "dumper_inferior.py")
        with open(code) as source:
            inputs = {"heap_file": path, "str_repr_len": -1, "progress_file": ""}
            inputs["__name__"] = "dumper"
            exec(compile(source.read(), code, "exec"), inputs)
        return inputs["result_error"]
    live.answer({
        "write": write, "where": lambda: id(WHEEL),
        "true": lambda: sum(map(sys.getsizeof, (WHEEL, WHEEL.spokes, *WHEEL.spokes))),
    })


def retained_by_pyheap(path, address):
    logging.disable()
    sys.path.insert(0, os.path.join(os.environ["RG_PYHEAP"], "pyheap-ui", "src"))
    from pyheap_ui.heap import InboundReferences, RetainedHeapSequentialCalculator
    from pyheap_ui.heap_reader import HeapReader
    with open(path, "rb") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            heap = HeapReader(content).read()
    calculator = RetainedHeapSequentialCalculator(
        heap=heap, inbound_references=InboundReferences(heap.objects))
    return calculator.calculate().get_for_object(address)


def ask_pyheap(folder):
    if "RG_PYHEAP" not in os.environ:
        raise ImportError("no checkout of pyheap in $RG_PYHEAP")
    path = os.path.join(folder, "heap.pyheap")
    with live.Target("pyheap_target", path) as target:
        snapshot = live.captured(target, folder)
        address, true = target.ask("where"), target.ask("true")
        failed = target.ask("write", seconds=600)
        if failed:
            raise ImportError("its dumper failed: " + failed.strip().split("\n")[-1])
        theirs = retained_by_pyheap(path, address)
        ours = live.ask("retained", snapshot, hex(address))["selection"]["retained"]
        say("what would be freed with a wheel of 100 spokes that know it? (retained heap)",
            "{:,}".format(theirs), "{:,}".format(ours),
            "sys.getsizeof() of the wheel, its list and its spokes is {:,}".format(true),
            "ours is right: a count of references never falls to 0 on a cycle"
            if theirs < true <= ours else "both are right")


# --- meliae --------------------------------------------------------------------------------------


# without ctypes, as a dump ends a process that has loaded it: type_traverse() of a static type
MELIAE = """
import gc, sys
from meliae import scanner
%s
build()
spoke = WHEEL.spokes[50]
print(id(spoke), sys.getsizeof(spoke) + sys.getsizeof(spoke.__dict__), flush=True)
sys.stdin.readline()
scanner.dump_all_objects(sys.argv[1])
print("written", flush=True)
sys.stdin.readline()
"""


def dump_by_meliae(folder, path):
    """A snapshot, then its dump at PATH: the address and the size of a spoke."""
    parts = [Session, Cache, Price, Link, Wheel, Spoke, Box, build]
    program = MELIAE % "\n\n".join(map(inspect.getsource, parts))
    with subprocess.Popen([live.PYTHON3, "-W", "ignore", "-c", program, path], text=True,
                          env={**os.environ, "PYTHONPATH": os.environ.get("RG_PEERS", "")},
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as target:
        address, size = map(int, target.stdout.readline().split())
        snapshot = live.captured(target, folder)
        target.stdin.write("\n")
        target.stdin.flush()
        live.equal(target.stdout.readline(), "written\n", "what its dump says")
        target.communicate("\n")
    return snapshot, address, size


def ask_meliae(folder):
    from meliae import loader
    path = os.path.join(folder, "heap.json")
    snapshot, address, true = dump_by_meliae(folder, path)
    heap = loader.load(path, show_prog=False)
    theirs = len(heap.get_all("Session"))
    ours = live.ask("types", snapshot, "Session")["types"]["rows"][0]["count"]
    say("how many sessions are there? (get_all)", theirs, ours, "500 were made",
        right(theirs, ours, 500))
    try:
        theirs = str(heap.summarize()).split("\n")[3]
    except AttributeError as error:
        theirs = "AttributeError: %s" % error
    ours = live.ask("types", snapshot, "-n", "1")["types"]["rows"][0]
    say("of what is there most? (summarize)", theirs, "{:,} {}".format(
        ours["count"], ours["type"]), "no dict of Python 3 has itervalues()",
        "ours is right" if "itervalues" in theirs else "both are right")
    heap.compute_parents()
    heap.collapse_instance_dicts()
    theirs = heap.compute_total_size(heap[address]).total_size
    ours = live.ask("retained", snapshot, hex(address))["selection"]["retained"]
    say("what would be freed with one spoke of a hundred? (compute_total_size)",
        "{:,}".format(theirs), "{:,}".format(ours),
        "sys.getsizeof() of it and its __dict__ is {:,}".format(true),
        right(theirs, ours, true) + ": what it reaches is added up there, wheel and all")


# --- memory_profiler -----------------------------------------------------------------------------


def memory_profiler_target():
    kept = []

    def grow():
        kept.extend(Session(number) for number in range(100000))
        with open("/proc/self/statm") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    live.answer({"grow": grow})


def ask_memory_profiler(folder):
    from memory_profiler import memory_usage
    with live.Target("memory_profiler_target") as target:
        before = os.path.join(folder, "before.rgs")
        live.dump(target.pid, before)
        true = target.ask("grow")
        theirs = memory_usage(target.pid, interval=0.1, timeout=0.1)[0] * 2 ** 20
        after = live.captured(target, folder)
        ours = live.ask("info", after)["runtime"]["rss"]
        near = [abs(one - true) < true / 100 for one in (theirs, ours)]
        say("how large is the process? (memory_usage, mprof)", "{:,.0f}".format(theirs),
            "{:,}".format(ours), "/proc/self/statm says {:,}".format(true),
            right(near[0], near[1], True))
        row = live.ask("diff", before, after)["growth"]["rows"][0]
        say("and what has it grown by?", "no answer", "{:,} {} in {}".format(
            row["delta"], row["type"], row["path"]), "100,000 sessions were made",
            right(None, (row["delta"], row["type"]), (100000, "__main__.Session")))


# --- tracemalloc ---------------------------------------------------------------------------------


def tracemalloc_target():
    import tracemalloc
    tracemalloc.start()
    build()

    def lines():
        found = tracemalloc.take_snapshot().statistics("lineno")
        return [[os.path.basename(one.traceback[0].filename), one.traceback[0].lineno, one.count,
                 one.size] for one in found[:3]]
    live.answer({"lines": lines})


def ask_tracemalloc(folder):
    with live.Target("tracemalloc_target") as target:
        snapshot = live.captured(target, folder)
        theirs = target.ask("lines")
        rows = live.ask("types", snapshot, "--by", "site", "-n", "50")["types"]["rows"]
        ours = {os.path.basename(row.get("site", "?")): row for row in rows}
        for name, line, count, size in theirs:
            row = ours.get("%s:%d" % (name, line))
            say("what did %s:%d allocate? (statistics)" % (name, line),
                "{:,} blocks, {:,} bytes".format(count, size),
                "{:,} objects, {:,} bytes".format(row["count"], row["size"]) if row else "nothing",
                "blocks are counted there, an object has one, or two with its values or table",
                "both name the line" if row else "THE PEER IS RIGHT")


# --- all -----------------------------------------------------------------------------------------

PEERS = {"objgraph": ask_objgraph, "refcycle": ask_refcycle, "guppy3": ask_guppy,
         "pympler": ask_pympler, "pyheap": ask_pyheap, "meliae": ask_meliae,
         "memory_profiler": ask_memory_profiler, "tracemalloc": ask_tracemalloc}


def main():
    for name in sys.argv[1:] or PEERS:
        print("%s\n%s" % (name, "-" * len(name)))
        with tempfile.TemporaryDirectory(prefix="refgraph-peers-") as folder:
            try:
                PEERS[name](folder)
            except ImportError as reason:
                print("  left out: %s\n" % reason)
    print("%d questions: %d answered alike, %d by ours alone" % (
        len(ROWS), sum(row.startswith("both") for row in ROWS),
        sum(row.startswith("ours") for row in ROWS)))
    return any(row.isupper() or "PEER IS" in row or "NEITHER" in row for row in ROWS)


if __name__ == "__main__":
    if sys.argv[1:2] == ["target"]:
        live.be_target(*sys.argv[2:])
    else:
        sys.exit(main())
