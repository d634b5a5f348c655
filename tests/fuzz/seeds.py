"""Seeds that no program writes: a heap of CPython 3.11 in miniature, a core file of it, an ELF file.

python3 seeds.py FOLDER writes them below FOLDER/walk, FOLDER/core and FOLDER/elf.
"""

import os
import struct
import sys

BASE = 0x500000  # of the heap's memory; the first interpreter is there
BINARY = 0x400000
RUNTIME = 0xe80  # in the heap's memory, behind what is read of the interpreter
PAGE = 4096
NAME = b"/usr/bin/python3.11"
GC_HEAD = 16
READY, GC, HEAP, MANAGED = 1 << 12, 1 << 14, 1 << 9, 1 << 4
SUBCLASS = {"int": 24, "list": 25, "tuple": 26, "bytes": 27, "str": 28, "dict": 29, "type": 31}


class Memory:
    """Bytes from BASE on, handed out in order."""

    def __init__(self, first):
        self.bytes = bytearray(first)

    def new(self, size):
        self.bytes += bytes(-len(self.bytes) % 16)
        self.bytes += bytes(size)
        return BASE + len(self.bytes) - size

    def put(self, address, form, *values):
        struct.pack_into("<" + form, self.bytes, address - BASE, *values)

    def text(self, text):
        address = self.new(len(text) + 1)
        self.put(address, "%ds" % len(text), text)
        return address


class Heap:
    """Objects in a memory, linked into the collector's generations."""

    def __init__(self):
        self.memory = Memory(0x1000)
        self.types = {}
        self.tracked = []

    def type(self, name, basicsize, itemsize=0, flags=GC, base=None):
        memory, heap = self.memory, flags & HEAP
        address = self.types.setdefault(name, memory.new(904 if heap else 408))
        if name in SUBCLASS:
            flags |= 1 << SUBCLASS[name]
        memory.put(address, "QQ", 2, self.types["type"])
        memory.put(address + 24, "Qqq", memory.text(name.encode()), basicsize, itemsize)
        memory.put(address + 168, "Q", flags | READY)
        memory.put(address + 256, "Q", base or 0)
        return address

    def object(self, kind, form="", *values, generation=0):
        """An object of a type the collector knows, with its fields behind the header."""
        memory = self.memory
        at = memory.new(32 + GC_HEAD + max(64, 16 + struct.calcsize("<" + form))) + 32 + GC_HEAD
        memory.put(at, "QQ", 1, self.types[kind])
        memory.put(at + 16, form, *values)
        if generation is not None:
            self.tracked.append((generation, at - GC_HEAD))
        return at

    def plain(self, kind, form, *values):
        return self.object(kind, form, *values, generation=None)

    def str(self, text):
        return self.plain("str", "QqIIQ%ds" % (len(text) + 1), len(text), -1, 0xe4 | 1, 0, 0,
                          text.encode())

    def int(self, value):
        return self.plain("int", "qII", 1 if value else 0, value, 0)

    def tuple(self, *items):
        return self.object("tuple", "Q%dQ" % len(items), len(items), *items)

    def list(self, *items, generation=1):
        table = self.memory.new(8 * len(items) + 8)
        self.memory.put(table, "%dQ" % len(items), *items)
        return self.object("list", "QQQ", len(items), table, len(items), generation=generation)

    def keys(self, pairs, kind=1):
        """A table of keys for at most five pairs; the hashes are not read."""
        keys = self.memory.new(32 + 8 + 24 * 5)
        self.memory.put(keys, "QBBBBIQQ", 1, 3, 3, kind, 0, 0, 5 - len(pairs), len(pairs))
        for i, (key, value) in enumerate(pairs):
            if kind:
                self.memory.put(keys + 40 + 16 * i, "QQ", key, value)
            else:
                self.memory.put(keys + 40 + 24 * i, "QQQ", 0, key, value)
        return keys

    def dict(self, pairs, kind=1, generation=2):
        return self.object("dict", "QQQQ", len(pairs), 0, self.keys(pairs, kind), 0,
                           generation=generation)

    def link(self, head, generation):
        """Close the collector's list at HEAD over the objects of GENERATION."""
        ring = [head] + [at for number, at in self.tracked if number == generation]
        for at, following in zip(ring, ring[1:] + ring[:1]):
            self.memory.put(at, "Q", following)
            self.memory.put(following + 8, "Q", at)


