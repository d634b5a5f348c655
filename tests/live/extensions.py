"""Extension types, which no table describes: what is guessed of them from outside is right.

From within, the agent has each object's tp_traverse say what it refers to; that is the truth here.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import rgs  # noqa: E402
import same  # noqa: E402
import trusted  # noqa: E402
import ways  # noqa: E402

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "container.c")
FOUND_BAR = 0.95        # of what lies in an object's body
COUNT = 500
sys.path.insert(0, os.path.dirname(os.environ["REFGRAPH_AGENT_FOLDER"]))


class Plain:
    pass


# targets

def boxes(folder):
    import refgraph
    sys.path.insert(0, folder)
    import container
    kept = [container.Box(Plain(), Plain(), Plain(), [i]) for i in range(COUNT)]
    live.answer({"dump": refgraph.dump, "kept": lambda: len(kept),
                 "sizes": lambda: {id(box): sys.getsizeof(box) for box in kept}})


def make_numpy():
    import numpy
    return [numpy.array([object(), [1]], dtype=object), numpy.arange(10)[2:5],
            numpy.dtype([("a", "i4"), ("b", "f8")]), numpy.random.default_rng(1),
            numpy.float64(1.5), numpy.nditer(numpy.arange(3)), numpy.vectorize(len)]


def make_lxml():
    from lxml import etree
    root = etree.fromstring('<a><b c="d">x</b></a>')
    return [root, root[0], root.attrib, root.iter(), etree.XPath("//b"), etree.XMLParser()]


def make_django():
    import django
    from django.conf import settings
    settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"])
    django.setup()
    from django.contrib.auth.models import User
    return [User(username="a"), User.objects.all()]


def library(name):
    import refgraph
    kept = globals()["make_" + name]()
    live.answer({"dump": refgraph.dump, "kept": lambda: len(kept)})


# comparing

def references(snapshot, name_wanted):
    """{address: Counter of targets} of the objects of types that NAME_WANTED says."""
    wanted = {address: Counter() for address, kind in zip(snapshot.address, snapshot.type)
              if name_wanted(snapshot.type_name(kind))}
    for source, target, head in zip(snapshot.source, snapshot.target, snapshot.head):
        if source in wanted and rgs.KINDS[head >> 4][0] != "weak":
            wanted[source][target] += 1
    return wanted


def both(target, folder):
    inside = os.path.join(folder, "inside.rgs")
    target.ask("dump", inside)
    outside = live.captured(target, folder)
    return rgs.read(inside), rgs.read(outside)


# tests

def build(folder):
    built = subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-w", "-o",
                            os.path.join(folder, "container.so"), SOURCE],
                           capture_output=True, text=True)
    live.equal(built.returncode, 0, built.stderr)


@live.needs(lambda: shutil.which("cc"), "no C compiler here")
def test_own_container(folder):
    """A type of our own, on every interpreter: its body is found, an array behind it from within"""
    build(folder)
    for version, python in trusted.interpreters():
        with live.Target("boxes", folder, python=python) as target:
            inside, outside = both(target, folder)
            of_box = "container.Box".__eq__
            within, without = references(inside, of_box), references(outside, of_box)
            live.equal((len(within), len(without)), (COUNT, COUNT), "boxes in " + version)
            # shown, hidden, two items, the type; from outside the items lie behind a C pointer
            live.equal({sum(refs.values()) for refs in within.values()}, {5}, version)
            live.equal({sum(refs.values()) for refs in without.values()}, {3}, version)
            wrong = sum((refs - within[address]).total() for address, refs in without.items())
            live.equal(wrong, 0, "guesses that are wrong in " + version)
            # it holds no object; what lies behind it in memory is an arena of Python's
            for snapshot in (inside, outside):
                live.check("C data of agent.so" not in map(snapshot.string, {
                    root.name for root in snapshot.roots}), "a heap taken for a library's data")
            sizes = {made.address: (made.size, made.flags & rgs.SIZE_OPEN)
                     for made in inside.objects()}
            for address, size in target.ask("sizes").items():
                live.equal(sizes[int(address)], (size, 0), "the size of a box in " + version)
            live.equal(target.ask("kept"), COUNT, "it lives")


@live.needs(lambda: shutil.which("cc") and not ways.why_not("agent"),
            "no C compiler here, or the agent's child cannot be read")
def test_asked_sizes(folder):
    """To ask objects for their sizes changes no reference count, and no root of what is walked"""
    build(folder)
    with live.Target("boxes", folder) as target:
        path = os.path.join(folder, "inside.rgs")
        inside, outside = ways.by_agent(target, lambda: target.say("dump", path), path, folder)
        live.equal(list(same.differences(inside, outside))[:9], [], "differences")


def check_library(name, folder):
    with live.Target("library", name) as target:
        inside, outside = both(target, folder)
        live.equal(outside.damage, None, "damage")
        guessed = {outside.type_name(i) for i, kind in enumerate(outside.types)
                   if kind.flags >> 13 & 1}
        within, without = (references(snapshot, guessed.__contains__)
                           for snapshot in (inside, outside))
        there = {address: refs for address, refs in within.items() if address in without}
        expected = sum(refs.total() for refs in there.values())
        found = sum((refs & without[address]).total() for address, refs in there.items())
        wrong = sum((without[address] - refs).total() for address, refs in there.items())
        print("# %s: %d objects, %d of types without a table; of their %d references %d found, "
              "%d wrong" % (name, len(outside.address), len(there), expected, found, wrong))
        live.check(found >= FOUND_BAR * expected, name, "found", found, "of", expected)
        live.check(wrong <= 0.005 * expected, name, "wrong guesses:", wrong)


def importable(name):
    return subprocess.run([live.PYTHON3, "-c", "import " + name],
                          capture_output=True).returncode == 0


@live.needs(lambda: importable("numpy"), "no numpy here")
def test_numpy(folder):
    """numpy: nothing is refused, and what is guessed is right"""
    check_library("numpy", folder)


@live.needs(lambda: importable("lxml"), "no lxml here")
def test_lxml(folder):
    """lxml: nothing is refused, and what is guessed is right"""
    check_library("lxml", folder)


@live.needs(lambda: importable("django"), "no Django here")
def test_django(folder):
    """Django: nothing is refused, and what is guessed is right"""
    check_library("django", folder)


sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_own_container, test_asked_sizes, test_numpy, test_lxml, test_django)
