"""Every CPython found here, on every workload, held against what it says of itself: one table.

Each is captured in three ways: by its pid, from a core file and by the agent within it. "unlike"
is how many records of the latter two are not the same in a snapshot by pid of the same state of
the process; same.py says what is left aside.

Interpreters are this machine's python3 and python3.8 to python3.15, those of pyenv, and the ones
that $PYTHONS names (paths, colons between them). Exit status 0 when all bars are met, 1 when one
is not, 2 when a comparison could not be made.

    REFGRAPH=build/refgraph REFGRAPH_AGENT=build/heapdump/agent/refgraph/.libs/agent.so \\
        tests/python/trusted.py --workload stdlib --way pid --way agent
"""

import argparse
import copy
import glob
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

import live
import rgs
import same
import truth
import ways
import workloads

MEASURES = (            # in the table; as a share where that says more than a number
    ("objects", "tracked objects"), ("references", "references"), ("false", "false"),
    ("named", "named"), ("sizes", "sizes"), ("deficits", "deficits"),
    ("rooted", "held by a root with a name"), ("unlike", "unlike the snapshot by pid"))
NUMBERS = {"false": 7, "deficits": 9, "unlike": 9}      # and how wide they are
LINE = "%-8s %-8s %-5s" + "".join(" %%%ds" % NUMBERS.get(title, 11) for title, _ in MEASURES)
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


def cell(title, measure):
    if not measure:
        return "-"
    found, expected, good = measure
    text = str(found) if title in NUMBERS or not expected else "%.3f %%" % (100 * found / expected)
    return text + ("" if good else " !")


# capturing

def take_core(target, folder):
    """The snapshot of a core of TARGET, which stands still, and ends if the kernel writes it."""
    if ways.why_no_kernel_core():
        core = ways.gcore(target.pid, folder)
    else:
        core = ways.abort(target, folder)
    path = os.path.join(folder, "core.rgs")
    done = live.refgraph("dump", core, "-o", path)
    live.equal(done.returncode, 0, "exit status of a capture (%s)" % done.stderr.strip())
    return rgs.read(path)


def take(wanted, python, workload, n, folder):
    """(the truth, {way: its snapshot}, {way: the one by pid of the same state})."""
    said, found, by_pid = os.path.join(folder, "truth"), {}, {}
    inside = os.path.join(folder, "agent.rgs")
    more = [inside] if "agent" in wanted else []
    # the kernel writes a core into the current folder
    place = os.path.join(folder, "place")
    os.mkdir(place)
    with truth.Target([python], workload, n, said, *more, cwd=place,
                      preexec_fn=ways.allow_core()) as target:
        if "agent" in wanted:
            found["agent"], by_pid["agent"] = ways.by_agent(
                target, lambda: target.say(b"d"), inside, folder)
        if "core" in wanted:
            ways.stopped(target)
        if wanted != ["agent"]:
            found["pid"] = by_pid["core"] = rgs.read(live.captured(target, folder))
        if "core" in wanted:
            found["core"] = take_core(target, place)
            target.child.send_signal(signal.SIGCONT)
        if target.child.poll() != -signal.SIGABRT:
            target.end()
    return truth.Truth(said), found, by_pid


# comparing

def compare(python, workload, n, wanted):
    """{way: its report, or the text of why there is none} of the ways that are WANTED."""
    with tempfile.TemporaryDirectory(prefix="refgraph-trusted-") as folder:
        try:
            said, found, by_pid = take(wanted, python, workload, n, folder)
        except (SystemExit, AssertionError, OSError) as error:
            return dict.fromkeys(wanted, str(error))
    reports = {}
    for way in sorted(wanted, key=ways.NAMES.index):
        differ = same.differences(found[way], by_pid[way]) if way in by_pid else {}
        if way == "core" and not differ and "pid" in reports:
            reports[way] = copy.deepcopy(reports["pid"])
        else:
            reports[way] = truth.compare(said, found[way])
        if way in by_pid:
            reports[way].row("unlike the snapshot by pid", sum(differ.values()), 0, exact=True)
        for pattern, count in differ.items():
            reports[way].offend("unlike the snapshot by pid", *pattern, count=count)
    return reports


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workload", action="append", choices=workloads.NAMES)
    parser.add_argument("--way", action="append", choices=ways.NAMES,
                        help="of capture (default: all that can be tried here)")
    parser.add_argument("-n", type=int, default=20000, help="objects, about (default: 20000)")
    parser.add_argument("--refgraph", default=os.environ.get("REFGRAPH", "refgraph"))
    parser.add_argument("--most", type=int, default=8, help="offenders shown (default: 8)")
    args = parser.parse_args()
    live.REFGRAPH[:] = shlex.split(args.refgraph)
    failed, wanted = 0, []
    for way in args.way or ways.NAMES:
        reason = ways.why_not(way)
        if reason:
            print("left out: %s: %s" % (way, reason))
            failed = 2 if args.way else failed
        else:
            wanted.append(way)
    if not wanted:
        return 2
    print(LINE % ("CPython", "workload", "way", *(title for title, _ in MEASURES)), flush=True)
    for version, path in interpreters():
        for workload in args.workload or workloads.NAMES:
            failed = max(failed, show(version, workload, compare(path, workload, args.n, wanted),
                                      args.most))
    return failed


def show(version, workload, reports, most):
    """The lines of one workload; the exit status that they stand for."""
    failed = 0
    for way, report in reports.items():
        if isinstance(report, str):
            print("%-8s %-8s %-5s %s" % (version, workload, way, report), flush=True)
            failed = 2
            continue
        print(LINE % (version, workload, way, *(cell(title, report.measures.get(name))
                                                for title, name in MEASURES)), flush=True)
        if report.failed:
            failed = max(failed, 1)
            report.print(most)
    return failed


if __name__ == "__main__":
    sys.exit(main())