def small_heap():
    """A module with a function on the stack, containers, a cycle and an instance."""
    heap = Heap()
    heap.types["type"] = heap.memory.new(408)
    heap.type("type", 408 + 496, 40)
    for name, size, item, flags in (
            ("object", 16, 0, 0), ("str", 80, 0, 0), ("int", 24, 4, 0), ("tuple", 24, 8, GC),
            ("list", 40, 0, GC), ("dict", 48, 0, GC), ("set", 200, 0, GC),
            ("module", 64, 0, GC), ("function", 144, 0, GC), ("code", 184, 1, 0),
            ("bytes", 33, 1, 0), ("cell", 24, 0, GC), ("_mine.thing", 48, 8, GC),
            ("collections.OrderedDict", 120, 0, GC), ("collections.deque", 88, 0, GC)):
        heap.type(name, size, item, flags)
    return heap


def fill(heap, trap=None):
    """Lay the objects out; TRAP adds its own, which are on the stack then, or spoils the frame."""
    memory = heap.memory
    name, value = heap.str("name"), heap.int(42)
    loop = heap.list()
    table = memory.new(16)
    memory.put(table, "QQ", loop, value)
    memory.put(loop + 16, "QQQ", 2, table, 2)
    instance = heap.type("Session", 32, 0, GC | HEAP | MANAGED, heap.types["object"])
    memory.put(instance + 864, "QQ", heap.str("Session"), heap.keys([(name, 0)]))
    session = heap.object("Session", generation=2)
    values = memory.new(16)
    memory.put(values, "Q", loop)
    memory.put(session - 32, "Q", values)
    small = memory.new(8 * 16)
    memory.put(small, "QQ", name, 1)
    group = heap.object("set", "QQQQ", 1, 1, 7, small)
    cell = heap.object("cell", "Q", loop)
    thing = heap.object("_mine.thing", "QQQQ", 1, session, cell, group)
    code = heap.plain("code", "QQQQQQIIIIIIQQQQQQQQQQQQQQ", 0, 0, 0, 0, 0, 0, 0, 2, 7, 2, 0, 0,
                      0, heap.tuple(name, heap.str("req")), 0, heap.str("app.py"), 0,
                      heap.str("handle"), heap.plain("bytes", "Qq8s", 4, -1, b"\x80\0\x88\0"),
                      0, 0, 0, 0, 0, 0, 0)
    namespace = heap.dict([(name, session), (heap.str("loop"), loop),
                           (heap.str("thing"), thing)])
    function = heap.object("function", "QQQQQ", namespace, namespace, name, name, code)
    module = heap.object("module", "QQQQ", namespace, 0, 0, 0)
    modules = heap.dict([(heap.str("app"), module), (heap.str("f"), function)])
    mixed = heap.dict([(value, heap.tuple(loop, session)), (name, group)], kind=0)
    frame = memory.new(72 + 8 * 4)
    memory.put(frame, "QQQQQQQQiB", function, namespace, namespace, 0, code, 0, 0,
               code + 184, 3, 0)
    memory.put(frame + 64, "iBB", 3, 0, 0)
    memory.put(frame + 72, "QQQ", session, mixed, trap(heap, thing, frame) if trap else loop)
    cframe = memory.new(16)
    memory.put(cframe + 8, "Q", frame)
    thread = memory.new(336)
    memory.put(thread + 56, "Q", cframe)
    memory.put(thread + 152, "QQ", 7, 4711)
    if trap is circles:
        memory.put(thread, "QQ", thread, thread)
    memory.put(BASE + 16, "Q", thread)
    memory.put(BASE + 888, "QQQQ", modules, 0, namespace, namespace)
    collector(heap)
    return memory


# What a hostile heap does, each once named after the bug that it showed.

def items_overflow(heap, thing, frame):
    """An object of an unknown type with more items than a number can count the bytes of."""
    heap.memory.put(thing + 16, "Q", 0x5f00000000000001)
    return thing


def endless_odict(heap, thing, frame):
    """An OrderedDict whose nodes run in a circle, of more entries than there are words."""
    node = heap.memory.new(32)
    heap.memory.put(node, "QQQ", thing, 0, node)
    return heap.plain("collections.OrderedDict", "QQQQQ", 1 << 62, 0, heap.keys([]), 0, node)


def endless_deque(heap, thing, frame):
    """A deque whose blocks run in a circle."""
    block = heap.memory.new(8 * 66)
    heap.memory.put(block, "66Q", block, *[thing] * 64, block)
    return heap.plain("collections.deque", "QQQQ", 1 << 62, block, block, 0)


def overlapping_objects(heap, thing, frame):
    """A cell, and a tuple that begins eight bytes behind it and holds both."""
    cell = heap.plain("cell", "QQQQ", heap.types["tuple"], 2, 0, 0)
    heap.memory.put(cell + 32, "QQ", cell, cell + 8)
    return heap.list(cell, cell + 8)


def circles(heap, thing, frame):
    """Frames, threads and interpreters that follow themselves."""
    heap.memory.put(frame + 48, "Q", frame)
    heap.memory.put(BASE, "Q", BASE)
    return thing


TRAPS = (items_overflow, endless_odict, endless_deque, overlapping_objects, circles)


