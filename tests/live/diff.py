"""What grew: a leak below much that comes and goes, and which objects are the same."""

import gc
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402

POOL, CHURN, LEAKED = 5000, 1000000, 100
MORE = 500              # items each time: more bytes than what is leaked
RIGHT_BAR = 0.99        # of the objects told to be new or freed


class Leak:
    def __init__(self, number):
        self.number, self.data = number, {"number": number}


class Item:
    def __init__(self, number):
        self.number, self.parts = number, [number]


# targets

def churning(seed):
    """A pool in which items come and go, a few more each time, and a cache that only grows."""
    chance, numbers, rounds = random.Random(seed), iter(range(10 ** 9)), iter(range(1000))
    pool, cache = [Item(next(numbers)) for _ in range(POOL)], {}

    def work(count, leaked):
        for _ in range(count):
            pool[chance.randrange(len(pool))] = Item(next(numbers))
        del pool[POOL:]
        pool.extend([Item(next(numbers)) for _ in range(MORE * next(rounds))])
        for _ in range(leaked):
            cache["key%d" % len(cache)] = Leak(next(numbers))
    live.answer({"work": work, "numbers": lambda: [item.number for item in pool]})


def sized():
    """As many items as asked for, and as many pairs that refer to each other."""
    class Pair:
        def __init__(self):
            self.other = Pair.__new__(Pair)
            self.other.other = self
    items, pairs = [], []

    def size(count):
        items[:] = [Item(i) for i in range(count)]
        pairs[:] = [Pair() for _ in range(count)]
        gc.collect()
    live.answer({"size": size})


# tests

def snapshots(folder, count, churn=CHURN):
    """COUNT snapshots with work between them; the numbers of the items that each has."""
    paths, numbers = [], []
    with live.Target("churning", random.randrange(1 << 30)) as target:
        target.ask("work", 1000, 5)
        for i in range(count):
            paths.append(os.path.join(folder, "%d.rgs" % i))
            live.dump(target.pid, paths[-1])
            numbers.append(set(target.ask("numbers")))
            if i + 1 < count:
                target.ask("work", churn, LEAKED)
    return paths, numbers


def row_of(answer, name):
    return next(row for row in answer["types"]["rows"] if row["type"].endswith("." + name))


def test_leak(folder):
    """The leak is first, by its path, however much comes and goes beside it"""
    (first, last), _ = snapshots(folder, 2)
    answer = live.ask("diff", first, last, "-n", "1000")
    top = answer["growth"]["rows"][0]
    live.equal((top["type"], top["delta"], top["steady"]), ("__main__.Leak", LEAKED, 1.0), "first")
    live.check("cache.cell_contents['key" in top["path"], top["path"])
    pool = next(row for row in answer["growth"]["rows"] if row["type"] == "__main__.Item")
    live.check(pool["size_delta"] > top["size_delta"] and pool["steady"] < 0.1, "the pool:", pool)
    row = row_of(answer, "Leak")
    live.equal((row["delta"], row["new"], row["freed"]), (LEAKED, LEAKED, 0), "the type")
    text = live.refgraph("diff", first, last).stdout
    live.check("105 more __main__.Leak" in text or "100 more __main__.Leak" in text, text)


def test_same_objects(folder):
    """What is new and what was freed: as the program says"""
    for churn in (500, 5000, CHURN):
        (first, last), (before, after) = snapshots(folder, 2, churn)
        row = row_of(live.ask("diff", first, last, "-n", "1000"), "Item")
        for found, expected, what in ((row["new"], len(after - before), "new"),
                                      (row["freed"], len(before - after), "freed")):
            live.check(abs(found - expected) <= (1 - RIGHT_BAR) * expected + 5, what, "after",
                       churn, "found:", found, "expected:", expected)


def test_three(folder):
    """Of three snapshots: what was made after the first, and stayed"""
    paths, _ = snapshots(folder, 3)
    rows = live.ask("diff", *paths, "-n", "1000")["survivors"]["rows"]
    kept = {row["type"]: row["count"] for row in rows}
    live.equal(kept.get("__main__.Leak"), LEAKED, "survivors")
    live.check(kept.get("__main__.Item", 0) < POOL // 100, "items that came and went:", kept)


def test_two_processes(folder):
    """Of two processes nothing is matched; growth is told by path all the same"""
    os.mkdir(os.path.join(folder, "one"))
    os.mkdir(os.path.join(folder, "two"))
    (early, _), _ = snapshots(os.path.join(folder, "one"), 2, 1000)
    (_, late), _ = snapshots(os.path.join(folder, "two"), 2, 1000)
    answer = live.ask("diff", early, late, "-n", "1000")
    live.equal(answer["matching"], {"certain": None, "likely": None, "new": None, "freed": None},
               "the matching")
    leak = next(row for row in answer["growth"]["rows"] if row["type"] == "__main__.Leak")
    live.equal(leak["delta"], LEAKED, "the leak")
    again = live.ask("diff", early, late, "-n", "1000")["growth"]["rows"]
    live.check(leak["signature"] in [row["signature"] for row in again], "no signature twice")


def test_peaks(folder):
    """Of many: only types above any count before, as objgraph's growth() has it; and new cycles"""
    counts = [100, 300, 200, 250]
    paths = [os.path.join(folder, "%d.rgs" % i) for i in range(len(counts))]
    with live.Target("sized") as target:
        for path, count in zip(paths, counts):
            target.ask("size", count)
            live.dump(target.pid, path)
    answer = live.ask("diff", *paths, "-n", "1000")
    live.equal([row for row in answer["peaks"]["rows"] if row["type"].endswith(".Item")], [],
               "below the peak")
    live.equal(len(answer["sources"]), len(counts), "sources")
    live.equal(row_of(answer, "Item")["delta"], 150, "from the first to the last")
    answer = live.ask("diff", paths[0], paths[3], paths[1])
    peak = next(row for row in answer["peaks"]["rows"] if row["type"].endswith(".Item"))
    live.equal((peak["over"], peak["count"]), (50, 300), "above the peak of 250")
    cycle = next(row for row in answer["cycles"]["rows"] if "Pair" in row["made_of"])
    live.equal((cycle["before"], cycle["after"], cycle["delta"]), (100, 300, 200), "cycles")
    live.check(cycle["break"]["rows"], "nothing to break")


def test_picture(folder):
    """The picture names what grew, and what holds it"""
    paths = [os.path.join(folder, "%d.rgs" % i) for i in range(2)]
    with live.Target("sized") as target:
        for path, count in zip(paths, (100, 400)):
            target.ask("size", count)
            live.dump(target.pid, path)
    dot = live.refgraph("diff", *paths, "--format", "dot").stdout
    for word in ("What grew?", "400 × __main__.Item", "▲ +300"):
        live.check(word in dot, word, "is not in", dot)


def test_after(folder):
    """A process: both snapshots are taken by the command"""
    with live.Target("churning", 1) as target:
        done = live.refgraph("diff", target.pid, "--after", "1s", "--save",
                             os.path.join(folder, "last.rgs"))
        live.equal(done.returncode, 0, done.stderr)
        live.check("in both" in done.stdout, done.stdout)
        live.check(os.path.exists(os.path.join(folder, "last.rgs")), "the last was not kept")


sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_leak, test_same_objects, test_three, test_two_processes, test_peaks, test_picture,
          test_after)
