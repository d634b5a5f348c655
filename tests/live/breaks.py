"""No cycle is left in a real heap when the proposed references are removed."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402

WORKLOADS = ("mix", "ast", "app", "deep", "fan", "star", "stdlib", "kinds")
ACYCLIC = os.path.join(os.environ.get("builddir", "."), "tests", "live", "acyclic")


# the target

def heap(kind, size):
    import workloads
    kept = workloads.build(kind, size)
    live.answer({"kept": lambda: kept is not None})


# the test

def check_workload(folder, kind):
    with live.Target("heap", kind, live.count(20000, 200000)) as target:
        snapshot = live.captured(target, folder)
    done = subprocess.run([ACYCLIC, snapshot], capture_output=True, text=True,
                          timeout=live.LIMIT)
    print("# %s: %s" % (kind, done.stdout.strip() or done.stderr.strip()))
    live.equal(done.returncode, 0, kind + ": exit status")
    live.check(kind in ("deep", "fan", "star") or not done.stdout.startswith("0 "),
               kind, "has no cycles to break:", done.stdout)


def test_workloads(folder):
    """What remains without the proposed references is acyclic, on every workload"""
    for kind in WORKLOADS:
        check_workload(folder, kind)


live.main(test_workloads)
