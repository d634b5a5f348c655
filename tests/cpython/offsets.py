"""offsets.py: finds a wrong offset, and fills in a column, by the debug information of a C file."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.abspath(
    os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), "..", ".."))
OFFSETS = os.path.join(SOURCE, "heapdump", "cpython", "offsets.py")
CC = shlex.split(os.environ.get("CC", "cc"))

C = """
typedef struct { long count; void *type; } Object;
struct head { union { long size; struct { int low, high; }; }; };
typedef struct { Object base; struct head head; Object *name, *later; char *text; } Thing;
typedef struct { Object *behind; } Part;
Thing thing; Part part;
"""

TABLE = """/* name, C structure, member, 3.8, 3.9 */
LAYOUT(thing_size, Thing, sizeof, 8, %s)
LAYOUT(thing_high, Thing, head.high, NONE, 20)
OWNED(thing, "a name, quoted", Thing, title|name, 8, 24)
FIELD("thing", Thing, later, OTHER, V, "later", 24, NONE)
FIELD("thing", Thing, later, OTHER, O, "later", NONE, 32)
FIELD("thing", Thing, text, OTHER, V, "text", 24, NONE)
FIELD("thing", Object+Part, behind, OTHER, V, NULL, NONE, 16)
FIELD("other", Other, gone, OTHER, V, NULL, 16, %s)
VALUE(shift, 1, 2)
"""


class Folder:
    """Tables in a folder of their own, beside an object file with debug information."""

    def __init__(self, folder):
        self.table = os.path.join(folder, "table.def")
        self.object = os.path.join(folder, "thing.o")
        with open(os.path.join(folder, "thing.c"), "w") as file:
            file.write(C)
        subprocess.run([*CC, "-g", "-c", file.name, "-o", self.object], check=True)

    def run(self, action, version, text):
        """The exit status, what was printed and the table afterwards."""
        with open(self.table, "w") as file:
            file.write(text)
        done = subprocess.run([sys.executable, OFFSETS, action, version, "--debug", self.object,
                               "--def", self.table], capture_output=True, text=True)
        with open(self.table) as file:
            return done.returncode, done.stdout + done.stderr, file.read()


def test_right(folder):
    """a right column passes, and what cannot be checked is named"""
    status, said, table = folder.run("check", "3.9", TABLE % (48, 16))
    return status == 0 and said == "not in these files, so not checked: Other\n"


def test_wrong(folder):
    """a wrong offset is found"""
    status, said, table = folder.run("check", "3.9", TABLE % (56, "NONE"))
    return status == 1 and said == "table.def:2: thing_size: 56, but Thing.sizeof is at 48\n"


def test_in_place(folder):
    """a column is corrected in place, and says what it was"""
    status, said, table = folder.run("fill", "3.9", TABLE % (56, "NONE"))
    return status == 0 and table == (TABLE % (48, "NONE")).replace(
        "8, 48)\n", "8, 48) /* 3.9: was 56 */\n")


def test_append(folder):
    """a column is appended; a row keeps whether its member is visited"""
    status, said, table = folder.run("fill", "3.10", TABLE % (48, 16))
    return status == 0 and table == """/* name, C structure, member, 3.8, 3.9, 3.10 */
LAYOUT(thing_size, Thing, sizeof, 8, 48, 48)
LAYOUT(thing_high, Thing, head.high, NONE, 20, 20)
OWNED(thing, "a name, quoted", Thing, title|name, 8, 24, 24)
FIELD("thing", Thing, later, OTHER, V, "later", 24, NONE, NONE)
FIELD("thing", Thing, later, OTHER, O, "later", NONE, 32, 32)
FIELD("thing", Thing, text, OTHER, V, "text", 24, NONE, NONE)
FIELD("thing", Object+Part, behind, OTHER, V, NULL, NONE, 16, 16)
FIELD("other", Other, gone, OTHER, V, NULL, 16, 16, 16) /* 3.10: structure not found */
VALUE(shift, 1, 2, 2) /* 3.10: as before? */
"""


def test_gap(folder):
    """no column is left out"""
    status, said, table = folder.run("fill", "3.11", TABLE % (48, 16))
    return status == 1 and "no column for 3.10 yet" in said and table == TABLE % (48, 16)


def why_not():
    """Why nothing can be read here, or None."""
    for tool in ("gdb", CC[0]):
        if not shutil.which(tool):
            return "there is no " + tool
    done = subprocess.run(["gdb", "-batch", "-nx", "-ex", "python print(2 * 21)"],
                          capture_output=True, text=True)
    return None if "42" in done.stdout else "gdb has no Python"


def main():
    reason = why_not()
    if reason:
        print("1..0 # SKIP " + reason)
        return 0
    tests = (test_right, test_wrong, test_in_place, test_append, test_gap)
    failed = 0
    print("1..%d" % len(tests))
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(name)
        for number, test in enumerate(tests, 1):
            passed = test(folder)
            failed += not passed
            print("%s %d - %s" % ("ok" if passed else "not ok", number, test.__doc__))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
