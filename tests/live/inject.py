"""Allocations that fail during a capture: a whole snapshot or status 5, and a target unharmed."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import failing  # noqa: E402
import live  # noqa: E402

GRACE = 30              # seconds in which everything must be gone, on any machine
CHILDREN = 60           # allocations of the guardian are fewer


HEAP = 1000             # lists in the target
ticking = live.ticking


def check_unharmed(target, said):
    live.wait_until(lambda: live.none_left(target.pid), "no process is left " + said, GRACE)
    live.check(not live.is_traced(target.pid), "the target is traced", said)
    live.equal(live.children(target.pid), [], "children of the target " + said)
    before = target.ask("ticks", seconds=GRACE)
    live.wait_until(lambda: target.ask("ticks", seconds=GRACE) > before, "it counts on", GRACE)
    live.equal(target.ask("wait"), "ECHILD", "waitpid(-1) of the target " + said)


def objects(content, folder):
    """How many a whole snapshot holds."""
    path = os.path.join(folder, "x.rgs")
    with open(path, "wb") as out:
        out.write(content)
    answer = live.ask("info", path)
    live.check(answer["source"]["complete"], "the snapshot is not complete")
    return answer["totals"]["objects"]


def check_run(run, folder, whole, said):
    """Whole, or status 5 with its line; returns whether it failed."""
    live.check(run.status in (0, 5), "exit status %s %s: %r" % (run.status, said, run.err))
    live.equal(run.left, [], "temporary files " + said)
    if run.status == 5:
        live.check(b"out of memory" in run.err, "no line that says so", said, run.err)
        live.equal(run.files, {}, "files " + said)
        live.equal(run.kept, {}, "captures in the cache " + said)
        return True
    live.equal(sorted(run.files), sorted(whole), "files " + said)
    for name, content in run.files.items():
        # the target runs, and its own objects come and go
        live.check(abs(objects(content, folder) - whole[name]) < 20, "objects are missing", said)
    return False


def moments(count):
    few = live.count(60, count)
    if count <= few:
        return range(1, count + 1)
    return [*range(1, few // 2), *range(few // 2, count, max(1, (count - few // 2) // (few // 2)))]


def inject(words, folder, where=None, count=None, target=None):
    """Run WORDS with each of the allocations failing; how many runs failed."""
    whole = failing.Run(words, where=where)
    live.equal(whole.status, 0, "exit status with memory (%s)" % whole.err)
    expected = {name: objects(content, folder) for name, content in whole.files.items()}
    failed = 0
    for at in moments(count or whole.allocations):
        for mode in failing.MODES:
            said = "with allocation %d failing (%s%s)" % (at, mode, ", " + where if where else "")
            run = failing.Run(words, at, mode, where=where)
            failed += check_run(run, folder, expected, said)
            if target:
                check_unharmed(target, said)
    return failed


def test_dump(folder):
    """Allocations of the command fail: a whole snapshot or none, the target runs on"""
    with live.Target("ticking", HEAP) as target:
        failed = inject(["dump", str(target.pid), "-o", "x.rgs"], folder, target=target)
        live.check(failed > 0, "no allocation mattered")


def test_guardian(folder):
    """Allocations of the guardian fail: a whole snapshot or none, the target runs on"""
    with live.Target("ticking", HEAP) as target:
        failed = inject(["dump", str(target.pid), "-o", "x.rgs"], folder, "children", CHILDREN,
                        target)
        live.check(failed > 0, "no allocation mattered")


def test_cycles_of_a_pid(folder):
    """Allocations fail while a process is captured and asked: nothing half is kept"""
    with live.Target("ticking", HEAP) as target:
        inject(["info", "--no-save", str(target.pid)], folder, target=target)


@live.needs(lambda: shutil.which("gcore"), "no gcore here (gdb)")
def test_core(folder):
    """Allocations fail while a core file is read: a whole snapshot or none"""
    with live.Target("ticking", HEAP) as target:
        done = subprocess.run(["gcore", "-o", os.path.join(folder, "core"), str(target.pid)],
                              stdin=subprocess.DEVNULL, capture_output=True)
        live.equal(done.returncode, 0, "exit status of gcore (%s)" % done.stderr)
        core = os.path.join(folder, "core.%d" % target.pid)
    inject(["dump", core, "-o", "x.rgs"], folder)


def main():
    reason = failing.why_not()
    if reason and sys.argv[1:2] != ["target"]:
        print("1..0 # SKIP " + reason)
        return
    if sys.argv[1:2] != ["target"]:
        live.adopt()
    live.main(test_dump, test_guardian, test_cycles_of_a_pid, test_core)


main()
