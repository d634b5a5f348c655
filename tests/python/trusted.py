"""Every CPython found here, on every workload, held against what it says of itself: one table.

Interpreters are this machine's python3 and python3.8 to python3.15, those of pyenv, and the ones
that $PYTHONS names (paths, colons between them). Exit status 0 when all bars are met, 1 when one
is not, 2 when a comparison could not be made.

    REFGRAPH=./refgraph tests/python/trusted.py --workload stdlib
"""

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile

import truth
import workloads

MEASURES = (            # in the table; as a share where that says more than a number
    ("objects", "tracked objects"), ("references", "references"), ("false", "false"),
    ("named", "named"), ("sizes", "sizes"), ("deficits", "deficits"),
    ("rooted", "held by a root with a name"))
PROBE = ("import sys, sysconfig; print('%d.%d.%d' % sys.version_info[:3],"
         "sys.implementation.name, bool(sysconfig.get_config_var('Py_GIL_DISABLED')),"
         "hasattr(sys, 'gettotalrefcount'))")
FIRST, LAST = (3, 8), (3, 15)          # as in heapdump/cpython/layout.h


def candidates():
    yield from filter(None, os.environ.get("PYTHONS", "").split(":"))
    yield os.environ.get("PYTHON3") or shutil.which("python3") or sys.executable
    for minor in range(FIRST[1], LAST[1] + 1):
        yield shutil.which("python3.%d" % minor)
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    yield from sorted(glob.glob(os.path.join(root, "versions", "*", "bin", "python3")))


def interpreters():
    """(version, path) of each release of CPython that refgraph reads, the oldest first."""
    found = {}
    for path in candidates():
        if not path:
            continue
        probe = subprocess.run([path, "-c", PROBE], capture_output=True, text=True)
        said = probe.stdout.split()
        if probe.returncode == 0 and said[1:] == ["cpython", "False", "False"]:
            version = tuple(map(int, said[0].split(".")))
            if FIRST <= version[:2] <= LAST:
                found.setdefault(version, path)
    return [(".".join(map(str, version)), found[version]) for version in sorted(found)]


def cell(name, measure):
    found, expected, good = measure
    text = "%.3f %%" % (100 * found / expected) if expected and name not in ("false", "deficits") \
        else str(found)
    return text + ("" if good else " !")


def compare(refgraph, path, workload, n):
    """The report of one comparison, or the text of why it could not be made."""
    with tempfile.TemporaryDirectory(prefix="refgraph-trusted-") as folder:
        try:
            return truth.compare(*truth.capture(refgraph, path, workload, n, folder, quiet=True))
        except SystemExit as end:
            return str(end.code)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workload", action="append", choices=workloads.NAMES)
    parser.add_argument("-n", type=int, default=20000, help="objects, about (default: 20000)")
    parser.add_argument("--refgraph", default=os.environ.get("REFGRAPH", "refgraph"))
    parser.add_argument("--most", type=int, default=8, help="offenders shown (default: 8)")
    args = parser.parse_args()
    failed = 0
    line = "%-9s %-9s" + " %14s" * len(MEASURES)
    print(line % ("CPython", "workload", *(title for title, _ in MEASURES)), flush=True)
    for version, path in interpreters():
        for workload in args.workload or workloads.NAMES:
            report = compare(args.refgraph, path, workload, args.n)
            if isinstance(report, str):
                print("%-9s %-9s %s" % (version, workload, report), flush=True)
                failed = 2
                continue
            print(line % (version, workload, *(cell(name, report.measures[name])
                                               for _, name in MEASURES)), flush=True)
            if report.failed:
                failed = max(failed, 1)
                report.print(args.most)
    return failed


if __name__ == "__main__":
    sys.exit(main())
