"""A reader of heap snapshots, written from refgraph-snapshot(5) alone.

It is independent of the C code on purpose, and needs the standard library only. There is no XXH3
there, so checksums are not checked; everything else is. Reading a million objects with two
million references takes a few seconds.

    snapshot = rgs.read("x.rgs")
    for o in snapshot.objects(): ...
    for r in snapshot.references(): ...

or, faster, by the columns themselves. Run as a program it prints what is in a file.
"""

import struct
import sys
from array import array
from collections import namedtuple

MAGIC = b"\x8brgs\r\n\x1a\n"
MAJOR, MINOR = 1, 0
BLOCK_LIMIT = 1 << 20

(STRINGS, TYPES, OBJECTS, REFERENCES, VALUES, ROOTS, THREADS, FRAMES, FACTS, END, SITES,
 ALLOCATIONS) = range(1, 13)
# in the order of the end block's totals
BLOCKS = ("strings", "types", "objects", "references", "values", "roots", "threads", "frames",
          "facts", "sites", "allocations")

GENERATIONS = ("0", "1", "2", "permanent", "untracked")
PERMANENT, UNTRACKED = 3, 4
IMMORTAL, ITEMS, FINALIZED, SIZE_OPEN, EXTRA = 0x08, 0x10, 0x20, 0x40, 0x80

TYPE_FLAGS = ("heap", "gc", "metatype", "module", "dict", "str", "sequence", "function",
              "finalizer", "sizeof", "frame", "legacy_del", "cell", "guessed")

LABEL_NONE, LABEL_NEXT, LABEL_INDEX, LABEL_STRING, LABEL_OBJECT = range(5)
UNTRAVERSED = 8

# name and class of each kind of reference
KINDS = (
    ("attr", "data"), ("key", "data"), ("item", "data"), ("dictkey", "data"), ("type", "type"),
    ("slot", "data"), ("dict", "data"), ("cell", "data"), ("element", "data"), ("self", "data"),
    ("func", "data"), ("default", "data"), ("closure", "data"), ("local", "data"),
    ("stack", "data"), ("callback", "data"), ("other", "data"), ("base", "type"),
    ("mro", "type"), ("classattr", "type"), ("dict", "type"), ("globals", "code"),
    ("builtins", "code"), ("code", "code"), ("modattr", "code"), ("dict", "code"),
    ("owner", "code"), ("back", "code"), ("weak", "weak"), ("guess", "guess"))
WEAK, GUESS = 28, 29

VALUE_KINDS = (None, "str", "bytes", "number", "name", "place")
EXACT = 0x80

ROOT_KINDS = ("module", "frame", "thread", "interpreter", "static type", "held from C")
HELD = 5

Type = namedtuple("Type", "address name module flags basicsize itemsize")
Object = namedtuple("Object", "address type flags size refcount items extra")
Reference = namedtuple("Reference", "source target kind form label untraversed")
Root = namedtuple("Root", "target kind reference name label thread frame")
Thread = namedtuple("Thread", "native_id ident name")
Frame = namedtuple("Frame", "thread function file line")
Site = namedtuple("Site", "file line caller")
Value = namedtuple("Value", "kind text exact")


class Refused(Exception):
    """The file is no snapshot that can be read."""


class Malformed(Exception):
    """A record of a block is not what the format says."""


def varints(content):
    """All varints of CONTENT, which must be nothing else."""
    out = []
    append = out.append
    value = shift = 0
    for byte in content:
        if byte < 0x80:
            if shift:
                value |= byte << shift
                if value >> 64:
                    raise Malformed("a varint of more than 64 bits")
                append(value)
                value = shift = 0
            else:
                append(byte)
        else:
            value |= (byte & 0x7f) << shift
            shift += 7
    if shift:
        raise Malformed("cut in a varint")
    return out


