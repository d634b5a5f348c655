"""What `garbage` says is dead, against what the collector of that process then frees."""

import collections
import datetime
import gc
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402

saved = []


# what a target drops: each function makes one cycle, or a few, and keeps nothing

class Node:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)    # a __dict__ that exists as an object

    def method(self):
        return self


class Plain:
    pass                                    # its values stay inline, no __dict__ is made


class Slotted:
    __slots__ = ("first", "second")


def self_loops(number):
    items = []
    items.append(items)
    table = {number: number}
    table["self"] = table
    plain = Plain()
    plain.me = plain
    slotted = Slotted()
    slotted.first = slotted


def nests(number):
    inner = {"number": number, "list": [{"deep": [number, (number, [])]}]}
    outer = [inner, {"pair": (inner, [])}]
    inner["list"].append(outer)


def materialised(number):
    first, second = Node(number=number), Node(text="x%d" % number)
    first.other, second.other = second, first
    vars(first)["own"] = vars(first)


def closures(number):
    def recursive(n):
        return recursive(n - 1) if n else number
    recursive(1)


def classes(number):
    class Local:
        kept = [number]

        def method(self):
            return super()
    Local.one = Local()


def tracebacks(number):
    try:
        raise ValueError(number)
    except ValueError as error:
        kept = error
    return kept and None


def generators(number):
    def loop(me):
        held = [number, me]
        yield held
        yield me
    cell = []
    suspended = loop(cell)
    next(suspended)
    cell.append(suspended)


def coroutines(number):
    async def wait(me):
        await Never(me)
    cell = [number]
    suspended = wait(cell)
    suspended.send(None)
    cell.append(suspended)


class Never:
    def __init__(self, held):
        self.held = held

    def __await__(self):
        yield self.held


def bound_methods(number):
    node = Plain()
    node.number = number
    node.callback = node.method = Node.method.__get__(node)
    items = [number]
    items.append(items.append)


def containers(number):
    queue = collections.deque([number])
    queue.append((queue, frozenset([(number, "f")])))
    ordered = collections.OrderedDict(a=1)
    ordered["self"] = ordered
    default = collections.defaultdict(list)
    default[default.__missing__].append(default)
    chained = [iter([queue])]
    chained.append(map(len, chained))


FAMILIES = (self_loops, nests, materialised, closures, classes, tracebacks, bound_methods,
            containers)


def mixed(number):
    FAMILIES[number % len(FAMILIES)](number)


class Lazarus:
    def __init__(self, number):
        self.number = [number]
        self.me = self

    def __del__(self):
        saved.append(self)


def resurrected(number):
    """Comes back with all it holds; what only refers to it does not."""
    back = Lazarus(number)
    reader = [back]
    reader.append(reader)


class Zone(datetime.tzinfo):
    pass


def hidden(number):
    zone = Zone()
    zone.when = datetime.datetime(2020, 1, 1, tzinfo=zone)
    zone.number = [number]


# the target

def components(objects):
    """How many cycles there are among OBJECTS, and how many of these are in one (Tarjan)."""
    ids = {id(made) for made in objects}
    following = {id(made): [id(to) for to in gc.get_referents(made) if id(to) in ids]
                 for made in objects}
    index, low, path, on_path, found = {}, {}, [], set(), []
    for start in following:
        work = [] if start in index else [(start, None)]
        while work:
            at, rest = work.pop()
            if rest is None:
                index[at] = low[at] = len(index)
                path.append(at)
                on_path.add(at)
                rest = iter(following[at])
            for to in rest:
                if to not in index:
                    work += [(at, rest), (to, None)]
                    break
                if to in on_path:
                    low[at] = min(low[at], low[to])
            else:
                if low[at] == index[at]:
                    members = path[path.index(at):] if at != path[-1] else [at]
                    del path[-len(members):]
                    on_path.difference_update(members)
                    if len(members) > 1 or at in following[at]:
                        found.append(len(members))
                if work:
                    up = work[-1][0]
                    low[up] = min(low[up], low[at])
    return len(found), sum(found)


def type_name(kind):
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return "%s.%s" % (kind.__module__, kind.__qualname__)


def drop(name, count):
    """Drop COUNT of NAME, and collect them on the word of the test."""
    function = globals()[name]
    gc.disable()
    function(0)                     # what only the first one makes is no garbage
    gc.collect()
    saved.clear()
    gc.collect()
    for number in range(count):
        function(number)
    live.say("ready")
    live.hear()
    if name in ("generators", "coroutines"):
        # the collector closes them, which breaks their cycles: freed, but not counted
        before = len(gc.get_objects())
        gc.collect()
        live.say(before - len(gc.get_objects()))
        return
    gc.set_debug(gc.DEBUG_SAVEALL)
    collected = gc.collect()
    gc.set_debug(0)
    found = gc.garbage[:]
    gc.garbage.clear()
    live.say({"collected": collected, "cycles": components(found), "saved": len(saved),
              "types": collections.Counter(type_name(type(made)) for made in found)})


# the tests

