#!/usr/bin/env python3
"""Check the columns of layout.def and fields.def against a Python, or fill in a new one.

    offsets.py check 3.14 --debug /usr/lib/debug/.build-id/cc/cda1.debug ...
    offsets.py fill 3.16 --debug libpython3.16.so.1.0 lib-dynload/*.so
    offsets.py check 3.14 --headers /usr/include/python3.14

What is compared is debug information, which gdb reads: of the given files, or of a C file that
includes the internal headers, compiled here with -g. `check` prints what differs and then exits
with 1. `fill` writes the column of the version in place, or appends it, and ends each line that
needs a look with a comment that says why.

The debug information knows where a member lies. It does not know what tp_name a type has, nor what
its tp_traverse visits: a row of fields.def that had no offset in the version before gets none.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import gdb
except ImportError:
    gdb = None

HERE = os.path.dirname(os.path.abspath(__file__))
FIRST_MINOR = 8         # of the first column
FIRST_DEBUG_MINOR = 13  # of the first column of a DEBUG row
DEBUG_WORDS = 200       # that are read; _Py_DebugOffsets is shorter
NONE = "NONE"

# Where the structure, the member and the columns of a row stand among its arguments.
SHAPES = {"LAYOUT": (1, 2, 3), "OWNED": (2, 3, 4), "FIELD": (1, 2, 6)}
PLAIN = {"VALUE": 1, "DEBUG": 1}

# The internal headers that declare a structure of layout.def; a version has some of them.
HEADERS = ("runtime", "interp", "pystate", "gc", "frame", "interpframe", "interpframe_structs",
           "code", "dict", "object", "unicodeobject", "long", "genobject", "moduleobject",
           "typeobject", "function", "import", "atexit", "warnings", "debug_offsets",
           "tracemalloc", "hashtable", "pymem")


# --- inside gdb ------------------------------------------------------------------------------

def member_of(type_, path):
    """The bit position and the type of the member PATH, also of unnamed parts, or None."""
    name, _, rest = path.partition(".")
    type_ = type_.strip_typedefs()
    if type_.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return None
    for field in type_.fields():
        if not hasattr(field, "bitpos"):
            continue
        if field.name == name:
            found = member_of(field.type, rest) if rest else (0, field.type)
        else:
            found = None if field.name else member_of(field.type, path)
        if found:
            return field.bitpos + found[0], found[1]
    return None


def structure(name):
    for spelling in (name, "struct " + name, "struct _" + name, "_" + name):
        try:
            type_ = gdb.lookup_type(spelling).strip_typedefs()
        except gdb.error:
            continue
        if type_.code == gdb.TYPE_CODE_STRUCT and type_.fields():
            return type_
    return None


def points_at_object(type_):
    """Whether a member can be a pointer to an object: one to a structure."""
    type_ = type_.strip_typedefs()
    return (type_.code == gdb.TYPE_CODE_PTR
            and type_.target().strip_typedefs().code == gdb.TYPE_CODE_STRUCT)


def offset_of(structures, members, of_field):
    """The offset of a row, None: the structure has no such member, False: no such structure."""
    known = False
    for name in structures.split("|"):
        first, _, behind = name.partition("+")
        type_, base = structure(behind or first), 0
        if behind and type_ and structure(first):
            base = (structure(first).sizeof + 15) & ~15
        known = known or bool(type_)
        for path in members.split("|") if type_ else ():
            if path == "sizeof":
                return type_.sizeof
            found = member_of(type_, path)
            if found and (not of_field or points_at_object(found[1])):
                return base + found[0] // 8
    return None if known else False


def debug_words():
    """The words of _Py_DebugOffsets, where the file holds the data too."""
    try:
        start = int(gdb.parse_and_eval("&_PyRuntime"))
        data = bytes(gdb.selected_inferior().read_memory(start, 8 * DEBUG_WORDS))
    except gdb.error:
        return []
    words = [int.from_bytes(data[i:i + 8], "little") for i in range(0, len(data), 8)]
    return words if data[:8] == b"xdebugpy" else []


def inside_gdb():
    with open(os.environ["OFFSETS_JOB"]) as stream:
        job = json.load(stream)
    found, words = {key: [] for key in job["wanted"]}, []
    for path in job["files"]:
        gdb.execute("file " + path, to_string=True)
        for key, row in job["wanted"].items():
            offset = offset_of(*row)
            if offset is not False and offset not in found[key]:
                found[key].append(offset)
        words = words or debug_words()
    with open(os.environ["OFFSETS_JOB"], "w") as stream:
        json.dump({"found": found, "words": words}, stream)


# --- outside ---------------------------------------------------------------------------------

class Row:
    """A line of a .def file: what stands before its columns, the columns as written, the rest."""

    def __init__(self, where, line):
        self.where = where
        macro, rest = re.match(r"(\w+)\((.*)", line).groups()
        parts = re.findall(r'(?:"[^"]*"|[^,")])*[,)]', rest)
        at = PLAIN.get(macro) or SHAPES[macro][2]
        self.macro = macro
        self.arguments = [part[:-1].strip() for part in parts]
        self.before = macro + "(" + "".join(parts[:at])
        self.columns = [part[:-1] for part in parts[at:]]
        self.comment = ""
        self.first = FIRST_DEBUG_MINOR if macro == "DEBUG" else FIRST_MINOR
        if macro in SHAPES:
            self.structure, self.member = (self.arguments[i] for i in SHAPES[macro][:2])
            self.key = "%s %s %d" % (self.structure, self.member, macro == "FIELD")

    def value(self, minor):
        """The column of 3.MINOR: a number, None for NONE, or the text of anything else."""
        if not 0 <= minor - self.first < len(self.columns):
            return None
        text = self.columns[minor - self.first].strip()
        return int(text) if re.fullmatch(r"-?\d+", text) else None if text == NONE else text

    def set(self, minor, value):
        index = minor - self.first
        text = (NONE if value is None else str(value)).rjust(len(self.columns[-1].strip()))
        text = text.rjust(len(self.columns[-1]))
        self.columns[index:index + 1] = [text if text[0] == " " else " " + text]

    def __str__(self):
        comment = " /* %s */" % self.comment if self.comment else ""
        return self.before + ",".join(self.columns) + ")" + comment


def read(path):
    """The lines of a .def file, those with columns as rows."""
    with open(path, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    for number, line in enumerate(lines, 1):
        if re.match(r"(%s)\(" % "|".join([*SHAPES, *PLAIN]), line):
            lines[number - 1] = Row("%s:%d" % (os.path.basename(path), number), line)
    return lines


def compile_headers(folder, cc, target):
    """An object file whose debug information has every structure of the headers in FOLDER."""
    source = os.path.join(target, "headers.c")
    with open(source, "w") as stream:
        stream.write("#define Py_BUILD_CORE 1\n#include <Python.h>\n")
        for name in HEADERS:
            path = "internal/pycore_%s.h" % name
            if os.path.exists(os.path.join(folder, path)):
                stream.write('#include "%s"\n' % path)
    # above the folder there may be another pyconfig.h, by architecture
    paths = ["-I" + os.path.join(folder, part) for part in ("", "internal", "..")]
    done = subprocess.run([cc, "-g", "-fno-eliminate-unused-debug-types", "-w", *paths,
                           "-c", source, "-o", source + ".o"], capture_output=True, text=True)
    if done.returncode:
        sys.exit("offsets.py: %s cannot compile the headers:\n%s" % (cc, done.stderr[-2000:]))
    return source + ".o"


def measure(rows, files):
    """What the debug information of FILES says: offsets by the key of a row, words."""
    wanted = {row.key: (row.structure, row.member, row.macro == "FIELD")
              for row in rows if row.macro in SHAPES}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as job:
        json.dump({"wanted": wanted, "files": [os.path.abspath(f) for f in files]}, job)
        job.flush()
        try:
            done = subprocess.run(["gdb", "-batch", "-nx", "-x", os.path.abspath(__file__)],
                                  capture_output=True, text=True,
                                  env=dict(os.environ, OFFSETS_JOB=job.name))
        except FileNotFoundError:
            sys.exit("offsets.py: gdb is not installed; it reads the debug information")
        with open(job.name) as stream:
            answer = json.load(stream)
    if "found" not in answer:
        sys.exit("offsets.py: gdb failed:\n" + done.stderr[-2000:])
    if not any(answer["found"].values()):
        sys.exit("offsets.py: no structure of CPython in these files; give those with debug "
                 "information: libpython or the executable, and lib-dynload/*.so")
    return answer["found"], answer["words"]


def show(value):
    return NONE if value is None else str(value)


def twins(rows, minor):
    """Keys whose offset another row has: of the same member, under another name or as visited."""
    return {row.key for row in rows if row.macro in SHAPES and row.value(minor) is not None}


def check(rows, minor, found, words):
    """Print what differs, and return how many rows do."""
    wrong, unknown, elsewhere = 0, set(), twins(rows, minor)
    layout = {row.arguments[0]: row.value(minor) for row in rows if row.macro == "LAYOUT"}
    for row in rows:
        value, problem = row.value(minor), None
        if row.macro == "DEBUG" and words and value is not None:
            said = words[value] if value < len(words) else None
            if said != layout.get(row.arguments[0]):
                problem = "word %d is %s, the row above %s" % (
                    value, show(said), show(layout.get(row.arguments[0])))
        elif row.macro in SHAPES and not found[row.key]:
            if value is not None:
                unknown.add(row.structure)
        elif row.macro in SHAPES and value not in found[row.key]:
            if value is not None or row.key not in elsewhere:
                problem = "%s, but %s.%s is at %s" % (
                    show(value), row.structure, row.member,
                    " or ".join(show(offset) for offset in found[row.key]))
        if problem:
            wrong += 1
            print("%s: %s: %s" % (row.where, row.arguments[0], problem))
    if unknown:
        print("not in these files, so not checked: " + ", ".join(sorted(unknown)))
    return wrong


def fill(rows, minor, found, words):
    """Set the column of every row; where a human has to look, leave a comment. How many did."""
    layout, looks = {}, 0
    for row in rows:
        if minor - row.first > len(row.columns):
            sys.exit("offsets.py: %s has no column for 3.%d yet; fill that first"
                     % (row.where, minor - 1))
    is_new = minor - rows[0].first == len(rows[0].columns)
    elsewhere = twins(rows, minor - is_new)
    for row in rows:
        old = row.value(minor - is_new)
        value, comment = old, ""
        if row.macro == "VALUE":
            comment = "as before?" if is_new else ""
        elif row.macro == "DEBUG":
            if old is not None and words[old:old + 1] != [layout.get(row.arguments[0])]:
                comment = "is it this word?"
        elif old is None and row.key in elsewhere:
            pass
        elif not found[row.key]:
            comment = "structure not found" if old is not None else ""
        else:
            value = found[row.key][0]
            if len(found[row.key]) > 1:
                comment = "or " + " or ".join(map(show, found[row.key][1:]))
            elif value != old and (not is_new or None in (value, old)):
                comment = "was " + show(old)
        row.set(minor, value)
        row.comment = "3.%d: %s" % (minor, comment) if comment else ""
        looks += bool(comment)
        if row.macro == "LAYOUT":
            layout[row.arguments[0]] = value
    return looks


def write(path, lines, minor):
    """Write the file back, with the new version in its headline if it is new there."""
    with open(path, "w", encoding="utf-8") as stream:
        for line in lines:
            if isinstance(line, str):
                line = re.sub(r"(?<=3\.%d)(?=( \*/|\)$))" % (minor - 1), ", 3.%d" % minor, line)
            stream.write("%s\n" % line)


def main():
    parser = argparse.ArgumentParser(
        description="Check or fill in a column of layout.def and fields.def.")
    parser.add_argument("action", choices=("check", "fill"))
    parser.add_argument("version", help="3.MINOR")
    parser.add_argument("--debug", nargs="+", metavar="FILE", default=[],
                        help="files with debug information: libpython or python, lib-dynload/*.so")
    parser.add_argument("--headers", metavar="DIR", help="the folder of Python.h")
    parser.add_argument("--cc", default="cc", help="the compiler for --headers")
    parser.add_argument("--def", nargs="+", dest="tables", metavar="FILE",
                        default=[os.path.join(HERE, n) for n in ("layout.def", "fields.def")],
                        help="the tables; both, unless given")
    options = parser.parse_args()
    version = re.fullmatch(r"3\.(\d+)", options.version)
    if not version or not (options.debug or options.headers):
        parser.error("a version such as 3.14 and --debug or --headers are needed")
    minor = int(version.group(1))
    tables = {path: read(path) for path in options.tables}
    rows = [line for lines in tables.values() for line in lines if isinstance(line, Row)]
    with tempfile.TemporaryDirectory() as folder:
        files = list(options.debug)
        if options.headers:
            files.append(compile_headers(options.headers, options.cc, folder))
        found, words = measure(rows, files)
    if options.action == "check":
        return 1 if check(rows, minor, found, words) else 0
    looks = fill(rows, minor, found, words)
    for path, lines in tables.items():
        write(path, lines, minor)
    print("%d lines are to be looked at; each ends in /* 3.%d: ... */" % (looks, minor))
    return 0


if gdb:
    inside_gdb()
elif __name__ == "__main__":
    sys.exit(main())