class Cursor:
    """Reading one thing after the other, for records that are not only varints."""

    def __init__(self, content):
        self.content, self.at = content, 0

    def byte(self):
        self.at += 1
        if self.at > len(self.content):
            raise Malformed("cut in a byte")
        return self.content[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                if value >> 64:
                    raise Malformed("a varint of more than 64 bits")
                return value
            shift += 7

    def signed(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def text(self):
        length = self.varint()
        start, self.at = self.at, self.at + length
        if self.at > len(self.content):
            raise Malformed("cut in a text")
        return bytes(self.content[start:self.at])

    def optional(self):
        value = self.varint()
        return value - 1 if value else None


class Snapshot:
    def __init__(self):
        self.strings = []
        self.types = []
        self.roots = []
        self.threads = []
        self.frames = []
        self.sites = []
        self.allocations = {}       # address -> number of its site
        self.facts = {}
        self.values = {}            # address -> its Values
        self.totals = {}            # of the end block
        self.damage = None          # why the file ends early, or None
        self.major = self.minor = self.shift = None
        # a column for each field of an object
        self.address, self.type, self.flags = array("Q"), array("I"), array("I")
        self.size, self.refcount = array("Q"), array("Q")
        self.items, self.extra = {}, {}     # address -> number, for those that have it
        # and for each field of a reference; head is kind << 4 | untraversed | form
        self.source, self.target = array("Q"), array("Q")
        self.head, self.label = array("H"), array("Q")

    def string(self, number):
        if number is None:
            return None
        return self.strings[number] if number < len(self.strings) else "?"

    def objects(self):
        items, extra = self.items, self.extra
        for address, kind, flags, size, refcount in zip(
                self.address, self.type, self.flags, self.size, self.refcount):
            yield Object(address, kind, flags, size, refcount, items.get(address),
                         extra.get(address, 0))

    def references(self):
        """Every reference; a label is an index, a string, the address of a key, or None."""
        for i, head in enumerate(self.head):
            form = head & 7
            label = self.label[i] if form else None
            if form == LABEL_STRING:
                label = self.string(label)
            yield Reference(self.source[i], self.target[i], head >> 4, form, label,
                            bool(head & UNTRAVERSED))

    def type_name(self, number):
        if number >= len(self.types):
            return "?"
        found = self.types[number]
        name, module = self.string(found.name), self.string(found.module)
        return name if module in (None, "builtins") else "%s.%s" % (module, name)

    # the blocks; CONTENT is a memoryview, COUNT the records it must hold

    def read_strings(self, content, count, base):
        cursor = Cursor(content)
        if base != len(self.strings):
            raise Malformed("string %d where %d is next" % (base, len(self.strings)))
        for _ in range(count):
            self.strings.append(cursor.text().decode("utf-8", "replace"))

    def read_types(self, content, count, base):
        numbers = iter(varints(content))
        if base != len(self.types):
            raise Malformed("type %d where %d is next" % (base, len(self.types)))
        for _ in range(count):
            address, name, module, flags, basicsize, itemsize = [next(numbers) for _ in range(6)]
            self.types.append(Type(address, name, module - 1 if module else None, flags,
                                   basicsize, itemsize))

    def read_objects(self, content, count, base):
        shift, mask = self.shift, (1 << 64 - self.shift) - 1
        units = base >> shift
        following = iter(varints(content)).__next__
        address, types, flags = self.address.append, self.type.append, self.flags.append
        size, refcount = self.size.append, self.refcount.append
        for _ in range(count):
            delta = following()
            units = units + (delta >> 1 ^ -(delta & 1)) & mask
            address(units << shift)
            types(following())
            flag = following()
            if flag & 7 > UNTRACKED:
                raise Malformed("generation %d" % (flag & 7))
            flags(flag)
            size(following())
            refcount(following())
            if flag & ITEMS:
                self.items[units << shift] = following()
            if flag & EXTRA:
                self.extra[units << shift] = following()

    def read_references(self, content, count, base):
        shift, mask = self.shift, (1 << 64 - self.shift) - 1
        running = base >> shift
        following = iter(varints(content)).__next__
        source, target = self.source.append, self.target.append
        heads, label = self.head.append, self.label.append
        kinds = len(KINDS)
        for _ in range(count):
            delta = following()
            running = to = key = running + (delta >> 1 ^ -(delta & 1)) & mask
            address = running << shift
            index = 0
            for _ in range(following()):
                head = following()
                delta = following()
                to = to + (delta >> 1 ^ -(delta & 1)) & mask
                form = head & 7
                if head >> 4 >= kinds:
                    if self.minor <= MINOR:
                        raise Malformed("kind of reference %d" % (head >> 4))
                    head = GUESS << 4 | head & 15
                if form == LABEL_NONE:
                    label(0)
                elif form == LABEL_NEXT:
                    label(index)
                    index += 1
                    head += LABEL_INDEX - LABEL_NEXT
                elif form == LABEL_INDEX:
                    index = following()
                    label(index)
                    index += 1
                elif form == LABEL_STRING:
                    label(following())
                elif form == LABEL_OBJECT:
                    delta = following()
                    key = key + (delta >> 1 ^ -(delta & 1)) & mask
                    label(key << shift)
                else:
                    raise Malformed("form of a label %d" % form)
                source(address)
                target(to << shift)
                heads(head)

    def known(self, kind, least, count, instead):
        if least <= kind < count:
            return kind
        if self.minor > MINOR:
            return instead
        raise Malformed("kind %d" % kind)

    def addresses(self, cursor, base):
        """A function that reads the next address relative to the one before it."""
        shift, mask = self.shift, (1 << 64 - self.shift) - 1
        units = base >> shift

        def following():
            nonlocal units
            units = units + cursor.signed() & mask
            return units << shift
        return following

    def read_values(self, content, count, base):
        cursor = Cursor(content)
        following = self.addresses(cursor, base)
        for _ in range(count):
            address, byte = following(), cursor.byte()
            kind = self.known(byte & ~EXACT, 1, len(VALUE_KINDS), 2)
            text = cursor.text()
            self.values.setdefault(address, []).append(Value(
                kind, text if kind == 2 else text.decode("utf-8", "replace"), bool(byte & EXACT)))

    def read_roots(self, content, count, base):
        cursor = Cursor(content)
        following = self.addresses(cursor, base)
        for _ in range(count):
            target = following()
            kind = self.known(cursor.byte(), 0, len(ROOT_KINDS), HELD)
            reference = self.known(cursor.byte(), 0, len(KINDS), GUESS)
            self.roots.append(Root(target, kind, reference, *[cursor.optional() for _ in "1234"]))

    def read_threads(self, content, count, base):
        cursor = Cursor(content)
        if base != len(self.threads):
            raise Malformed("thread %d where %d is next" % (base, len(self.threads)))
        for _ in range(count):
            self.threads.append(Thread(cursor.varint(), cursor.varint(), cursor.optional()))

    def read_frames(self, content, count, base):
        cursor = Cursor(content)
        if base != len(self.frames):
            raise Malformed("frame %d where %d is next" % (base, len(self.frames)))
        for _ in range(count):
            self.frames.append(Frame(cursor.varint(), cursor.optional(), cursor.optional(),
                                     cursor.varint()))

    def read_sites(self, content, count, base):
        cursor = Cursor(content)
        if base != len(self.sites):
            raise Malformed("site %d where %d is next" % (base, len(self.sites)))
        for _ in range(count):
            self.sites.append(Site(cursor.optional(), cursor.varint(), cursor.optional()))

    def read_allocations(self, content, count, base):
        cursor = Cursor(content)
        following = self.addresses(cursor, base)
        for _ in range(count):
            address = following()
            self.allocations[address] = cursor.varint()

    def traceback(self, address):
        """(file, line) of where an object was allocated and of the callers, innermost first."""
        site, lines = self.allocations.get(address), []
        while site is not None:
            lines.append((self.string(self.sites[site].file), self.sites[site].line))
            site = self.sites[site].caller
        return lines

    def read_facts(self, content, count, _base):
        cursor = Cursor(content)
        for _ in range(count):
            key, form = cursor.text().decode("utf-8", "replace"), cursor.byte()
            if form == 0:
                self.facts[key] = cursor.signed()
            elif form == 1:
                self.facts[key] = cursor.text().decode("utf-8", "replace")
            else:
                cursor.text()

    def read_end(self, content, count, _base):
        numbers = varints(content)
        if count > len(numbers):
            raise Malformed("%d totals where %d are claimed" % (len(numbers), count))
        self.totals = dict(zip(BLOCKS, numbers[:count]))


READERS = {
    STRINGS: Snapshot.read_strings, TYPES: Snapshot.read_types, OBJECTS: Snapshot.read_objects,
    REFERENCES: Snapshot.read_references, VALUES: Snapshot.read_values,
    ROOTS: Snapshot.read_roots, THREADS: Snapshot.read_threads, FRAMES: Snapshot.read_frames,
    FACTS: Snapshot.read_facts, END: Snapshot.read_end, SITES: Snapshot.read_sites,
    ALLOCATIONS: Snapshot.read_allocations}


def blocks(data):
    """(type, content, count, base) of each block, or the damage at which they end, as a text."""
    at, sequence = 32, 0
    while at < len(data):
        if len(data) - at < 32:
            yield "cut at offset %d, in a frame" % at
            return
        kind, length, count, number, base = struct.unpack_from("<4IQ", data, at)
        if length > BLOCK_LIMIT or length > len(data) - at - 32:
            yield "cut at offset %d, in a block" % at
            return
        if number != sequence:
            yield "block %d at offset %d where %d is next" % (number, at, sequence)
            return
        yield kind, memoryview(data)[at + 32:at + 32 + length], count, base
        at += 32 + length
        sequence += 1
        if kind == END:
            if at != len(data):
                yield "bytes after the end at offset %d" % at
            return
    yield "cut at offset %d, between two blocks" % at


def read_header(data):
    if data[:8] != MAGIC:
        raise Refused("not a snapshot")
    if len(data) < 32:
        raise Refused("cut in the header")
    major, minor, shift = struct.unpack_from("<HHB", data, 8)
    if major != MAJOR or shift > 3:
        raise Refused("format %d.%d with shift %d, expected %d.x" % (major, minor, shift, MAJOR))
    return major, minor, shift


def read(path):
    """The snapshot in PATH. Refused where it is none; what can be read of a damaged one."""
    with open(path, "rb") as stream:
        data = stream.read()
    snapshot = Snapshot()
    snapshot.major, snapshot.minor, snapshot.shift = read_header(data)
    for block in blocks(data):
        if isinstance(block, str):
            snapshot.damage = block
            break
        kind, content, count, base = block
        reader = READERS.get(kind)
        if reader:
            try:
                reader(snapshot, content, count, base)
            except (Malformed, StopIteration, OverflowError) as error:
                snapshot.damage = "a malformed record in a block of type %d: %r" % (kind, error)
                break
    return snapshot


def main(path):
    snapshot = read(path)
    counts = {
        "strings": len(snapshot.strings), "types": len(snapshot.types),
        "objects": len(snapshot.address), "references": len(snapshot.target),
        "values": sum(map(len, snapshot.values.values())), "roots": len(snapshot.roots),
        "threads": len(snapshot.threads), "frames": len(snapshot.frames),
        "facts": len(snapshot.facts), "sites": len(snapshot.sites),
        "allocations": len(snapshot.allocations)}
    for name in BLOCKS:
        print("%-12s %10d  (end: %s)" % (name, counts[name], snapshot.totals.get(name, "none")))
    for key, value in snapshot.facts.items():
        print("%-24s %s" % (key, value))
    if snapshot.damage:
        print("damage:", snapshot.damage)


if __name__ == "__main__":
    main(sys.argv[1])
