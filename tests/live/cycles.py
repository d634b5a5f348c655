"""The cycles of live processes, and heaps of shapes that ask for recursion."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import rgs  # noqa: E402
import workloads  # noqa: E402

STACK = 256 << 10
SECONDS = 30                # for one answer about a heap of extreme shape
NO_MEMBERS = ("module", "builtin_function_or_method", "method_descriptor", "wrapper_descriptor",
              "getset_descriptor", "member_descriptor")


# targets

def working(name, count):
    heap = workloads.build(name, count)
    live.answer({"heap": lambda: heap is not None})


def importing(names):
    modules = workloads.import_all(names)
    live.answer({"modules": lambda: len(modules)})


def build_hub(count):
    """COUNT objects that refer to one, which refers to them all."""
    hub = workloads.Record(1, "hub", None)
    hub.children = [workloads.Slot(hub, None) for _ in range(count)]
    return hub


def build_chain(count):
    """A ring of COUNT links, which is one cycle, and a chain of as many."""
    last = first = workloads.Slot("first", None)
    for _ in range(count):
        last = workloads.Slot(None, last)
    first.next = last
    return first, workloads.slot_chain(count)


def build_star(count):
    """A list of COUNT items that has itself among them."""
    star = [[number] for number in range(count)]
    star.append(star)
    return star


def shaped(name, count):
    heap = globals()["build_" + name](count)
    live.answer({"heap": lambda: heap is not None})


# what cycles says of mix

def count_mix(n):
    """(records, their lists that are in the cycle, their dicts that are in it) of build_mix."""
    records = int(n * 0.40 / 6.6)
    return records, (records - 1 + 7) // 8, (records + 15) // 16


def count_rings(n):
    """size -> number of the rings of build_mix."""
    sizes, made = {}, 0
    while made < int(n * 0.20 / 3):
        size = 2 + made // 7 % 5
        sizes[size] = sizes.get(size, 0) + 1
        made += size
    return sizes


def find(cycles, name, test):
    found = [row for row in cycles["cycles"]["rows"] if test(row)]
    live.equal(len(found), 1, "patterns of " + name)
    return found[0]


def types_of(row):
    return {entry["type"]: entry["count"] for entry in row["types"]["rows"]}


def breaks_of(row):
    return [(entry["expression"], entry["count"]) for entry in row["break"]["rows"]]


def check_tree(cycles, n):
    records, lists, dicts = count_mix(n)
    row = find(cycles, "the tree", lambda row: "workloads.Record" in types_of(row))
    live.equal([row["alike"], row["objects_all"], row["garbage"]],
               [1, records + lists + dicts, False], "the tree")
    live.equal(types_of(row), {"workloads.Record": records, "list": lists, "dict": dicts},
               "types in the tree")
    live.equal(sorted(breaks_of(row)), [
        ("workloads.Record.attrs['self']", dicts), ("workloads.Record.parent", records - 1)],
        "the references to break in the tree")
    live.check("['tree']" in row["held_by"]["path"], "held by", row["held_by"]["path"])


def check_rings(cycles, n):
    sizes = count_rings(n)
    row = find(cycles, "the rings", lambda row: [
        (step["from_type"], step["label"], step["to_type"]) for step in row["pattern"]["rows"]]
        == [("dict", "['next']", "dict")])
    live.equal(row["alike"], sum(sizes.values()), "rings")
    live.equal({shape["objects"]: shape["alike"] for shape in row["shapes"]["rows"]}, sizes,
               "shapes of the rings")
    live.equal(row["shapes"]["of"], 5, "shapes of the rings")
    live.equal(row["objects_all"], sum(size * number for size, number in sizes.items()),
               "objects in rings")
    live.equal([expression for expression, _ in breaks_of(row)], ["dict['next']"],
               "the references to break in the rings")


def check_closures(cycles, n):
    row = find(cycles, "the closures", lambda row: "workloads.Leaky" in types_of(row))
    number = int(n * 0.02 / 9)
    live.equal([row["alike"], row["shapes"]["of"], row["garbage"]], [number, 1, False],
               "the closures")
    live.equal(types_of(row)["workloads.Leaky"], number, "Leaky in the closures")
    live.check(".registry[" in row["held_by"]["path"], "held by", row["held_by"]["path"])


def test_mix(folder):
    """Tree, rings and closures of a mixed heap, each as one pattern with what to break"""
    n = live.count(20000, 200000)
    with live.Target("working", "mix", n) as target:
        snapshot = live.captured(target, folder)
        cycles = live.ask("cycles", snapshot, "-n", 1000)
        check_tree(cycles, n)
        check_rings(cycles, n)
        check_closures(cycles, n)
        # the same again, asked of the process
        again = live.ask("cycles", target.pid, "-n", 1000, "--save", folder + "/again.rgs",
                         "--stable")
        stable = live.ask("cycles", snapshot, "-n", 1000, "--stable")
        for answer in (again, stable):
            del answer["source"]
        live.equal(again == stable, True, "that a second capture says the same")


def static_types(path):
    snapshot = rgs.read(path)
    heap = 1 << rgs.TYPE_FLAGS.index("heap")
    return {"0x%x" % kind.address: snapshot.string(kind.name) for kind in snapshot.types
            if not kind.flags & heap}


def test_library(folder):
    """No module, builtin function or static type is in a cycle of the standard library"""
    names = list(workloads.stdlib_names()) if live.THOROUGH else workloads.APP_MODULES
    with live.Target("importing", names) as target:
        live.check(target.ask("modules") > 100, "few modules could be imported")
        snapshot = live.captured(target, folder)
    cycles = live.ask("cycles", snapshot, "-n", 100000)
    static = static_types(snapshot)
    live.check(len(static) > 50, "few static types:", len(static))
    live.check(cycles["cycles"]["of"] > 0, "no cycles at all")
    live.equal(cycles["cycles"]["shown"], cycles["cycles"]["of"], "patterns shown")
    for row in cycles["cycles"]["rows"]:
        if row["garbage"]:
            continue
        found = sorted(set(types_of(row)) & set(NO_MEMBERS))
        live.equal(found, [], "types in a cycle of " + row["signature"])
        for member in row["members"]["rows"]:
            live.check(member["address"] not in static, "a static type in a cycle:",
                       static.get(member["address"]))
    live.check(cycles["totals"]["largest"] < 5000, "a cycle of %d objects" %
               cycles["totals"]["largest"])


# shapes

def check_answers(snapshot, name, selection):
    """Every command answers, soon and on a small stack."""
    answers = {}
    for arguments in (("types",), ("cycles",), ("cycles", "--raw", "--edges", "all"),
                      ("generations",), ("garbage",), ("info",), ("why", selection),
                      ("retained",), ("retained", "--tree"), ("retained", selection)):
        words = arguments[:1] + (snapshot,) + arguments[1:]
        start = time.monotonic()
        answers[arguments] = live.ask(*words, stack=STACK)
        taken = time.monotonic() - start
        live.check(taken < SECONDS, "%s of %s took %.1f s" % (arguments[0], name, taken))
        done = live.refgraph(*words[:1], *words[1:], stack=STACK)
        live.equal(done.returncode, 0, "exit status of %s of %s as text (%s)" % (
            arguments[0], name, done.stderr))
    for suffix in ("svg", "dot"):
        done = live.refgraph("cycles", snapshot, "-o", snapshot + "." + suffix, stack=STACK)
        live.equal(done.returncode, 0, "exit status of a picture of %s (%s)" % (name, done.stderr))
    return answers


def shape(folder, name, n, selection):
    with live.Target("shaped", name, n) as target:
        snapshot = live.captured(target, folder, stack=STACK)
    return check_answers(snapshot, name, selection)


def test_chain(folder):
    """A ring and a chain of many links"""
    n = live.count(200000, 1000000)
    answers = shape(folder, "chain", n, "workloads.Slot")
    row = find(answers[("cycles",)], "the ring", lambda row: "workloads.Slot" in types_of(row))
    live.equal([row["alike"], row["objects_all"]], [1, n + 1], "the ring")
    live.equal([expression for expression, _ in breaks_of(row)], ["workloads.Slot.next"],
               "the references to break")
    live.equal(answers[("why", "workloads.Slot")]["selected"], 2 * n + 1, "links selected")


def test_hub(folder):
    """A hub with many referrers"""
    n = live.count(200000, 1000000)
    answers = shape(folder, "hub", n, "workloads.Record")
    row = find(answers[("cycles",)], "the hub", lambda row: "workloads.Record" in types_of(row))
    live.equal([row["alike"], row["objects_all"]], [1, n + 2], "the hub")
    live.equal([expression for expression, _ in breaks_of(row)], ["workloads.Slot.value"],
               "the references to break")
    live.equal(answers[("why", "workloads.Record")]["selected"], 1, "hubs selected")


def test_star(folder):
    """A list of many items"""
    n = live.count(200000, 1000000)
    answers = shape(folder, "star", n, "list")
    rows = [row for row in answers[("cycles",)]["cycles"]["rows"]
            if types_of(row) == {"list": 1}]
    live.equal(len(rows), 1, "patterns of a list in itself")
    live.check(answers[("why", "list")]["selected"] > n, "lists selected:",
               answers[("why", "list")]["selected"])


live.main(test_mix, test_library, test_chain, test_hub, test_star)