def collector(heap):
    first = BASE + 648 + 24
    for generation in range(3):
        heap.link(first + 24 * generation, generation)
    heap.memory.put(first + 72, "Q", first)
    heap.link(first + 80, 3)
    heap.memory.put(first + 184, "QQ", heap.list(), heap.list(generation=None))
    heap.link(first + 24, 1)
    heap.memory.put(BASE + RUNTIME + 40, "Q", BASE)
    heap.memory.put(BASE + RUNTIME + 64, "I", 0x030b02f0)


def binary(gnu):
    """A shared library of one page that defines _PyRuntime and Py_Version, seen from BINARY."""
    out = bytearray(PAGE)
    strings = b"\0_PyRuntime\0Py_Version\0"
    symbols, text, table, dynamic, note = 0x100, 0x180, 0x200, 0x300, 0x400
    struct.pack_into("<16sHHIQQQIHHHHHH", out, 0, b"\x7fELF\2\1\1", 3, 62, 1, 0, 64, 0, 0, 64,
                     56, 3, 0, 0, 0)
    struct.pack_into("<IIQQQQQQ", out, 64, 1, 5, 0, 0, 0, PAGE, PAGE, PAGE)
    struct.pack_into("<IIQQQQQQ", out, 120, 2, 6, dynamic, dynamic, 0, 80, 80, 8)
    struct.pack_into("<IIQQQQQQ", out, 176, 4, 4, note, note, 0, 36, 36, 4)
    for i, (name, place) in enumerate(((1, RUNTIME), (12, RUNTIME + 64))):
        struct.pack_into("<IBBHQQ", out, symbols + 24 * (i + 1), name, 0x11, 0, 1,
                         BASE - BINARY + place, 8)
    out[text:text + len(strings)] = strings
    if gnu:
        hashes = [gnu_hash(b"_PyRuntime"), gnu_hash(b"Py_Version")]
        struct.pack_into("<IIIIQIII", out, table, 1, 1, 1, 0, 2 ** 64 - 1, 1, hashes[0] & ~1,
                         hashes[1] | 1)
    else:
        struct.pack_into("<IIIIII", out, table, 1, 3, 1, 0, 2, 0)
    struct.pack_into("<QQQQQQQQ", out, dynamic, 6, symbols, 5, text,
                     0x6ffffef5 if gnu else 4, table, 0, 0)
    struct.pack_into("<III4s20s", out, note, 4, 20, 3, b"GNU", bytes(range(20)))
    return out


def gnu_hash(name):
    value = 5381
    for byte in name:
        value = (value * 33 + byte) & 0xffffffff
    return value


def note(kind, content):
    return struct.pack("<III8s", 5, len(content), kind, b"CORE") + content + \
        bytes(-len(content) % 4)


def core(memory):
    """A core file as the kernel writes it: a page of headers, the binary, the heap."""
    heap = bytes(memory.bytes) + bytes(-len(memory.bytes) % PAGE)
    files = struct.pack("<QQQQQ", 1, PAGE, BINARY, BINARY + PAGE, 0) + NAME + b"\0"
    process = bytearray(136)
    process[24:28] = struct.pack("<i", 4711)
    process[40:47] = b"python3"
    process[56:71] = b"python3 leak.py"
    notes = note(1, bytes(336)) + note(3, bytes(process)) + note(0x46494c45, files)
    loads = [(BINARY, PAGE, PAGE, 5), (BASE, 2 * PAGE, len(heap), 6)]
    out = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 4, 62, 1, 0, 64, 0, 0, 64, 56, 3,
                      0, 0, 0)
    out += struct.pack("<IIQQQQQQ", 4, 0, 512, 0, 0, len(notes), len(notes), 4)
    for address, offset, size, flags in loads:
        out += struct.pack("<IIQQQQQQ", 1, flags, offset, address, 0, size, size, PAGE)
    out = out + bytes(512 - len(out)) + notes
    return out + bytes(PAGE - len(out)) + bytes(binary(True)) + heap


def write(folder, target, name, content):
    os.makedirs(os.path.join(folder, target), exist_ok=True)
    with open(os.path.join(folder, target, name), "wb") as file:
        file.write(content)


def main(folder):
    memory = fill(small_heap())
    write(folder, "walk", "small-heap", bytes(memory.bytes))
    for trap in TRAPS:
        name = trap.__name__.replace("_", "-")
        write(folder, "walk", name, bytes(fill(small_heap(), trap).bytes))
    write(folder, "core", "small-heap", core(memory))
    write(folder, "core", "headers", core(memory)[:PAGE])
    for gnu in (False, True):
        write(folder, "elf", "gnu-hash" if gnu else "sysv-hash", bytes(binary(gnu))[:0x440])


main(sys.argv[1])
