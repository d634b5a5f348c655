"""Whether two snapshots of one state of a process say the same, to the last record.

What must differ between ways of capture is left aside by name, here and nowhere else:

core    the time, the pause, the resident memory; of the command line the kernel keeps 80 bytes
agent   the time, the pause, the resident memory, the pid: the snapshot by pid is that of the child
        which the agent has write its own. The C stack of the thread that asked: it goes on, while
        all else stands still. Of an object whose type no table describes: what its tp_traverse
        shows without a name, in place of guesses, and guesses of what else may hold that; and the
        size that it says itself
"""

from collections import Counter

import rgs

FACTS_ASIDE = {
    "process": set(),
    "core": {"source", "captured", "rss", "pause_ns", "argv", "core.signal"},
    "agent": {"source", "captured", "rss", "pause_ns", "pid"}}
COLUMNS = {                 # of each table, all but the numbers of strings in it
    "types": ("types",), "objects": ("address", "type", "flags", "size", "refcount", "items",
                                     "extra"),
    "references": ("source", "target", "head", "label"), "values": ("values",),
    "roots": ("roots",), "threads": ("threads",), "frames": ("frames",),
    "allocations": ("sites", "allocations")}
ASKING_THREAD = 0           # of the agent, in all tests
GUESSED = 1 << rgs.TYPE_FLAGS.index("guessed")
KIND_OTHER = next(i for i, kind in enumerate(rgs.KINDS) if kind[0] == "other")


def rows(snapshot, name):
    """The records of a table, with texts for the numbers of strings and types."""
    string = snapshot.string
    if name == "types":
        return [(t.address, string(t.name), string(t.module), *t[3:]) for t in snapshot.types]
    if name == "objects":
        return sorted((o._replace(type=snapshot.type_name(o.type)) for o in snapshot.objects()),
                      key=lambda made: made.address)
    if name == "references":
        return list(snapshot.references())
    if name == "values":
        return [(address, *value) for address, values in snapshot.values.items()
                for value in values]
    if name == "roots":
        return [r._replace(name=string(r.name), label=string(r.label)) for r in snapshot.roots]
    if name == "allocations":
        return [(address, *snapshot.traceback(address)) for address in snapshot.allocations]
    if name == "threads":
        return [t._replace(name=string(t.name)) for t in snapshot.threads]
    return [f._replace(function=string(f.function), file=string(f.file))
            for f in snapshot.frames]


class AgentAside:
    """What the agent alone knows, or is in the midst of: without it both must be equal."""

    def __init__(self, *both):
        self.guessed, self.open, self.shown = set(), set(), set()
        by_pid = both[1]
        for made in by_pid.objects():
            if by_pid.types[made.type].flags & GUESSED:
                self.guessed.add(made.address)
            if made.flags & rgs.SIZE_OPEN:
                self.open.add(made.address)
        for snapshot in both:
            self.shown.update(r.target for r in snapshot.references() if self.is_shown(r))

    def is_shown(self, reference):
        return reference.source in self.guessed and (
            reference.kind == rgs.GUESS
            or reference.kind == KIND_OTHER and reference.label is None)

    def is_aside(self, root):
        if root.name == "C stack" and root.thread == ASKING_THREAD:
            return True
        return root.reference == rgs.GUESS and root.target in self.shown

    def strip(self, name, records):
        if name == "objects":
            return [o._replace(flags=o.flags & ~rgs.SIZE_OPEN, size=0)
                    if o.address in self.open else o for o in records]
        if name == "references":
            return [r for r in records if not self.is_shown(r)]
        if name == "roots":
            return [r for r in records if not self.is_aside(r)]
        return records


def differences(found, by_pid):
    """{(table, which of the two has it, the record): count} of what is not the same in both."""
    differ, source = Counter(), found.facts["source"]
    facts = [{(key, value) for key, value in snapshot.facts.items()
              if key not in FACTS_ASIDE[source]} for snapshot in (found, by_pid)]
    differ.update(("facts", "one of the two", fact) for fact in facts[0] ^ facts[1])
    if not by_pid.facts.get("argv", "").startswith(found.facts.get("argv", "")):
        differ["facts", source, ("argv", found.facts["argv"])] += 1
    for snapshot in (found, by_pid):
        if snapshot.damage:
            differ["damage", snapshot.facts["source"], snapshot.damage] += 1
    # both number what they find alike, nearly always: then columns are compared, not records
    alike = (found.strings, found.types) == (by_pid.strings, by_pid.types)
    aside = None
    for name, columns in COLUMNS.items():
        if alike and all(getattr(found, column) == getattr(by_pid, column) for column in columns):
            continue
        tables = [rows(snapshot, name) for snapshot in (found, by_pid)]
        if source == "agent":
            aside = aside or AgentAside(found, by_pid)
            tables = [aside.strip(name, table) for table in tables]
        one, other = map(Counter, tables)
        differ.update({(name, "only by " + source, row): n for row, n in (one - other).items()})
        differ.update({(name, "only by pid", row): n for row, n in (other - one).items()})
    return differ
