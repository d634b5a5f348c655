"""Snapshots of live processes against what these say of themselves: small heaps of every kind."""

import ctypes
import os
import subprocess
import sys

SOURCE = os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), "..", "..")
PTRACE_SEIZE = 0x4206
CASES = [("mix", 20000), ("ast", 20000), ("app", 20000), ("deep", 20000), ("fan", 20000),
         ("star", 20000), ("stdlib", 0), ("kinds", 0)]


def why_not():
    """Why no process can be traced here, or None."""
    child = subprocess.Popen(["sleep", "60"])
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ptrace(PTRACE_SEIZE, child.pid, None, None) != 0:
            return "ptrace is forbidden here: " + os.strerror(ctypes.get_errno())
        return None
    finally:
        child.kill()
        child.wait()


def main():
    reason = why_not()
    if reason:
        print("1..0 # SKIP " + reason)
        return
    print("1..%d" % len(CASES), flush=True)
    for number, (name, n) in enumerate(CASES, 1):
        done = subprocess.run(
            [sys.executable, os.path.join(SOURCE, "tests", "python", "truth.py"),
             "--workload", name, "-n", str(n)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        print("%s %d - truth of %s" % ("not ok" if done.returncode else "ok", number, name))
        for line in done.stdout.splitlines():
            print("# " + line)
        sys.stdout.flush()


main()
