"""The house: which folder may use which. HACKING.md draws the arrows; here they are held.

Every header compiles alone, every `#include "..."` follows an arrow, and the graph and the analyses
know no command line.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile

SOURCE = os.path.abspath(os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), ".."))
CC = os.environ.get("CC", "cc")
BASE = {"heapdump/base"}
SNAPSHOT = BASE | {"heapdump/snapshot"}
GRAPH = BASE | {"src/graph"}
HEAP = SNAPSHOT | GRAPH | {"src/heap"}
ANALYSIS = HEAP | {"src/analysis"}
VIEW = ANALYSIS | {"src/view"}
EMIT = VIEW | {"src/answer", "src/emit"}
IMAGE = BASE | {"heapdump/image"}
CAPTURE = SNAPSHOT | IMAGE | {"heapdump/cpython", "heapdump/cpython/readers", "heapdump/capture"}
CLI = EMIT | CAPTURE | {"src/cli"}
ARROWS = {
    "heapdump": SNAPSHOT | {"heapdump"},
    "heapdump/base": BASE,
    "heapdump/snapshot": SNAPSHOT,
    "heapdump/image": IMAGE,
    "heapdump/cpython": CAPTURE - {"heapdump/capture"},
    "heapdump/cpython/readers": CAPTURE - {"heapdump/capture"},
    "heapdump/capture": CAPTURE,
    "heapdump/agent": CAPTURE | {"heapdump/agent"},
    "src/graph": GRAPH,
    "src/heap": HEAP,
    "src/analysis": ANALYSIS,
    "src/select": ANALYSIS | {"src/select"},
    "src/view": VIEW,
    "src/answer": VIEW | {"src/answer"},
    "src/emit": EMIT,
    "src/cli": CLI,
    "src/cmd": CLI | {"src/select", "src/cmd"},
    "src": {"src/cli"},
}


def files(*suffixes):
    for top in ("heapdump", "src"):
        for path in glob.glob(os.path.join(SOURCE, top, "**", "*"), recursive=True):
            if path.endswith(suffixes):
                yield os.path.relpath(path, SOURCE)


def test_arrows():
    """every include follows an arrow"""
    wrong = []
    for path in files(".c", ".h"):
        folder = os.path.dirname(path)
        with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
            for used in re.findall(r'(?m)^#include "([^"]*)"', file.read()):
                target = os.path.dirname(used)
                if used != "config.h" and target not in ARROWS.get(folder, ()):
                    wrong.append("%s uses %s" % (path, used))
    return wrong


def test_headers():
    """every header compiles alone"""
    wrong = []
    flags = subprocess.run(["pkg-config", "--cflags", "cairo", "jansson", "libgvc", "smartcols"],
                           capture_output=True, text=True).stdout.split()
    with tempfile.TemporaryDirectory() as folder:
        for path in files(".h"):
            unit = os.path.join(folder, "unit.c")
            with open(unit, "w") as file:
                file.write('#define _GNU_SOURCE\n#include "%s"\n' % path)
            done = subprocess.run([CC, "-std=gnu11", "-fsyntax-only", "-I", SOURCE, *flags, unit],
                                  capture_output=True, text=True)
            if done.returncode:
                wrong.append(path + ": " + done.stderr.split("\n")[0])
    return wrong


def main():
    tests = (test_arrows, test_headers)
    print("1..%d" % len(tests))
    failed = 0
    for number, test in enumerate(tests, 1):
        wrong = test()
        failed += bool(wrong)
        print("%s %d - %s" % ("not ok" if wrong else "ok", number, test.__doc__))
        for line in wrong:
            print("# " + line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
