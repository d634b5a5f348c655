"""The examples of objgraph's documentation, drawn from outside.

Each target is one example: it makes the objects, tells their addresses, and waits. The picture that
refs, backrefs, why or path make of it must have those objects and those labels: also where objgraph
takes the first name that fits. Where objgraph itself is here (Debian: python3-objgraph), it draws
the same objects from inside the target, and what it draws must be in our picture.
"""

import ctypes
import io
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402

try:
    import objgraph
except ImportError:
    objgraph = None


# targets: each keeps its objects in the globals of this file, as an interactive session would

class Node:
    def __init__(self, *neighbours):
        self.neighbours = list(neighbours)


class Canary:
    pass


class Nondestructible(list):
    def __del__(self):
        pass


class Pretender:
    """Like a mock with a spec: its __class__ is somebody else's."""

    @property
    def __class__(self):
        return Node


class Greeter:
    def greet(self):
        return self


def count_to_three():
    tweety = Canary()
    yield 1
    yield 2
    yield tweety


def make_sample():
    global x, y
    x = []
    y = [x, [x], dict(x=x)]
    return {"x": x, "y": y, "inner": y[1], "dict": y[2]}


def make_many():
    global seven, moo, refs_to_moo
    seven, moo = [10000 + n for n in range(7)], "moo moo"
    refs_to_moo = [[moo] for n in range(42)]
    return {"seven": seven, "moo": moo}


def make_chain():
    global it
    it = count_to_three()
    next(it)
    return {"it": it, "canary": it.gi_frame.f_locals["tweety"]}


def make_search():
    global my_object
    end = Canary()
    my_object = dict(foo=dict(unrelated="things"),
                     bar=[dict(nesting="fun"), dict(boobytrap=end)])
    return {"start": my_object, "end": end}


def make_ring():
    global a, d
    a = Node()
    b = Node(a)
    c = Node(b)
    d = Node(c)
    a.neighbours.append(d)
    return {"a": a, "b": b, "c": c, "d": d}


def make_functions():
    global closure, anonymous, bound, greeter
    captured = Canary()

    def inner():
        return captured

    closure, anonymous, greeter = inner, lambda: captured, Greeter()
    bound = greeter.greet
    return {"closure": closure, "lambda": anonymous, "bound": bound, "greeter": greeter,
            "captured": captured, "greet": Greeter.greet}


def make_weak():
    global target, reference, proxy
    import weakref
    target = Canary()
    reference, proxy = weakref.ref(target), weakref.proxy(target)
    return {"target": target, "reference": reference}


def make_mock():
    global pretender, mock
    from unittest.mock import MagicMock
    pretender, mock = Pretender(), MagicMock(spec=Node)
    return {"pretender": pretender, "mock": mock}


def make_twice():
    global shared, twice, items
    shared = Canary()
    twice = {"first": shared, "second": shared, ("a", 1): shared}
    items = [None, shared, shared]
    return {"shared": shared, "twice": twice, "items": items}


def make_finalizer():
    global del_ring
    one, two, three = Nondestructible(), [], []
    one.append(two)
    two.append(three)
    three.append(one)
    del_ring = one
    return {"one": one, "two": two, "three": three}


def make_characters():
    global characters
    characters = {chr(i): 100000 + i for i in range(256)}
    return {"all": characters}


def drawn(function, objects, **options):
    """The addresses that objgraph draws."""
    if objgraph is None:
        return None
    out = io.StringIO()
    # as its documentation does: not on from the names of the session, to all that knows them
    getattr(objgraph, function)(objects, output=out, shortnames=False,
                                extra_ignore=[id(globals()), id(sys._getframe()), id(objects)],
                                **options)
    return sorted({int(n) for n in re.findall(r"\bo(\d+)\b", out.getvalue())})


def chain(obj):
    if objgraph is None:
        return None
    return len(objgraph.find_backref_chain(obj, objgraph.is_proper_module, max_depth=20))


def example(name):
    addresses = {key: hex(id(value)) for key, value in globals()["make_" + name]().items()}
    live.answer({
        "addresses": lambda: addresses,
        "drawn": lambda function, key, options: drawn(function, [at(addresses[key])], **options),
        "chain": lambda key: chain(at(addresses[key])),
    })


def at(address):
    """The object there: the target keeps no reference of its own to it."""
    return ctypes.cast(int(address, 16), ctypes.py_object).value


# what the tests ask

