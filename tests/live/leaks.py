"""Leak suspects: the culprit of each program in tests/python/leaks first, by the same signature in
every run; growth and only growth where there are two snapshots; and what a build asks.

Each program names its culprit: "Suspect: KIND PLACE", of places one of several with | between."""

import gc
import glob
import os
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
import live  # noqa: E402

LEAKS = os.path.join(HERE, "..", "python", "leaks")
SERVICE = os.path.join(HERE, "..", "..", "examples", "leaky_service")
PROGRAMS = sorted(set(glob.glob(os.path.join(LEAKS, "*.py"))) -
                  {os.path.join(LEAKS, "traffic.py")})
PYTHONS = [live.PYTHON3] + ([path for path in os.environ.get("PYTHONS", "").split(":") if path]
                            if live.THOROUGH else [])


def dropping():
    """Drops as many cycles as asked for, and never collects."""
    class Ring:
        def __init__(self):
            self.ring = self

    def drop(count):
        for _ in range(count):
            Ring()
    gc.collect()
    gc.disable()
    live.answer({"drop": drop})


class Request:
    def __init__(self, number):
        self.number, self.body = number, b"%d" % number * 400


class Product:
    def __init__(self, number):
        self.number, self.text = number, "product %d" % number * 60


LEAK, LISTENERS, CATALOG, SESSIONS = [], [], {}, {}


def leak(request):
    LEAK.append(request)
    LISTENERS.append(lambda request=request: request)


def shop(requests):
    """Two lists hold each request; a larger catalog and sessions are beside each other."""
    for number in range(requests):
        leak(Request(number))
    for number in range(0 if requests else 3000):
        CATALOG[number] = Product(number)
        if number % 6 == 0:
            SESSIONS["u:%d" % number] = Request(number)
    live.answer({})


