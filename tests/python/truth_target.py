"""The process that tells the truth about its own heap: truth_target.py WORKLOAD N OUT [SNAPSHOT]

It builds the workload, writes to OUT what the collector and sys.getsizeof() say of every object,
prints READY with its pid, and waits for a line on its standard input. What it says must still hold
then, so recording leaves nothing behind: it is done twice, and what the first run creates (types of
ctypes, cached methods) exists before the second. Asked by "d" it has the agent, $REFGRAPH_AGENT,
write SNAPSHOT, by a call that makes no object.
"""

import ctypes
import gc
import json
import os
import sys
import types
from array import array

import workloads

NO_SIZE = 2 ** 64 - 1
PR_SET_PTRACER = 0x59616d61

OLD = []        # what survives one collection of the youngest generation
YOUNG = []      # what has survived none
ROOT = None


def allow_tracer():
    """Let any process of this user trace this one, where Yama would forbid it."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(2 ** 64 - 1), 0, 0, 0)


def make_young(into, count):
    for i in range(count):
        node = {"number": i + 0.5, "list": [i, "young-%d" % i]}
        node["self"] = node
        into.append(node)
        into.append((node, workloads.Slot(str(i), node)))


def has_builtin_size(kind, mro=type.__dict__["__mro__"].__get__,
                     attributes=type.__dict__["__dict__"].__get__):
    """Whether it is C that says what size an instance of KIND has."""
    for base in mro(kind) or ():        # a type that never got ready has none
        found = attributes(base)
        if "__sizeof__" in found:
            return type(found["__sizeof__"]) is types.MethodDescriptorType
    return False


def size_of(made, known):
    kind = type(made)
    if kind not in known:
        known[kind] = has_builtin_size(kind)
    if not known[kind]:
        return NO_SIZE
    try:
        return sys.getsizeof(made)
    except Exception:
        return NO_SIZE


def record_generation(generation, truth):
    truth["gen%d" % generation].extend(map(id, gc.get_objects(generation)))


def record_references(generation, truth):
    """How many references each object has, and their targets, in the order of the generation."""
    counts, targets = truth["counts"], truth["targets"]
    objects = gc.get_objects(generation)
    if len(objects) != len(truth["gen%d" % generation]):
        raise RuntimeError("recording changes the heap")
    for made in objects:
        found = gc.get_referents(made)
        counts.append(len(found))
        targets.extend(map(id, found))


def record_sizes(truth, own):
    """The sizes of all tracked objects, but OWN, and of what can be reached from them."""
    ids, sizes, kinds, known, seen = truth["ids"], truth["sizes"], truth["types"], {}, set()
    numbers = {}
    todo = gc.get_objects()
    tracked = (set(truth["gen0"]) | set(truth["gen1"]) | set(truth["gen2"])) - set(own)
    todo = [made for made in todo if id(made) in tracked]
    seen.update(map(id, todo))
    while todo:
        for made in todo:
            ids.append(id(made))
            sizes.append(size_of(made, known))
            kinds.append(numbers.setdefault(type(made), len(numbers)))
        following = []
        for start in range(0, len(todo), 10000):
            for made in gc.get_referents(*todo[start:start + 10000]):
                if id(made) not in seen:
                    seen.add(id(made))
                    following.append(made)
        todo = following
    return ["%s.%s" % (kind.__module__, kind.__qualname__) for kind in numbers]


def record_refcounts(truth):
    """The word at each address, with nothing of ours that refers to the objects left."""
    word, append = ctypes.c_uint64.from_address, truth["refcounts"].append
    for address in truth["ids"]:
        append(word(address).value)


def record():
    truth = {"gen2": array("Q"), "gen1": array("Q"), "gen0": array("Q"), "counts": array("I"),
             "targets": array("Q"), "ids": array("Q"), "sizes": array("Q"),
             "types": array("I"), "refcounts": array("Q")}
    own = [id(truth), *map(id, truth.values())]
    own.append(id(own))
    # no loops here: their iterators would be objects of the youngest generation
    record_generation(2, truth)
    record_generation(1, truth)
    record_generation(0, truth)
    record_references(2, truth)
    record_references(1, truth)
    record_references(0, truth)
    names = record_sizes(truth, own)
    record_refcounts(truth)
    return truth, own, names


def write(path, recorded):
    """A line of JSON that says what follows, and the arrays."""
    truth, own, type_names = recorded
    names = sorted(truth)
    header = {"version": sys.version.split()[0], "pid": os.getpid(), "own": own,
              "types": type_names, "frozen": gc.get_freeze_count(),
              "arrays": [[name, truth[name].typecode, len(truth[name])] for name in names]}
    with open(path, "wb") as out:
        out.write(json.dumps(header).encode() + b"\n")
        for name in names:
            out.write(truth[name].tobytes())


def write_count(path, count):
    """At the end, the collector's counts, as they are when all else is gone."""
    with open(path, "ab") as out:
        out.write(json.dumps(count).encode() + b"\n")


def agent(path):
    """(what to call, its arguments) to have the agent write PATH; nothing is to be converted."""
    start = ctypes.PyDLL(os.environ["REFGRAPH_AGENT"]).refgraph_agent_start
    return start, (os.fsencode(path), 0, ctypes.byref(ctypes.c_int()))


def main():
    global ROOT
    name, n, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    allow_tracer()
    start, arguments = agent(sys.argv[4]) if len(sys.argv) > 4 else (None, ())
    ROOT = workloads.build(name, n)
    gc.disable()
    gc.collect()
    write(path, record())
    gc.collect()
    make_young(OLD, 100)
    gc.collect(0)
    make_young(YOUNG, 200)
    write(path, record())
    # the first call may make the tuple that all later ones take from the free list
    write_count(path, gc.get_count())
    write_count(path, gc.get_count())
    os.write(1, b"READY %d\n" % os.getpid())
    while os.read(0, 1) == b"d":
        start(*arguments)
    os._exit(0)


main()