class Picture:
    """A graph in JSON: its nodes by address, its edges as (from, label, to)."""

    def __init__(self, answer):
        graph = answer["graph"]
        self.nodes = graph["nodes"]["rows"]
        self.by_address = {n["address"]: n for n in self.nodes if "address" in n}
        names = [n.get("address", n["title"]) for n in self.nodes]
        self.edges = {(names[e["from_node"]], e["label"], names[e["to_node"]])
                      for e in graph["edges"]["rows"]}
        self.kinds = {(names[e["from_node"]], names[e["to_node"]], e["kind"])
                      for e in graph["edges"]["rows"]}

    def has(self, *edges):
        for edge in edges:
            live.check(edge in self.edges, "no edge", edge, "in", sorted(self.edges))


class Example:
    def __init__(self, name, folder):
        self.name, self.folder = name, folder

    def __enter__(self):
        self.target = live.Target("example", self.name)
        self.target.__enter__()
        self.at = self.target.ask("addresses")
        self.snapshot = live.captured(self.target, self.folder)
        return self

    def __exit__(self, *error):
        self.target.__exit__(*error)

    def picture(self, command, key, *options):
        return Picture(live.ask(command, self.snapshot, self.at[key], *options))

    def same_as_objgraph(self, picture, function, key, **options):
        """What objgraph draws is in PICTURE, or folded into an object that is."""
        addresses = self.target.ask("drawn", function, key, options)
        for address in addresses or ():
            if hex(address) in picture.by_address:
                continue
            show = live.ask("show", self.snapshot, hex(address), "--raw")
            owners = {row["object"]["address"] for row in show["in"]["rows"]
                      if row["reference"]["kind"] == "dict"}
            mine = show["object"]["type"] in ("frame", "type", "module") or owners & set(
                picture.by_address)
            live.check(mine, "objgraph draws", show["object"], "and we do not")
        return addresses is not None


def test_sample(folder):
    """refs and backrefs of the sample graph: the same objects, with indices and keys."""
    with Example("sample", folder) as it:
        at = it.at
        refs = it.picture("refs", "y")
        refs.has((at["y"], "[0]", at["x"]), (at["y"], "[1]", at["inner"]),
                 (at["inner"], "[0]", at["x"]), (at["y"], "[2]", at["dict"]),
                 (at["dict"], "['x']", at["x"]))
        live.equal(len(refs.nodes), 4, "nodes")
        it.same_as_objgraph(refs, "show_refs", "y")
        backrefs = it.picture("backrefs", "x")
        backrefs.has((at["y"], "[0]", at["x"]), (at["inner"], "[0]", at["x"]),
                     (at["dict"], "['x']", at["x"]), (at["y"], "[2]", at["dict"]),
                     (module(backrefs, "__main__"), ".x", at["x"]))
        live.equal(len(backrefs.nodes), 5, "nodes: nothing of refgraph's own")
        extra = it.picture("refs", "y", "--extra", "address")
        live.check(at["x"] in extra.by_address[at["x"]]["facts"], "the address on the node")


def module(picture, name):
    """The address of a module that is drawn."""
    found = [n["address"] for n in picture.nodes if n["title"] == "module " + name]
    live.equal(len(found), 1, "modules called " + name)
    return found[0]


def test_many(folder):
    """Too many references: the first of them, and how many more."""
    with Example("many", folder) as it:
        refs = it.picture("refs", "seven", "--breadth", "5")
        live.equal(sum(n["type"] == "int" for n in refs.by_address.values()), 5, "ints")
        live.equal([n["alike"] for n in refs.nodes if n["role"] == "folded"], [2], "more")
        back = it.picture("backrefs", "moo", "--breadth", "5", "--depth", "1")
        live.equal(len(back.by_address) - 1, 5, "referrers")
        referrers = live.ask("show", it.snapshot, it.at["moo"])["in"]["of"]
        live.check(referrers >= 42, "references to it:", referrers)
        live.equal(sum(n["alike"] for n in back.nodes if n["role"] == "folded"), referrers - 5,
                   "more")


def test_generator(folder):
    """A generator holds its locals: the canary and the chain to it."""
    with Example("chain", folder) as it:
        back = it.picture("backrefs", "canary", "--depth", "7")
        back.has((it.at["it"], ".<local tweety>", it.at["canary"]),
                 (module(back, "__main__"), ".it", it.at["it"]))
        why = live.ask("why", it.snapshot, it.at["canary"])["chains"]["rows"][0]
        live.equal(why["path"], "sys.modules['__main__'].it.<local tweety>", "path")
        theirs = it.target.ask("chain", "canary")
        # theirs goes through the module's dict and the generator's frame
        live.check(theirs is None or why["steps"]["of"] <= theirs, "chain of", why["steps"]["of"],
                   "objgraph's has", theirs)


def test_search(folder):
    """find_ref_chain: the path from one object to another."""
    with Example("search", folder) as it:
        found = live.ask("path", it.snapshot, it.at["start"], it.at["end"])
        live.equal(found["shortest"], 1, "paths")
        live.equal(found["paths"]["rows"][0]["path"], "dict['bar'][1]['boobytrap']", "path")
        live.equal(found["length"], 3, "references")


