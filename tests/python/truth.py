"""Holds a snapshot of a live process against what that process says of its own heap.

A target builds a workload, writes down what the collector and sys.getsizeof() say, and waits;
`$REFGRAPH dump` captures it from outside; the two are compared. Prints one table and, for each
measure that is off, the worst offenders. Exit status 0 when all bars are met, 1 when one is not,
2 when the comparison could not be made.

    REFGRAPH=./refgraph tests/python/truth.py --workload stdlib --verbose
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from array import array
from collections import Counter, defaultdict

import rgs
import workloads

HERE = os.path.dirname(os.path.abspath(__file__))
NO_SIZE = 2 ** 64 - 1
OWNING_ROOTS = (1, 2, 3)            # frame, thread, interpreter

REFERENCES_BAR = 0.9995
NAMED_BAR = 0.995
ROOTED_BAR = 0.995


class Truth:
    """What the target wrote."""

    def __init__(self, path):
        with open(path, "rb") as stream:
            header = json.loads(stream.readline())
            for name, code, count in header["arrays"]:
                column = array(code)
                column.frombytes(stream.read(column.itemsize * count))
                setattr(self, name, column)
            self.count = json.loads(stream.readlines()[-1])
        self.version = header["version"]
        self.minor = int(self.version.split(".")[1])
        self.frozen = header["frozen"]
        if self.minor >= 12:        # the other half of the word holds flags
            self.refcounts = [word & 0xffffffff for word in self.refcounts]
        self.own = set(header["own"])
        self.generation = {}
        for number, ids in ((2, self.gen2), (1, self.gen1), (0, self.gen0)):
            for address in ids:
                if address not in self.own:
                    self.generation[address] = number
        names = [name.removeprefix("builtins.") for name in header["types"]]
        self.type_of = {address: names[number] for address, number in zip(self.ids, self.types)}

    def references(self):
        """(source, its targets) of each tracked object."""
        at, order = 0, self.gen2 + self.gen1 + self.gen0
        for source, count in zip(order, self.counts):
            if source not in self.own:
                yield source, self.targets[at:at + count]
            at += count


class Heap:
    """A snapshot by address."""

    def __init__(self, snapshot):
        self.snapshot = snapshot
        self.index = {address: i for i, address in enumerate(snapshot.address)}
        self.found = defaultdict(list)      # source -> numbers of its owned references
        self.borrowed = defaultdict(Counter)    # source -> targets of its other references
        self.owned = Counter()              # target -> owned references found to it
        # what the compiler laid out never counted its references, in 3.11
        frozen = set()
        if snapshot.facts.get("version", "").startswith("3.11."):
            frozen = {address for address, flags in zip(snapshot.address, snapshot.flags)
                      if flags & rgs.IMMORTAL}
        for i, (source, target, head) in enumerate(
                zip(snapshot.source, snapshot.target, snapshot.head)):
            if head >> 4 == rgs.WEAK:
                self.borrowed[source][target] += 1
                continue
            self.found[source].append(i)
            if source not in frozen:
                self.owned[target] += 1
        for root in snapshot.roots:
            if root.kind in OWNING_ROOTS:
                self.owned[root.target] += 1

    def type_name(self, address):
        i = self.index.get(address)
        return "(not found)" if i is None else self.snapshot.type_name(self.snapshot.type[i])

    def deficit(self, address):
        """How many references more than its reference count were found to an object."""
        i = self.index.get(address)
        if i is None or self.snapshot.flags[i] & rgs.IMMORTAL:
            return 0
        return max(0, self.owned[address] - self.snapshot.refcount[i])

    def field(self, number):
        """A reference as a pattern: its kind and its label, indices and keys generalised."""
        head, label = self.snapshot.head[number], self.snapshot.label[number]
        kind, form = rgs.KINDS[head >> 4][0], head & 7
        if form == rgs.LABEL_STRING:
            kind += " " + self.snapshot.string(label)
        elif form:
            kind += " [*]"
        return kind + (" untraversed" if head & rgs.UNTRAVERSED else "")


    def rooted(self):
        """(objects that a root by name leads to, those that only C code may hold)."""
        held = self.reach([root.target for root in self.snapshot.roots
                           if root.kind != rgs.HELD], set())
        # an immortal one needs no holder
        free = {address for address, i in self.index.items()
                if address not in held and self.snapshot.flags[i] & rgs.IMMORTAL}
        unexplained = [address for address, i in self.index.items()
                       if address not in held and address not in free
                       and self.owned[address] < self.snapshot.refcount[i]]
        return len(held), len(self.reach(unexplained, held | free)), unexplained

    def reach(self, waiting, held):
        """The objects that those of WAITING lead to, beyond HELD, which grows by them."""
        made, target = set(), self.snapshot.target
        waiting = [address for address in waiting if address in self.index]
        while waiting:
            address = waiting.pop()
            if address not in held:
                held.add(address)
                made.add(address)
                waiting.extend(target[number] for number in self.found.get(address, ()))
        return made


class Report:
    def __init__(self):
        self.rows = []
        self.measures = {}                  # name -> (found, expected, good)
        self.offenders = defaultdict(Counter)
        self.failed = False

    def row(self, name, found, expected, bar=None, exact=False):
        """BAR is the share that is needed; EXACT means that FOUND must be EXPECTED."""
        good = True
        if exact:
            good = found == expected
        elif bar is not None:
            good = found >= bar * expected
        self.failed |= not good
        self.measures[name.strip()] = (found, expected, good)
        share = "" if not expected else "%.3f %%" % (100.0 * found / expected)
        needed = "equal" if exact else "" if bar is None else ">= %.2f %%" % (100 * bar)
        verdict = "" if not exact and bar is None else "ok" if good else "NOT MET"
        self.rows.append((name, str(found), str(expected), share, needed, verdict))

    def offend(self, title, *pattern, count=1):
        self.offenders[title][pattern] += count

    def print(self, most, prefix=""):
        rows = [("measure", "found", "expected", "share", "bar", "")] + self.rows
        widths = [max(len(row[i]) for row in rows) for i in range(6)]
        lines = []
        for row in rows:
            cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:5], widths[1:])]
            lines.append("  ".join(cells + [row[5]]).rstrip())
        for title, patterns in self.offenders.items():
            lines += ["", "%s: %d" % (title, sum(patterns.values()))]
            for pattern, count in patterns.most_common(most):
                lines.append("  %8d  %s" % (count, " | ".join(map(str, pattern))))
            if len(patterns) > most:
                lines.append("  %8s  %d more patterns" % ("", len(patterns) - most))
        print("\n".join((prefix + line).rstrip() for line in lines))


def compare_objects(truth, heap, report):
    snapshot = heap.snapshot
    found = right = 0
    for address, generation in truth.generation.items():
        i = heap.index.get(address)
        if i is None:
            report.offend("tracked objects not found", truth.type_of[address])
            continue
        found += 1
        seen = snapshot.flags[i] & 7
        if seen == generation:
            right += 1
        else:
            report.offend("tracked objects in a wrong generation", truth.type_of[address],
                          "is %d, found %s" % (generation, rgs.GENERATIONS[seen]))
    report.row("tracked objects", found, len(truth.generation), exact=True)
    report.row("  in their generation", right, len(truth.generation), exact=True)
    extra = permanent = 0
    for address, flags in zip(snapshot.address, snapshot.flags):
        if flags & 7 == rgs.PERMANENT:
            permanent += 1
        elif flags & 7 != rgs.UNTRACKED and address not in truth.generation:
            extra += 1
            report.offend("tracked only in the snapshot", heap.type_name(address),
                          "generation " + rgs.GENERATIONS[flags & 7])
    report.row("tracked, but should not be", extra, 0, exact=True)
    report.row("in the permanent generation", permanent, truth.frozen, exact=True)
    report.row("addresses twice", len(snapshot.address) - len(heap.index), 0, exact=True)
    reached = 0
    for address in truth.ids:
        if address in heap.index:
            reached += 1
        elif address not in truth.generation:
            report.offend("untracked objects not found", truth.type_of[address])
    report.row("objects reached from them", reached, len(truth.ids))


def compare_types(truth, heap, report):
    """Types by their names, module and all; those of a __module__ that is no str aside."""
    right = compared = 0
    for address in truth.ids:
        if address in heap.index:
            compared += 1
            if heap.type_name(address) == truth.type_of[address]:
                right += 1
            else:
                report.offend("types with another name", truth.type_of[address],
                              "found " + heap.type_name(address))
    report.row("type names", right, compared)


def compare_references(truth, heap, report):
    expected = matched = extra = false = unflagged = 0
    head, target_of = heap.snapshot.head, heap.snapshot.target
    for source, targets in truth.references():
        expected += len(targets)
        found = heap.found.get(source, ())
        left = Counter(targets)
        rest = []
        # a flagged one is the last to stand for one that the collector sees
        for number in sorted(found, key=lambda n: head[n] & rgs.UNTRAVERSED):
            target = target_of[number]
            if left[target] > 0:
                left[target] -= 1
                matched += 1
                if head[number] & rgs.UNTRAVERSED:
                    unflagged += 1
                    report.offend("flagged untraversed, but traversed", truth.type_of[source],
                                  heap.field(number), heap.type_name(target))
            else:
                rest.append(number)
        # the collector is shown what the table of interned strings borrows
        shown = left & heap.borrowed[source]
        matched += shown.total()
        left -= shown
        for target, count in left.items():
            if count:
                report.offend("references not found", truth.type_of[source],
                              truth.type_of.get(target, "?"), count=count)
        for number in rest:
            extra += 1
            flagged = head[number] & rgs.UNTRAVERSED
            if not flagged or heap.deficit(target_of[number]):
                false += 1
                report.offend("false references", truth.type_of[source], heap.field(number),
                              heap.type_name(target_of[number]),
                              "deficit" if flagged else "not flagged")
    report.row("references", matched, expected, bar=REFERENCES_BAR)
    compare_names(truth, heap, report)
    report.row("  beyond those, owned", extra - false, extra)
    report.row("  false", false, 0, exact=True)
    report.row("  flagged wrongly", unflagged, 0)


def compare_names(truth, heap, report):
    """How many references of tracked objects say what they are."""
    head = heap.snapshot.head
    named = all_of_them = 0
    for source, _ in truth.references():
        for number in heap.found.get(source, ()):
            all_of_them += 1
            if rgs.KINDS[head[number] >> 4][0] != "guess":
                named += 1
            else:
                report.offend("references without a name", truth.type_of[source],
                              heap.type_name(heap.snapshot.target[number]))
    report.row("  named", named, all_of_them, bar=NAMED_BAR)


def compare_roots(_truth, heap, report):
    """Garbage, which nothing holds, aside."""
    named, from_c, holders = heap.rooted()
    report.row("held by a root with a name", named, named + from_c, bar=ROOTED_BAR)
    for address in holders:
        report.offend("held from C alone", heap.type_name(address))


def compare_sizes(truth, heap, report):
    snapshot = heap.snapshot
    compared = equal = 0
    for address, size in zip(truth.ids, truth.sizes):
        if size == NO_SIZE:
            continue
        i = heap.index.get(address)
        if i is None:           # counted above
            continue
        compared += 1
        if snapshot.size[i] == size:
            equal += 1
        else:
            report.offend("sizes that differ", truth.type_of[address],
                          "found %+d" % (snapshot.size[i] - size))
    report.row("sizes", equal, compared, exact=True)


def compare_refcounts(truth, heap, report):
    snapshot = heap.snapshot
    equal = compared = deficits = excess = 0
    for address, refcount in zip(truth.ids, truth.refcounts):
        i = heap.index.get(address)
        if i is not None and not snapshot.flags[i] & rgs.IMMORTAL:
            compared += 1
            if snapshot.refcount[i] == refcount:
                equal += 1
            else:
                report.offend("reference counts that differ", truth.type_of[address],
                              "%+d" % (snapshot.refcount[i] - refcount))
    report.row("reference counts", equal, compared)
    sources = set()
    for address, i in heap.index.items():
        if heap.deficit(address):
            deficits += 1
            sources.add(address)
            report.offend("deficits", heap.type_name(address))
        elif not snapshot.flags[i] & rgs.IMMORTAL \
                and heap.owned[address] < snapshot.refcount[i]:
            excess += 1
            report.offend("held from C, or references not found", heap.type_name(address),
                          "+%d" % min(9, snapshot.refcount[i] - heap.owned[address]))
    report.row("deficits", deficits, 0, exact=True)
    report.row("with unexplained references", excess, len(heap.index))
    for i, target in enumerate(snapshot.target):
        if target in sources and snapshot.head[i] >> 4 != rgs.WEAK:
            report.offend("references to objects with a deficit",
                          heap.type_name(snapshot.source[i]), heap.field(i),
                          heap.type_name(target))


def compare_facts(truth, heap, report):
    facts = heap.snapshot.facts
    found = [facts.get("gc.count.%d" % i) for i in range(3)]
    report.row("collector's counts", sum(a == b for a, b in zip(found, truth.count)), 3)
    if found != truth.count:
        report.offend("collector's counts", "%s, found %s" % (truth.count, found))
    if facts.get("version") != truth.version:
        report.offend("version", "%s, found %s" % (truth.version, facts.get("version")))


def compare(truth, snapshot):
    heap = Heap(snapshot)
    report = Report()
    for part in (compare_objects, compare_types, compare_references, compare_sizes,
                 compare_refcounts, compare_roots, compare_facts):
        part(truth, heap, report)
    return report


class Target:
    """A process that has written the truth to SAID, and waits; killed at the end of the block."""

    def __init__(self, python, name, n, said, *more, folder=HERE, **options):
        self.child = subprocess.Popen(
            [*python, os.path.join(folder, "truth_target.py"), name, str(n), said, *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
        self.pid = self.child.pid

    def __enter__(self):
        if not self.child.stdout.readline().startswith(b"READY"):
            self.__exit__()
            sys.exit("the target did not get ready")
        return self

    def __exit__(self, *_error):
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()

    def say(self, text):
        self.child.stdin.write(text)
        self.child.stdin.flush()

    def end(self):
        """It must have lived until now, and end well."""
        if self.child.poll() is not None:
            sys.exit("the target died of the capture: %d" % self.child.returncode)
        self.child.communicate(b"\n", timeout=60)
        if self.child.returncode != 0:
            sys.exit("the target ended by %d after the capture" % self.child.returncode)


def take(command, python, name, n, said, folder=HERE):
    """Have a target write the truth to SAID, and run COMMAND, with its pid for %d; how long."""
    with Target(python, name, n, said, folder=folder, cwd="/") as target:
        start = time.monotonic()
        done = subprocess.run([word.replace("%d", str(target.pid)) for word in command],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
        taken = time.monotonic() - start
        if done.returncode != 0:
            print(done.stdout.decode("utf-8", "replace"), file=sys.stderr)
            sys.exit("the capture failed: exit status %d" % done.returncode)
        target.end()
    return taken


def capture(refgraph, python, name, n, folder):
    """(what the target says, what the snapshot says); the target is gone afterwards."""
    said, saved = os.path.join(folder, "truth"), os.path.join(folder, "x.rgs")
    taken = take([*shlex.split(refgraph), "dump", "%d", "-o", saved], [python], name, n, said)
    snapshot = rgs.read(saved)
    print("%s, CPython %s: %d objects, %d references, %d bytes, captured in %.2f s" % (
        name, snapshot.facts.get("version"), len(snapshot.address), len(snapshot.target),
        os.path.getsize(saved), taken))
    if snapshot.damage:
        sys.exit("the snapshot is damaged: " + snapshot.damage)
    return Truth(said), snapshot


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workload", default="mix", choices=workloads.NAMES)
    parser.add_argument("-n", type=int, default=20000, help="objects, about (default: 20000)")
    parser.add_argument("--refgraph", default=os.environ.get("REFGRAPH", "refgraph"))
    parser.add_argument("--python", default=os.environ.get("PYTHON3") or sys.executable,
                        help="the interpreter of the target")
    parser.add_argument("--verbose", action="store_true", help="list more offenders")
    parser.add_argument("--keep", metavar="FOLDER", help="leave the truth and the snapshot there")
    args = parser.parse_args()
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
        truth, snapshot = capture(args.refgraph, args.python, args.workload, args.n, args.keep)
    else:
        with tempfile.TemporaryDirectory(prefix="refgraph-truth-") as folder:
            truth, snapshot = capture(args.refgraph, args.python, args.workload, args.n, folder)
    report = compare(truth, snapshot)
    report.print(40 if args.verbose else 8)
    return 1 if report.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SystemExit as end:
        if isinstance(end.code, str):
            print("truth.py: " + end.code, file=sys.stderr)
            sys.exit(2)
        raise
