"""Measure a capture and every command at a million objects: what it costs the target, and us.

Not a test: a program that prints a table. usage: make bench, or
REFGRAPH=build/refgraph python3 tests/bench/capture.py [WORKLOAD ...] [-n OBJECTS]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
RUNS = 5
REFGRAPH = os.environ.get("REFGRAPH", "refgraph")
PYTHON3 = os.environ.get("PYTHON3", "/usr/bin/python3")


# what is asked of the snapshot, and of the dicts in it
OF_ONE = ["info", "types", "types --by module", "types --by referrers", "types --by via",
          "types --by type,size", "objects", "objects --sort size", "cycles", "generations",
          "garbage", "leaks", "retained", "retained --tree", "retained --drops",
          "retained --by type", "audit"]
OF_DICTS = ["show", "refs", "backrefs", "why", "why --all"]


def be_target(kind, n):
    """Build a heap, then tick every millisecond; on a line of input tell the longest stall."""
    import ctypes
    import select
    import workloads
    ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(2 ** 64 - 1), 0, 0, 0)
    kept = workloads.build(kind, n)
    print("READY", flush=True)
    longest, last = 0.0, time.monotonic()
    while True:
        if select.select([sys.stdin], [], [], 0.001)[0]:
            line = sys.stdin.readline()
            if not line:
                return kept
            if line.strip():
                print(json.dumps(time_agent(line.strip())), flush=True)
            else:
                print(json.dumps(longest), flush=True)
            longest, last = 0.0, time.monotonic()
        now = time.monotonic()
        longest, last = max(longest, now - last), now


def time_agent(path):
    """Seconds of one dump from within, or None where the agent is not there."""
    folder = os.environ.get("REFGRAPH_AGENT_FOLDER")
    if not folder:
        return None
    sys.path.insert(0, os.path.dirname(folder))
    import refgraph
    remove(path)
    start = time.monotonic()
    refgraph.dump(path, sites=False)
    return time.monotonic() - start


def remove(path):
    """What a file system does to replace a file is not of our making."""
    if os.path.exists(path):
        os.remove(path)


class Target:
    def __init__(self, kind, n):
        self.child = subprocess.Popen([PYTHON3, __file__, "--target", kind, "-n", str(n)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.child.stdout.readline()

    def longest_stall(self):
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def agent(self, path):
        self.child.stdin.write(path + "\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def rss(self):
        with open("/proc/%d/statm" % self.child.pid) as stream:
            return int(stream.read().split()[1]) * resource.getpagesize()

    def end(self):
        self.child.stdin.close()
        self.child.wait()


def timed(*arguments):
    """Wall seconds, peak resident bytes and standard error of one run of the command."""
    start = time.monotonic()
    child = subprocess.Popen([REFGRAPH, *arguments], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit("refgraph %s failed: %s" % (" ".join(arguments), said))
    return time.monotonic() - start, usage.ru_maxrss * 1024, said


def told(runs, objects):
    """The median and the best of seconds, as what an object takes."""
    return "%6.2f s, %4.0f ns an object (median of %d; best %.0f)" % (
        statistics.median(runs), statistics.median(runs) * 1e9 / objects, len(runs),
        min(runs) * 1e9 / objects)


def measure(kind, n, folder):
    target = Target(kind, n)
    path = os.path.join(folder, kind + ".rgs")
    stalls, runs = [], []
    for _ in range(RUNS):
        target.longest_stall()
        remove(path)
        seconds, memory, _said = timed("dump", str(target.child.pid), "-o", path)
        runs.append(seconds)
        stalls.append(target.longest_stall())
    info = json.loads(subprocess.run([REFGRAPH, "info", path, "--format", "json"],
                                     capture_output=True, check=True).stdout)
    objects = info["totals"]["objects"]
    print("%s: %d objects, %.0f MB resident" % (kind, objects, target.rss() / 1e6))
    print("  longest stall of the target   %6.1f ms (median of %d; best %.1f)" % (
        statistics.median(stalls) * 1e3, RUNS, min(stalls) * 1e3))
    print("  capture, all                  %s, %3.0f MB" % (told(runs, objects), memory / 1e6))
    print("  memory of it                  %6.1f bytes an object beside the mirror" % (
        max(0, memory - target.rss()) / objects))
    runs = list(filter(None, (target.agent(path + ".agent") for _ in range(RUNS))))
    if runs:
        print("  from within, all              " + told(runs, objects))
    print("  snapshot                      %6.1f bytes an object" % (
        info["file"]["bytes_per_object"]))
    later = os.path.join(folder, kind + ".later.rgs")
    timed("dump", str(target.child.pid), "-o", later)
    target.end()
    measure_commands(path, later, objects)


def measure_commands(path, later, objects):
    asked = [(words, words.split() + [path], objects) for words in OF_ONE]
    asked += [(words, words.split() + [path, "type=dict"], objects) for words in OF_DICTS]
    asked += [("path root", ["path", path, "root", "type=dict"], objects)]
    asked += [("diff", ["diff", path, later], 2 * objects),
              ("leaks --new-since", ["leaks", later, "--new-since", path], 2 * objects)]
    print("  from the snapshot, the best of 3; bytes an object of all that is in memory")
    for words, arguments, of in asked:
        runs = [timed(*arguments) for _ in range(3)]
        print("  %-29s %6.2f s, %4.0f bytes an object" % (
            words, min(run[0] for run in runs), max(run[1] for run in runs) / of))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kinds", nargs="*", default=["mix", "app"])
    parser.add_argument("-n", type=int, default=1000000)
    parser.add_argument("--target")
    options = parser.parse_args()
    if options.target:
        be_target(options.target, options.n)
        return
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kinds:
            measure(kind, options.n, folder)


main()
