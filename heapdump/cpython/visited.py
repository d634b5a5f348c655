"""What the C types of the Python that runs this visit, against the rows of fields.def.

    python3.16 visited.py

Each type's tp_traverse is called on a body of zeros in which a single word points at something, so
no instance has to be made. Prints rows that say V of a member that is not visited, or O of one that
is; visited words without a row; and types that have a body but neither rows nor a reader, most of
which own no object. Then the types with a `__sizeof__` in C.

A tp_traverse that follows the word crashes, in a child: of that word nothing is said. So is nothing
of words that a reader may explain, and of types that are not ready before their first instance.
"""

import collections
import ctypes
import gc
import importlib
import os
import pkgutil
import re
import signal
import struct
import sys
import warnings

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
TP_NAME, TP_DEALLOC, TP_FLAGS, TP_TRAVERSE = 24, 48, 168, 184
HEAP_TYPE = 1 << 9
BODY_LIMIT = 4000       # bytes; what is larger is a type or holds buffers
SLACK = 4096            # zeros behind a body, for items
LIMIT = 5               # seconds for one type

VISIT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
TRAVERSE = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, VISIT, ctypes.c_void_p)


class Plain:
    """A class made in Python: its tp_dealloc and tp_traverse are those of all such."""


def word(address):
    return struct.unpack("Q", ctypes.string_at(address, 8))[0]


def name_of(type_):
    return ctypes.string_at(word(id(type_) + TP_NAME)).decode("latin-1")


def is_made_in_python(type_):
    return (word(id(type_) + TP_FLAGS) & HEAP_TYPE
            and word(id(type_) + TP_DEALLOC) == word(id(Plain) + TP_DEALLOC)
            and word(id(type_) + TP_TRAVERSE) in (0, word(id(Plain) + TP_TRAVERSE)))


def import_all():
    """Import what has C types: the modules built in, the shared objects, and who makes more."""
    warnings.simplefilter("ignore")
    names = [*sys.builtin_module_names, "asyncio", "decimal", "sqlite3", "ssl", "typing"]
    for module in pkgutil.iter_modules():
        path = getattr(module.module_finder, "path", "")
        if path.endswith("lib-dynload") and "test" not in module.name and module.name[0:2] != "xx":
            names.append(module.name)
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            pass


def c_types():
    """The C types that are ready, by tp_name."""
    found, left = {}, [type(thing) for thing in gc.get_objects()] + [object]
    while left:
        type_ = left.pop()
        if id(type_) not in found:
            found[id(type_)] = type_
            left += type.__subclasses__(type_)
    return {name_of(type_): type_ for type_ in found.values() if not is_made_in_python(type_)}


def write_marks(type_, offsets, out):
    """Call tp_traverse once an offset: "?" before the call, "V" or "-" behind it."""
    target = ctypes.create_string_buffer(SLACK)
    body = ctypes.create_string_buffer(type_.__basicsize__ + SLACK)
    there, address = (ctypes.addressof(b) + 64 & ~15 for b in (target, body))
    struct.pack_into("QQ", target, there - ctypes.addressof(target), 1000, id(object))
    hits = []
    visit = VISIT(lambda thing, argument: hits.append(thing) or 0)
    for offset in offsets:
        ctypes.memset(body, 0, len(body))
        start = address - ctypes.addressof(body)
        struct.pack_into("QQ", body, start, 1000, id(type_))
        struct.pack_into("Q", body, start + offset, there)
        hits.clear()
        os.write(out, b"?")
        TRAVERSE(word(id(type_) + TP_TRAVERSE))(address, visit, None)
        os.write(out, b"V" if there in hits else b"-")


def visited(type_):
    """{offset: whether it is visited, or None where that crashed} of a type's body."""
    offsets, marks = list(range(16, type_.__basicsize__ - 7, 8)), []
    while len(marks) < len(offsets):
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(LIMIT)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            try:
                write_marks(type_, offsets[len(marks):], theirs)
            finally:
                os._exit(0)
        os.close(theirs)
        with os.fdopen(ours, "rb") as stream:
            said = stream.read().decode()
        os.waitpid(child, 0)
        marks += re.findall(r"\?([V-]?)", said) or [""]
    return {offset: {"V": True, "-": False}.get(mark) for offset, mark in zip(offsets, marks)}


def read_rows(minor):
    """{type: {offset: "V" or "O"}} of fields.def, and the types with a reader."""
    rows = collections.defaultdict(dict)
    with open(os.path.join(HERE, "fields.def"), encoding="utf-8") as stream:
        for line in stream:
            row = re.match(r'FIELD\("([^"]*)",[^"]*\b([VO]), *(?:"[^"]*"|NULL), *([^)]*)\)', line)
            columns = row.group(3).split(",") if row else []
            if len(columns) > minor - 8 and columns[minor - 8].strip() != "NONE":
                rows[row.group(1)][int(columns[minor - 8])] = row.group(2)
    with open(os.path.join(HERE, "readers.c"), encoding="utf-8") as stream:
        return rows, set(re.findall(r'(?m)^\t\{ "([^"]*)",', stream.read()))


def main():
    rows, readers = read_rows(sys.version_info[1])
    import_all()
    types = c_types()
    for name, type_ in sorted(types.items()):
        bases = [name_of(base) for base in type_.__mro__[:-1]]
        mine = {}
        for base in bases:
            mine = {**rows.get(base, {}), **mine}
        own = type_.__base__ is None or type_.__basicsize__ > max(type_.__base__.__basicsize__, 16)
        if not own or issubclass(type_, (type, tuple)) or name.startswith(("ast.", "_ast.")):
            continue
        if not rows.get(name) and name not in readers and type_ is not object:
            print("%s: neither rows nor a reader" % name)
        traverse = word(id(type_) + TP_TRAVERSE)
        if traverse in (0, word(id(Plain) + TP_TRAVERSE)) or type_.__basicsize__ > BODY_LIMIT:
            said = dict.fromkeys(mine, False)
        else:
            said = visited(type_)
        has_reader = any(base in readers for base in bases)
        for offset, seen in sorted(said.items()):
            row = mine.get(offset)
            if seen and row is None and offset != type_.__dictoffset__ and not has_reader:
                print("%s: %d is visited and has no row" % (name, offset))
            elif row and seen is not None and (row == "V") != seen:
                print("%s: %d is %svisited, the row says %s" % (
                    name, offset, "" if seen else "not ", row))
    print("with a __sizeof__ in C: " + ", ".join(sorted(
        name for name, type_ in types.items() if "__sizeof__" in vars(type_))))


if __name__ == "__main__":
    main()