def dropped(folder, name, count):
    """What refgraph says of COUNT dropped NAME, the snapshot, and what the collector freed."""
    with live.Target("drop", name, count) as target:
        snapshot = live.captured(target, folder)
        garbage = live.ask("garbage", snapshot, "-n", 100000)
        return garbage, snapshot, target.ask()


def count_types(part):
    """Type name -> number of objects; local classes share a name."""
    types = collections.Counter()
    for row in part["types"]["rows"]:
        types[row["type"]] += row["count"]
    return types


def check_agreement(name, garbage, truth):
    collectable = garbage["collectable"]
    live.check(truth["collected"] > 0, name, "dropped nothing")
    live.equal(collectable["tracked"], truth["collected"], name + ": collectable.tracked")
    live.equal(collectable["cycles"], truth["cycles"][0], name + ": collectable.cycles")
    rows = count_types(collectable)
    for kind, number in truth["types"].items():
        # more of a type than the collector has are untracked and die with the others
        live.check(rows[kind] >= number, "%s: %d of type %s, expected %d" % (
            name, rows[kind], kind, number))
    live.equal(sum(rows.values()), collectable["objects"], name + ": objects of all types")
    live.equal(sum(truth["types"].values()), truth["collected"], name + ": objects saved")


def check_sets(name, garbage, **expected):
    for key in ("may_resurrect", "hidden", "uncollectable"):
        live.equal(garbage[key]["tracked"], expected.get(key, 0), "%s: %s.tracked" % (name, key))


def check_family(folder, name, count):
    garbage, snapshot, truth = dropped(folder, name, count)
    check_agreement(name, garbage, truth)
    check_sets(name, garbage)
    return garbage, snapshot, truth


def test_families(folder):
    """What the collector frees is what garbage says, for each kind of cycle"""
    failures = []
    for family in FAMILIES + (mixed,):
        try:
            check_family(folder, family.__name__, live.count(300, 3000))
        except AssertionError as error:
            failures.append(str(error))
    live.check(not failures, "; ".join(failures))


def test_suspended(folder):
    """Generators and coroutines that wait in a cycle are collectable"""
    for name in ("generators", "coroutines"):
        number = live.count(300, 3000)
        garbage, _snapshot, freed = dropped(folder, name, number)
        live.check(freed >= 2 * number, name, "dropped nothing")
        live.equal(garbage["collectable"]["tracked"], freed, name + ": collectable.tracked")
        check_sets(name, garbage)


def test_resurrection(folder):
    """Objects that come back in __del__ are set apart, with what they hold"""
    number = live.count(300, 3000)
    garbage, _snapshot, truth = dropped(folder, "resurrected", number)
    check_agreement("resurrected", garbage, truth)
    live.equal(truth["saved"], number, "objects that came back")
    # each with its __dict__, where there is one as an object, and its list
    apart = garbage["may_resurrect"]
    rows = count_types(apart)
    live.equal(rows["__main__.Lazarus"], number, "Lazarus in may_resurrect")
    live.equal(rows["list"], number, "lists in may_resurrect")
    live.equal(apart["tracked"], 2 * number, "may_resurrect.tracked")
    live.equal(truth["types"], {"list": number}, "types that were freed")


def test_hidden(folder):
    """A cycle through a datetime's tzinfo is hidden garbage: the collector never frees it"""
    number = live.count(300, 3000)
    garbage, _snapshot, truth = dropped(folder, "hidden", number)
    live.equal(truth["collected"], 0, "objects that the collector frees")
    live.equal(garbage["collectable"]["tracked"], 0, "collectable.tracked")
    rows = count_types(garbage["hidden"])
    number += 1     # the first one is still there
    live.equal(rows["__main__.Zone"], number, "Zone in hidden")
    live.equal(rows["datetime.datetime"], number, "datetime in hidden")
    live.equal(garbage["hidden"]["cycles"], number, "hidden.cycles")
    check_sets("hidden", garbage, hidden=garbage["hidden"]["tracked"])


def test_cycles(folder):
    """Dropped classes, traceback loops and closures are all listed by cycles"""
    number = 1000
    for name, kind in (("classes", "type"), ("tracebacks", "traceback"), ("closures", "cell")):
        garbage, snapshot, truth = check_family(folder, name, number)
        cycles = live.ask("cycles", snapshot, "--raw", "-n", 100000)
        rows = [row for row in cycles["cycles"]["rows"] if row["garbage"]]
        types = collections.Counter()
        for row in rows:
            live.equal(row["held_by"], None, name + ": what holds garbage")
            types += count_types(row)
        live.equal(types[kind], number, "%s: objects of type %s in cycles" % (name, kind))
        live.equal([sum(row["alike"] for row in rows), sum(row["objects_all"] for row in rows)],
                   truth["cycles"], name + ": cycles, and objects in them")
        live.check(sum(row["objects_all"] for row in rows) <= garbage["collectable"]["tracked"],
                   name + ": more objects in cycles than garbage")
        live.equal(len(rows), 1, name + ": patterns")


live.main(test_families, test_suspended, test_resurrection, test_hidden, test_cycles)
