"""Reference counts against references: what C code holds, and what an extension has forgotten."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import trusted  # noqa: E402
import workloads  # noqa: E402

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "container.c")
COUNT = 500
EXACT_BAR = 0.95        # of the objects; the rest is held by C code
STALE = 5               # objects that a word left over on the C stack still points at
NOISE = 20              # objects that CPython's own modules hold for no reason we know


class Session:
    def __init__(self):
        self.items = []


class Request:
    pass


class Config(dict):
    pass


# targets

def forgetful(folder):
    """An extension that forgets to give references back, in three ways."""
    sys.path.insert(0, folder)
    import container
    one, config, sessions = Request(), Config(), [Session() for _ in range(COUNT)]
    told = {"one": id(one), "config": id(config), "items": [id(s.items) for s in sessions]}

    def forget(what):
        nonlocal one, sessions
        if what == "one":           # of an object, once; and then Python lets it go
            container.forget(one)
            one = None
        elif what == "config":      # of one that lives on, at every call
            for _ in range(COUNT):
                container.forget(config)
        elif what == "sessions":    # of each of many
            for session in sessions:
                container.forget(session)
            session = sessions = None
        nested = []
        for _ in range(100):
            nested = [nested]
        repr(nested)                    # so deep in C that nothing is left over on its stack
        return told
    live.answer({"forget": forget, "kept": lambda: len(config)})


def workload(name):
    held = workloads.build(name, 20000)
    live.answer({"hold": lambda: len(held)})


# tests

def build(folder):
    built = subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-w", "-o",
                            os.path.join(folder, "container.so"), SOURCE],
                           capture_output=True, text=True)
    live.equal(built.returncode, 0, built.stderr)


def audit(target, folder, *words):
    return live.ask("audit", live.captured(target, folder), "-n", "1000", *words)


@live.needs(lambda: shutil.which("cc"), "no C compiler here")
def test_forgotten(folder):
    """On every interpreter: what an extension has forgotten, and nothing else, comes first"""
    build(folder)
    for version, python in trusted.interpreters():
        with live.Target("forgetful", folder, python=python) as target:
            before = audit(target, folder)
            live.check(not [row for row in before["objects"]["rows"] if row["alone"]],
                       version, "leaked before:", before["objects"]["rows"][:3])
            told = target.ask("forget", "one")
            first = audit(target, folder)["objects"]["rows"][0]
            live.equal((int(first["address"], 16), first["type"], first["found"],
                        first["unexplained"], first["alone"]),
                       (told["one"], "__main__.Request", 0, 1, True), version + ": the first")
            target.ask("forget", "sessions")
            after = audit(target, folder)
            row = after["types"]["rows"][0]
            live.equal(row["type"], "__main__.Session", version + ": the first type")
            live.check(COUNT - STALE <= row["alone"] == row["excess"] <= COUNT, version, row)
            live.check({r["type"] for r in after["objects"]["rows"][:COUNT - STALE]} <=
                       {"__main__.Session", "__main__.Request"}, version, "the first objects")
            target.ask("forget", "config")
            found = [r for r in audit(target, folder)["objects"]["rows"]
                     if not r["alone"]][0]
            live.equal(int(found["address"], 16), told["config"],
                       version + ": the first that lives on")
            live.check(COUNT - STALE <= found["unexplained"] <= COUNT, version, found)


def test_quiet(folder):
    """Heaps of pure Python: nearly all is exact, no type of theirs is suspected"""
    for version, python in trusted.interpreters():
        for name in ("mix", "app"):
            with live.Target("workload", name, python=python) as target:
                answer = audit(target, folder)
            where = "%s %s" % (version, name)
            live.check(answer["exact"] >= EXACT_BAR * answer["checked"], where, "exact:",
                       answer["exact"], "of", answer["checked"])
            live.equal(answer["deficit"], {"objects": 0, "references": 0}, where + ": deficits")
            rows = answer["objects"]["rows"]
            live.check(len(rows) <= NOISE, where, "suspects:", len(rows), rows[:3])
            live.check(not [row for row in rows if row["type"].startswith("workloads.")],
                       where, "of the workload:", rows[:5])


def test_selection(folder):
    """Of a selection only; as ids, the selection of another command"""
    with live.Target("workload", "mix") as target:
        path = live.captured(target, folder)
    whole, part = live.ask("audit", path), live.ask("audit", path, "workloads.*")
    live.check(0 < part["checked"] < whole["checked"], part["checked"], whole["checked"])
    live.equal(part["exact"], part["checked"], "objects of the workload")
    done = live.refgraph("audit", path, "--format", "ids")
    live.equal(len(done.stdout.splitlines()), whole["objects"]["of"], "ids")


sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_forgotten, test_quiet, test_selection)
