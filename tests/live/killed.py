"""Whatever becomes of the command, its guardian or the target: nothing is left behind."""

import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402

GRACE = 30              # seconds in which everything must be gone, on any machine


# the target

HEAP = 60000             # lists in the target
ticking = live.ticking


def check_runs(target):
    """TARGET is as it was: not stopped, not traced, with no child, and it counts on."""
    live.check(target.child.poll() is None, "the target has ended:", target.child.returncode)
    live.wait_until(lambda: not live.is_traced(target.pid), "the target has no tracer", GRACE)
    before = target.ask("ticks", seconds=GRACE)
    live.wait_until(lambda: target.ask("ticks", seconds=GRACE) > before, "it counts on", GRACE)
    live.equal(target.ask("wait"), "ECHILD", "waitpid(-1) of the target")


def start(target, path, **options):
    # make check may run under nohup, or with &: what it ignores the command would ignore, too
    options.setdefault("preexec_fn", live.listen)
    return subprocess.Popen([*live.REFGRAPH, "dump", str(target.pid), "-o", path],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **options)


def end(command):
    """(its exit status, what it said on stderr)."""
    said = command.communicate(timeout=live.LIMIT)[1]
    return command.returncode, said


def measure(target, folder):
    """How long a capture takes."""
    began = time.monotonic()
    path = os.path.join(folder, "measured")
    live.equal(end(start(target, path))[0], 0, "exit status of a capture that is left alone")
    os.unlink(path)
    return time.monotonic() - began


def moments(count, span):
    """COUNT moments, spread over SPAN at random."""
    return [random.uniform(i, i + 1) * span / count for i in range(count)]


def check_nothing_left(target):
    live.wait_until(lambda: live.none_left(target.pid), "the command's processes are gone", GRACE)
    live.equal(live.children(target.pid), [], "children of the target")
    check_runs(target)


# the tests

def test_command_killed(folder):
    """kill -9 of the command leaves the target running, and no process or zombie"""
    with live.Target("ticking", HEAP) as target:
        span = measure(target, folder)
        killed = 0
        for moment in moments(live.count(15, 100), span):
            command = start(target, os.path.join(folder, "x.rgs"))
            time.sleep(moment)
            command.kill()
            killed += end(command)[0] == -signal.SIGKILL
            check_nothing_left(target)
        live.check(killed > 0, "every capture was over before its kill")
        live.dump(target.pid)


def test_command_interrupted(folder):
    """SIGINT, SIGTERM and SIGHUP of the command leave no part of a file and no process"""
    with live.Target("ticking", HEAP) as target:
        span = measure(target, folder)
        place = os.path.join(folder, "output")
        os.mkdir(place)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            interrupted = 0
            for moment in moments(live.count(5, 34), span):
                command = start(target, os.path.join(place, "x.rgs"))
                time.sleep(moment)
                command.send_signal(number)
                status, said = end(command)
                left = os.listdir(place)
                # the signal may come when all is done
                live.check(left == ["x.rgs"] or (status and not left), "files", left,
                           "after %s at %.3f of %.3f s (exit status %d, %s)" % (
                               number.name, moment, span, status, said))
                for name in left:
                    path = os.path.join(place, name)
                    live.check(live.ask("info", path)["source"]["complete"], "a part of a file")
                    os.unlink(path)
                interrupted += status != 0
                check_nothing_left(target)
            live.check(interrupted > 0, "every capture was over before its", number.name)


def test_interrupted_held(folder):
    """A command that waits for its output obeys SIGINT and SIGTERM at once"""
    with live.Target("ticking", HEAP) as target:
        for number in (signal.SIGINT, signal.SIGTERM):
            with live.Held(target, folder) as held:
                held.command.send_signal(number)
                live.wait_until(lambda: held.command.poll() is not None, number.name, GRACE)
                live.check(held.command.returncode != 0, "exit status 0 after", number.name)
            check_nothing_left(target)


def test_guardian_killed(folder):
    """kill -9 of the guardian: the copy dies, the target runs on, the command says so"""
    with live.Target("ticking", HEAP) as target:
        for _ in range(live.count(10, 100)):
            with live.Held(target, folder) as held:
                time.sleep(random.uniform(0, 0.01))
                os.kill(held.guardian, signal.SIGKILL)
                copy = live.wait_until(lambda: is_dead(held.copy), "the copy dies", GRACE)
                check_runs(target)
                # 0 is what a reader without the right to see it gets
                live.check(copy.exit_code in (0, signal.SIGKILL),
                           "the copy was not ended by SIGKILL:", copy)
                live.equal([child.pid for child in live.children(target.pid)], [held.copy],
                           "children of the target")
                status = held.finish()
                live.equal(status, 4, "exit status of the command (%s)" % held.said)
                live.check(held.said.startswith("refgraph: pid %d: " % target.pid),
                           "no clear line:", held.said)
            live.wait_until(lambda: live.none_left(target.pid), "the command is gone", GRACE)
            # the next one that comes by clears up
            live.dump(target.pid)
            live.equal(live.children(target.pid), [], "children of the target")
            check_runs(target)


def is_dead(pid):
    found = live.process(pid)
    return found if found and found.state == "Z" else None


def test_target_killed(folder):
    """A target that ends midway: a clear line or a whole snapshot, and nothing is left"""
    path = os.path.join(folder, "x.rgs")
    with live.Target("ticking", HEAP) as target:
        span = measure(target, folder)
    for moment in moments(live.count(10, 100), span):
        with live.Target("ticking", 20000) as target:
            command = start(target, path)
            time.sleep(moment)
            target.child.kill()
            began = time.monotonic()
            status, said = end(command)
            taken = time.monotonic() - began
            live.check(taken < 4 + span, "the command hung for %.1f s (%s)" % (taken, said))
            live.wait_until(lambda: live.none_left(target.pid), "all processes are gone", GRACE)
        check_ended(target.pid, folder, path, status, said)


def check_ended(pid, folder, path, status, said):
    """Of a capture of PID, which ended meanwhile."""
    if status == 0:
        live.check(live.ask("info", path)["source"]["complete"], "the snapshot is not complete")
        os.unlink(path)
    else:
        live.check(status in (3, 4), "exit status %d (%s)" % (status, said))
        live.check(said.startswith("refgraph: pid %d: " % pid), "no clear line:", said)
    live.equal(os.listdir(folder), [], "files left (exit status %d)" % status)


def test_target_killed_held(folder):
    """A target that ends while its copy is read takes nothing away"""
    with live.Target("ticking", HEAP) as target:
        with live.Held(target, folder) as held:
            target.child.kill()
            target.child.wait()
            live.equal(held.finish(), 0, "exit status of the command (%s)" % held.said)
        live.wait_until(live.none_left, "all processes are gone", GRACE)


if sys.argv[1:2] != ["target"]:
    live.adopt()
live.main(test_command_killed, test_command_interrupted, test_interrupted_held,
          test_guardian_killed, test_target_killed, test_target_killed_held)
