"""Sub-interpreters: their objects are found, and what holds them says of which they are."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import rgs  # noqa: E402
import trusted  # noqa: E402

COUNT = 50
CODE = """
class Sub:
    pass
kept = [Sub() for _ in range(%d)]
for one in kept:
    one.me = one
""" % COUNT


def interpreters(count):
    """A process with COUNT sub-interpreters."""
    try:
        import _interpreters as module
    except ImportError:         # to 3.12
        import _xxsubinterpreters as module
    made = [module.create() for _ in range(count)]
    for one in made:
        module.run_string(one, CODE)
    live.answer({"made": lambda: len(made)})


def test_every_version(folder):
    """On every interpreter: the objects of two, each held by its own sys.modules"""
    for version, python in trusted.interpreters():
        with live.Target("interpreters", 2, python=python) as target:
            path = live.captured(target, folder)
            snapshot = rgs.read(path)
            found = sum(snapshot.type_name(kind) == "__main__.Sub" for kind in snapshot.type)
            live.equal(found, 2 * COUNT, "objects of both in " + version)
            names = {snapshot.string(root.name) for root in snapshot.roots}
            for number in (1, 2):
                live.check("interpreter %d: sys.modules" % number in names, version, number)
            live.check("sys.modules" in names, "the main one's", version)
            live.equal(len(snapshot.threads) >= 1, True, "threads")
            live.equal(snapshot.string(snapshot.threads[0].name), "MainThread",
                       "the first thread of " + version)
            said = live.refgraph("why", path, "Sub").stdout
            live.check("interpreter 1: sys.modules>['__main__'].kept" in said, version, said)
        print("# %s: %d objects" % (version, len(snapshot.address)))


sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_every_version)
