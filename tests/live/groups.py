"""types --by, held against the snapshot read by other code and counted the plain way."""

import os
import sys
from collections import Counter, defaultdict

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import rgs  # noqa: E402
import workloads  # noqa: E402

DICT_KINDS = {number for number, (name, _) in enumerate(rgs.KINDS) if name == "dict"}


def workload(name):
    held = workloads.build(name, 20000)
    live.answer({"hold": lambda: len(held)})


def asked(path, *by):
    rows = live.ask("types", path, "--raw", "--by", ",".join(by), "-n", "1000000")["types"]["rows"]
    found = Counter()
    for row in rows:        # two types may share a name
        found[tuple(row.get(name) for name in by)] += row["count"]
    return found


class Plain:
    """The groupings of a snapshot, an object at a time."""

    def __init__(self, snapshot):
        self.snapshot = snapshot
        self.index = {address: i for i, address in enumerate(snapshot.address)}
        self.referrers, self.owner = defaultdict(set), {}
        for source, target, head in zip(snapshot.source, snapshot.target, snapshot.head):
            if head >> 4 != rgs.WEAK and source in self.index:
                self.referrers[target].add(self.type_of(source))
            if head >> 4 in DICT_KINDS:
                self.owner[target] = source

    def type_of(self, address):
        return self.snapshot.type_name(self.snapshot.type[self.index[address]])

    def type(self, address):
        return self.type_of(address)

    def module(self, address):
        row = self.snapshot.types[self.snapshot.type[self.index[address]]]
        return self.snapshot.string(row.module)

    def generation(self, address):
        return rgs.GENERATIONS[self.snapshot.flags[self.index[address]] & 7]

    def referrers_set(self, address):
        return frozenset(self.referrers[address])

    def count(self, *functions):
        return Counter(tuple(function(address) for function in functions)
                       for address in self.snapshot.address)


def test_plain(folder):
    """By type, module and generation, alone and together: the same counts"""
    for name in ("mix", "app"):
        with live.Target("workload", name) as target:
            path = live.captured(target, folder)
        plain = Plain(rgs.read(path))
        for by in (["type"], ["module"], ["generation"], ["type", "generation"]):
            live.equal(asked(path, *by), plain.count(*(getattr(plain, one) for one in by)),
                       "%s by %s" % (name, by))


def test_referrers(folder):
    """By referrers: the sets of their types, up to eight of them"""
    with live.Target("workload", "mix") as target:
        path = live.captured(target, folder)
    plain = Plain(rgs.read(path))
    wanted = Counter()
    for (kinds,), count in plain.count(plain.referrers_set).items():
        if len(kinds) <= 8:
            wanted[frozenset(kinds) or frozenset(["(nothing)"])] += count
    found = Counter()
    for (text,), count in asked(path, "referrers").items():
        if "…" not in text:
            found[frozenset(text.split(", "))] += count
    for kinds, count in wanted.items():
        live.equal(found[kinds], count, "objects referred to by %s" % sorted(kinds))


def test_owner(folder):
    """By owner: each dict that is somebody's __dict__ is called so"""
    with live.Target("workload", "app") as target:
        path = live.captured(target, folder)
    plain = Plain(rgs.read(path))
    wanted = Counter("dict of " + plain.type_of(owner) if owner in plain.index else None
                     for address, owner in plain.owner.items() if address in plain.index)
    found = Counter()
    for (text,), count in asked(path, "owner").items():
        if text.startswith("dict of "):
            found[text] += count
    live.equal(found, wanted, "dicts")


sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_plain, test_referrers, test_owner)