def test_highlight(folder):
    """A ring of nodes, highlighted; its references are marked as a cycle."""
    with Example("ring", folder) as it:
        back = it.picture("backrefs", "a", "--depth", "15", "--highlight", "Node")
        marked = {n["address"] for n in back.nodes if n.get("highlighted")}
        live.equal(marked, {it.at[k] for k in "abcd"}, "highlighted")
        it.same_as_objgraph(back, "show_backrefs", "a", max_depth=15, too_many=100)
        dot = live.refgraph("backrefs", it.snapshot, it.at["a"], "--depth", "15", "--format",
                            "dot").stdout
        live.check(dot.count('color="#D55E00"') >= 8, "the cycle is orange")


def test_functions(folder):
    """Closures, lambdas and bound methods: cells, names, self."""
    with Example("functions", folder) as it:
        at = it.at
        for name in ("closure", "lambda"):
            refs = it.picture("refs", name, "--depth", "4")
            live.check(refs.by_address[at[name]]["title"] in ("function inner", "function <lambda>"),
                       "title", refs.by_address[at[name]]["title"])
            labels = {label for _, label, _ in refs.edges}
            live.check({".__closure__", "[0]", ".cell_contents"} <= labels, "labels", labels)
            live.check(at["captured"] in refs.by_address, "what is closed over")
        bound = it.picture("refs", "bound")
        bound.has((at["bound"], ".__self__", at["greeter"]), (at["bound"], ".__func__", at["greet"]))
        back = it.picture("backrefs", "captured", "--depth", "3")
        live.check({at["closure"], at["lambda"]} <= set(back.by_address), "both functions")


def test_weak(folder):
    """Weak references hold nothing: they are shown on request."""
    with Example("weak", folder) as it:
        strong = it.picture("backrefs", "target")
        live.check(it.at["reference"] not in strong.by_address, "a weak reference as a referrer")
        weak = it.picture("backrefs", "target", "--weak")
        live.check((it.at["reference"], it.at["target"], "weak") in weak.kinds, "kinds",
                   weak.kinds)


def test_mock(folder):
    """A false __class__ fools objgraph's isinstance, and nobody here."""
    with Example("mock", folder) as it:
        refs = it.picture("refs", "pretender", "--depth", "1")
        live.equal(refs.by_address[it.at["pretender"]]["type"], "__main__.Pretender", "type")
        mock = it.picture("refs", "mock", "--depth", "1")
        live.equal(mock.by_address[it.at["mock"]]["type"], "unittest.mock.MagicMock", "type")


def test_twice(folder):
    """Two keys, two items with one value: each edge has its own label (objgraph#49)."""
    with Example("twice", folder) as it:
        at = it.at
        back = it.picture("backrefs", "shared", "--depth", "1")
        back.has((at["twice"], "['first']", at["shared"]), (at["twice"], "['second']", at["shared"]),
                 (at["twice"], "[('a', 1)]", at["shared"]), (at["items"], "[1]", at["shared"]),
                 (at["items"], "[2]", at["shared"]))
        refs = it.picture("refs", "twice", "--depth", "1")
        refs.has((at["twice"], "['first']", at["shared"]), (at["twice"], "['second']", at["shared"]))


def test_finalizer(folder):
    """A __del__ is shown on the instance, not on the class."""
    with Example("finalizer", folder) as it:
        back = it.picture("backrefs", "one")
        live.check("__del__" in back.by_address[it.at["one"]]["facts"], "facts")
        live.check("__del__" not in back.by_address[it.at["two"]]["facts"], "facts of a list")
        it.same_as_objgraph(back, "show_backrefs", "one")


def test_characters(folder):
    """A dict with every character as a key: every one is drawn, and graphviz reads it."""
    with Example("characters", folder) as it:
        refs = it.picture("refs", "all", "--breadth", "600", "--nodes", "500")
        live.equal(len(refs.by_address), 257, "nodes")
        live.equal(len(refs.edges), 256, "labels")
        dot = live.refgraph("refs", it.snapshot, it.at["all"], "--breadth", "600", "--nodes", "500",
                            "--format", "dot").stdout
        live.check(not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", dot), "a control character")
        for form in ("svg", "png"):
            out = os.path.join(folder, "all." + form)
            done = live.refgraph("refs", it.snapshot, it.at["all"], "--breadth", "600", "--nodes",
                                 "500", "-o", out)
            live.equal(done.returncode, 0, "status (%s)" % done.stderr)


if __name__ == "__main__":
    live.main(test_sample, test_many, test_generator, test_search, test_highlight, test_functions,
              test_weak, test_mock, test_twice, test_finalizer, test_characters)
