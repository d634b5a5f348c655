"""What NDJSON costs: a million objects out, in, and in to an answer, and the same from a pipe.

    python3 tests/bench/ndjson.py [OBJECTS]

Prints seconds, the best of five, and the rate. The heap is `mix` of tests/python/workloads.py.
"""

import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REFGRAPH = os.path.abspath(os.environ.get("REFGRAPH", "refgraph"))
PYTHON3 = os.environ.get("PYTHON3") or sys.executable
TARGET = """
import sys
sys.path.insert(0, %r)
import workloads
kept = workloads.build("mix", int(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
""" % os.path.join(HERE, "..", "python")


def capture(objects, path):
    target = subprocess.Popen([PYTHON3, "-c", TARGET, str(objects)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    try:
        target.stdout.readline()
        subprocess.run([REFGRAPH, "dump", str(target.pid), "-o", path], check=True,
                       capture_output=True)
    finally:
        target.kill()
        target.communicate()


def best(line, folder):
    times = []
    for _ in range(5):
        start = time.monotonic()
        subprocess.run(["sh", "-c", line], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        times.append(time.monotonic() - start)
    return min(times)


def main():
    objects = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    with tempfile.TemporaryDirectory(prefix="refgraph-bench-") as folder:
        capture(objects, os.path.join(folder, "a.rgs"))
        size = None
        for what, line in (("export", "%s export a.rgs -o a.ndjson"),
                           ("import", "%s import a.ndjson -o b.rgs"),
                           ("info of NDJSON", "%s info a.ndjson"),
                           ("info from a pipe", "cat a.ndjson | %s info -"),
                           ("info of the snapshot", "%s info a.rgs")):
            seconds = best(line % REFGRAPH, folder)
            size = size or os.path.getsize(os.path.join(folder, "a.ndjson"))
            print("%-22s %6.2f s  %6.0f ns an object  %5.0f MB/s of text" % (
                what, seconds, seconds / objects * 1e9, size / seconds / 1e6), flush=True)


main()