class Program:
    """A leaking program that has done its first requests."""

    def __init__(self, path, python=live.PYTHON3, seed=0):
        self.process = subprocess.Popen(
            [python, "-B", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, PYTHONHASHSEED=str(seed)))
        self.pid = self.process.pid
        self.ready()

    def ready(self):
        live.equal(self.process.stdout.readline(), "READY\n", "the program says")

    def more(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.ready()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(live.LIMIT)


def expected(path):
    """The kind and the places that the program itself names."""
    with open(path) as file:
        kind, places = re.search(r"(?m)^Suspect: (\S+) (.*)$", file.read()).groups()
    return kind, places.split("|")


def described(suspect):
    """All that a suspect says in words."""
    chain = suspect["chain"]["path"] if suspect["chain"] else ""
    breaks = [row["expression"] for row in suspect["break"]["rows"]]
    return " ".join([chain, suspect["type"]] + breaks)


def check_first(answer, path):
    """The first suspect is the culprit; its signature."""
    kind, places = expected(path)
    first = answer["suspects"]["rows"][0]
    name = os.path.basename(path)
    live.equal(first["kind"], kind, name + ": kind of the first of " + answer["triage"])
    live.check(any(place in described(first) for place in places), name, described(first))
    live.check(first["count"] >= 100, name, "count", first["count"])
    return first["signature"]


def test_patterns(folder):
    """The first suspect is the culprit, and has one signature whatever the addresses and hashes"""
    live.check(len(PROGRAMS) >= 8, "programs", PROGRAMS)
    for python in PYTHONS:
        for path in PROGRAMS:
            signatures = set()
            for seed in range(10):
                with Program(path, python, seed) as program:
                    answer = live.ask("leaks", str(program.pid), "--no-save")
                signatures.add(check_first(answer, path))
            live.equal(len(signatures), 1, "signatures of %s" % path)


def test_growth(folder):
    """Between two snapshots the culprit grew, by the same signature; the steady catalog did not"""
    for path in PROGRAMS:
        name = os.path.basename(path)[:-3]
        before, after = (os.path.join(folder, "%s.%d.rgs" % (name, i)) for i in (1, 2))
        with Program(path) as program:
            live.dump(program.pid, before)
            program.more()
            live.dump(program.pid, after)
        signature = check_first(live.ask("leaks", after), path)
        rows = live.ask("leaks", after, "--new-since", before)["suspects"]["rows"]
        kind = "garbage" if name == "del_cycle" else "growth"
        live.equal((rows[0]["kind"], rows[0]["signature"]), (kind, signature), name)
        live.check(199 <= rows[0]["growth"]["delta"] <= 400, name, rows[0]["growth"])
        live.check([row["kind"] for row in rows].count("growth") <= 1, name + ": what grew")
        failing = live.refgraph("leaks", after, "--new-since", before, "--fail-on", "growth")
        live.equal(failing.returncode, 1, name)
        if kind == "growth":
            grown = live.ask("diff", before, after)["growth"]["rows"][0]
            live.check(grown["delta"] >= 199 and grown["steady"] > 0.9, name, grown)
            # what C code holds is told with all that hangs on it, too
            live.check(grown["size_delta"] >= 0.9 * rows[0]["growth"]["size_delta"], name, grown)
        if name == "unbounded_cache":
            catalog = [row for row in rows if "CATALOG" in described(row)]
            live.equal([row["kind"] for row in catalog], ["retainer"], "the catalog")


def test_after(folder):
    """Of a process both snapshots are taken by the command; a mistake is told before"""
    with Program(os.path.join(LEAKS, "listener.py")) as program:
        timer = threading.Timer(1, program.more)
        timer.start()
        rows = live.ask("leaks", program.pid, "--after", "2500ms", "--no-save")["suspects"]["rows"]
        timer.join()
        wrong = live.refgraph("leaks", program.pid, "--after", "60s", "gen=", "--no-save")
    live.equal((rows[0]["kind"], rows[0]["growth"]["delta"]), ("growth", 200), "what grew")
    live.equal(wrong.returncode, 2, wrong.stderr)


def status(*words):
    return live.refgraph("leaks", *words)


def test_places(folder):
    """What two lists of a module hold, and what is beside a larger one, are suspects each"""
    with live.Target("shop", 1000) as target:
        first = live.ask("leaks", target.pid, "--no-save")["suspects"]["rows"][0]
    live.equal((first["type"], first["count"]), ("__main__.Request", 1000), "in two lists")
    live.check("LEAK[" in described(first), described(first))
    with live.Target("shop", 0) as target:
        rows = live.ask("leaks", target.pid, "--no-save")["suspects"]["rows"]
    live.equal({row["type"]: row["count"] for row in rows if "Re" in row["type"] or "Pr" in
                row["type"]}, {"__main__.Product": 3000, "__main__.Request": 500}, "side by side")


def test_build(folder):
    """--fail-on, --known, annotations and JUnit: what a build asks"""
    path = os.path.join(folder, "cache.rgs")
    known, junit = os.path.join(folder, "known"), os.path.join(folder, "junit.xml")
    with Program(os.path.join(LEAKS, "unbounded_cache.py")) as program:
        live.dump(program.pid, path)
    live.equal(status(path).returncode, 0, "nothing was asked")
    live.equal(status(path, "--fail-on", "new").returncode, 1, "new")
    live.equal(status(path, "--fail-on", "cycles,garbage").returncode, 0, "no cycles")
    listed = live.refgraph("leaks", path, "--format", "known").stdout
    live.equal(len(listed.splitlines()), 2, "known: the cache and the catalog")
    with open(known, "w") as file:
        file.write("# what we live with\n\n" + listed)
    quiet = status(path, "--known", known, "--fail-on", "new")
    live.equal(quiet.returncode, 0, "all known")
    live.check("No suspect" in quiet.stdout and "2 suspects are known" in quiet.stdout, quiet.stdout)
    lines = status(path, "--format", "github", "--fail-on", "new").stdout.splitlines()
    live.check(len(lines) == 2 and all(line.startswith("::error title=refgraph") for line in lines),
               lines)
    live.equal(status(path, "-o", junit, "--fail-on", "new").returncode, 1, "junit")
    suite = xml.etree.ElementTree.parse(junit).getroot()
    live.equal((suite.get("tests"), suite.get("failures")), ("2", "2"), "junit")


def test_cycles_fail(folder):
    """A build that wants no cycles of its own: living ones and garbage"""
    path = os.path.join(folder, "cycle.rgs")
    with Program(os.path.join(LEAKS, "del_cycle.py")) as program:
        live.dump(program.pid, path)
    one = os.path.join(folder, "one.rgs")
    with live.Target("dropping") as target:
        target.ask("drop", 1)
        live.dump(target.pid, one)
    live.equal([status(one, "--fail-on", what).returncode for what in ("garbage", "cycles", "new")],
               [1, 1, 0], "one small cycle of the program's own")
    for words, expect in ((("--fail-on", "cycles"), 1), (("--fail-on", "garbage"), 1),
                          (("Nothing*", "--fail-on", "cycles"), 2),
                          (("Cursor", "--fail-on", "cycles"), 1),
                          (("module", "--fail-on", "cycles"), 0)):
        live.equal(status(path, *words).returncode, expect, " ".join(words))


def test_selection(folder):
    """Only suspects that have to do with the selected"""
    path = os.path.join(folder, "cache.rgs")
    with Program(os.path.join(LEAKS, "unbounded_cache.py")) as program:
        live.dump(program.pid, path)
    rows = live.ask("leaks", path, "Thumbnail")["suspects"]["rows"]
    live.equal([row["type"] for row in rows], ["__main__.Thumbnail"], "with a Thumbnail")


def test_service(folder):
    """The example service: its two leaks, and what to do, in 100 columns"""
    with subprocess.Popen([live.PYTHON3, "-B", SERVICE, "--until-eof"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as service:
        live.check("READY" in service.stdout.readline(), "the service")
        answer = live.ask("leaks", str(service.pid), "--no-save")
        text = live.refgraph("leaks", str(service.pid), "--no-save").stdout
        service.stdin.close()
    first, second = answer["suspects"]["rows"][:2]
    live.equal((first["type"], first["cause"]), ("app.cache.Session", "cache"), "first")
    live.check("CACHE._entries" in first["chain"]["path"], first["chain"]["path"])
    live.equal(second["cause"], "listener", "second")
    live.check("BUS._listeners" in second["chain"]["path"], second["chain"]["path"])
    live.check(max(map(len, text.splitlines())) <= 100, "too wide:", text)
    for word in ("CACHE._entries", "bound it", "Request", "unsubscribe"):
        live.check(word in text, word, "is not in", text)


sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_patterns, test_growth, test_after, test_places, test_build, test_cycles_fail,
          test_selection, test_service)
