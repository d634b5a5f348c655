"""What the live tests share: targets, the command, and a look at the processes around them.

A test file is its own target: run with the arguments `target NAME ...` it calls its function NAME,
which talks to the test by lines of JSON. Any other run goes through the tests given to main().
RG_THOROUGH=1 in the environment asks for the full counts.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import random
import resource
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

LIMIT = 120             # seconds after which a single thing waited for is lost
PTRACE_SEIZE = 0x4206
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_PTRACER = 1, 4, 36, 0x59616d61
F_SETPIPE_SZ = 1031

REFGRAPH = shlex.split(os.environ.get("REFGRAPH", "refgraph"))
PYTHON3 = os.environ.get("PYTHON3") or sys.executable
THOROUGH = bool(os.environ.get("RG_THOROUGH"))

libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """The test cannot be made here, and why."""


def count(few, many):
    return many if THOROUGH else few


def check(condition, *said):
    if not condition:
        raise AssertionError(" ".join(map(str, said)))


def equal(found, expected, what):
    check(found == expected, "%s: %r, expected %r" % (what, found, expected))


def wait_until(test, what, seconds=LIMIT):
    """The first true value of TEST()."""
    end = time.monotonic() + seconds
    while True:
        found = test()
        if found:
            return found
        check(time.monotonic() < end, "waited %d s until %s" % (seconds, what))
        time.sleep(0.002)


# processes, as /proc shows them

class Process:
    def __init__(self, pid):
        with open("/proc/%d/stat" % pid) as stream:
            text = stream.read()
        fields = text[text.rindex(")") + 2:].split()
        self.pid, self.name = pid, text[text.index("(") + 1:text.rindex(")")]
        self.state, self.parent = fields[0], int(fields[1])
        self.exit_signal, self.exit_code = int(fields[35]), int(fields[49])

    def __repr__(self):
        return "%d (%s) %s, exit code %d" % (self.pid, self.name, self.state, self.exit_code)


def process(pid):
    """PID as it is now, or None."""
    try:
        return Process(pid)
    except (OSError, ValueError):
        return None


def children(pid):
    """The children of PID, zombies too."""
    found = (process(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return [child for child in found if child and child.parent == pid]


def status_field(path, name):
    with contextlib.suppress(OSError), open(path) as stream:
        for line in stream:
            if line.startswith(name + ":"):
                return line.split(":")[1].strip()
    return None


def is_traced(pid):
    """Whether any thread of PID has a tracer."""
    with contextlib.suppress(OSError):
        return any(status_field("/proc/%d/task/%s/status" % (pid, thread), "TracerPid") != "0"
                   for thread in os.listdir("/proc/%d/task" % pid))
    return False


def rss(pid="self"):
    with open("/proc/%s/statm" % pid) as stream:
        return int(stream.read().split()[1]) * resource.getpagesize()


# in a target

def say(value):
    os.write(1, json.dumps(value).encode() + b"\n")


def hear():
    """The next line from the test, or None at its end. Leaves no object behind."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return None
        line += byte
    return json.loads(line)


def answer(functions):
    """Say what the functions that the test names return, until it has no more questions."""
    say("ready")
    while (asked := hear()) is not None:
        say(functions[asked[0]](*asked[1:]))


def ticking(count):
    """A heap of COUNT lists; a thread that counts, beside one that answers."""
    heap = [[number, "item-%d" % number] for number in range(count)]
    ticks = [0]

    def tick():
        while True:
            ticks[0] += 1
            time.sleep(0.001)

    def wait_for_any():
        try:
            return os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return "ECHILD"
    threading.Thread(target=tick, daemon=True).start()
    answer({"ticks": lambda: ticks[0], "heap": lambda: len(heap), "wait": wait_for_any})


def be_target(name, *arguments):
    """Call a function of this file as a target: any process of this user may trace it."""
    libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    libc.prctl(PR_SET_PTRACER, ctypes.c_ulong(2 ** 64 - 1), 0, 0, 0)
    getattr(sys.modules["__main__"], name)(*map(json.loads, arguments))


# in a test

class Target:
    """A child that runs the function NAME of this file; killed at the end of the with block."""

    def __init__(self, name, *arguments, python=PYTHON3, before=(), **options):
        self.child = subprocess.Popen(
            [*before, python, sys.argv[0], "target", name, *map(json.dumps, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
        self.pid, self.name, self.rest = self.child.pid, name, b""

    def __enter__(self):
        try:
            equal(self.hear(), "ready", "the first line of " + self.name)
            return self
        except BaseException:
            self.end()
            raise

    def __exit__(self, *_error):
        self.end()

    def end(self):
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()

    def hear(self, seconds=LIMIT):
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = max(0, end - time.monotonic())
            if not select.select([self.child.stdout], [], [], left)[0]:
                raise AssertionError("%s has said nothing for %d s: %s" % (
                    self.name, seconds, process(self.pid)))
            data = os.read(self.child.stdout.fileno(), 65536)
            if not data:
                raise AssertionError("%s has ended: %s" % (self.name, self.status(10)))
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def say(self, *asked):
        self.child.stdin.write(json.dumps(asked).encode() + b"\n")
        self.child.stdin.flush()

    def ask(self, *asked, seconds=LIMIT):
        self.say(*asked)
        return self.hear(seconds)

    def status(self, seconds):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.child.wait(seconds)
        return "it runs"


def refgraph(*arguments, stack=None, command=None, within=None, **options):
    """Run the command to its end, WITHIN what that function sets up; its output as text."""
    def limit():
        resource.setrlimit(resource.RLIMIT_STACK, (stack, stack))
    return subprocess.run([*(command or REFGRAPH), *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=LIMIT,
                          preexec_fn=limit if stack else within, **options)


def ask(*arguments, **options):
    """The answer of the command in JSON."""
    done = refgraph(*arguments, "--format", "json", **options)
    equal(done.returncode, 0, "exit status of refgraph %s (%s)" % (
        " ".join(map(str, arguments)), done.stderr.strip()))
    return json.loads(done.stdout)


def dump(pid, path="/dev/null", **options):
    """A capture that must succeed."""
    done = refgraph("dump", pid, "-o", path, **options)
    equal(done.returncode, 0, "exit status of a capture (%s)" % done.stderr.strip())
    check("stood still for" in done.stderr, "no pause is told:", done.stderr)
    check("warning" not in done.stderr, "the capture warns:", done.stderr)
    return done


def captured(target, folder, **options):
    """A snapshot of TARGET in FOLDER."""
    path = os.path.join(folder, "%d.rgs" % target.pid)
    dump(target.pid, path, **options)
    return path


class Held:
    """A capture of TARGET that stands still with the copy made: its output goes to a pipe that
    nobody reads before finish(). The snapshot must be larger than a page."""

    def __init__(self, target, folder):
        self.target, self.path = target, os.path.join(folder, "pipe-%d" % target.pid)
        os.mkfifo(self.path)
        self.pipe = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self.pipe, F_SETPIPE_SZ, 4096)
        self.command = subprocess.Popen(
            [*REFGRAPH, "dump", str(target.pid), "-o", self.path], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=listen)
        self.said = self.copy = self.guardian = None

    def __enter__(self):
        try:
            wait_until(self.is_held, "the copy stands")
            return self
        except BaseException:
            self.__exit__()
            raise

    def is_held(self):
        """Data waits in the pipe, and all threads of the target run on."""
        check(self.command.poll() is None, "the command ended early:", self.command.returncode)
        if not select.select([self.pipe], [], [], 0)[0] or is_traced(self.target.pid):
            return False
        copies = [child for child in children(self.target.pid)
                  if child.exit_signal == 0 and child.state in "tT"]
        guardians = [child for child in children(self.command.pid)
                     if child.name == "refgraph-guard"]
        if len(copies) == 1 and len(guardians) == 1:
            self.copy, self.guardian = copies[0].pid, guardians[0].pid
        return self.copy is not None

    def finish(self):
        """Read all; the exit status of the command."""
        os.set_blocking(self.pipe, True)
        while os.read(self.pipe, 1 << 16):
            pass
        self.said = self.command.communicate(timeout=LIMIT)[1]
        return self.command.returncode

    def __exit__(self, *_error):
        os.close(self.pipe)
        self.command.kill()
        self.command.wait()
        self.command.stderr.close()
        os.unlink(self.path)


def listen():
    """Let the signals that end a program do so, as in the foreground of a shell."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def adopt():
    """Become the parent of orphans among the descendants, so that none is missed."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0)


def none_left(*expected):
    """Reap what was adopted; whether no child is left but the EXPECTED."""
    left = [child for child in children(os.getpid()) if child.pid not in expected]
    for child in left:
        if child.state == "Z":
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)
    return not left


def why_not():
    """Why no process can be traced here, or None."""
    child = subprocess.Popen(["sleep", "60"])
    try:
        if libc.ptrace(PTRACE_SEIZE, child.pid, None, None) != 0:
            return "ptrace is forbidden here: " + os.strerror(ctypes.get_errno())
        return None
    finally:
        child.kill()
        child.wait()


def needs(condition, reason):
    """Leave a test out, and say why, where this machine lacks what it is about: no skip, which
    would say that a capture itself is not possible here."""
    def mark(test):
        # not now: a target reads this file, too
        test.left_out = lambda: None if condition() else reason
        return test
    return mark


def can_make_pid_namespace():
    unshare = shutil.which("unshare")
    return unshare and subprocess.run([unshare, "--pid", "--fork", "--mount-proc", "true"],
                                      stderr=subprocess.DEVNULL).returncode == 0


def run(number, test, folder):
    name = test.__doc__.split("\n")[0].rstrip(".")
    start = time.monotonic()
    try:
        test(folder)
        print("ok %d - %s" % (number, name))
    except Skip as reason:
        print("ok %d - %s # SKIP %s" % (number, name, reason))
    except Exception as error:
        print("not ok %d - %s" % (number, name))
        lines = [str(error)] if isinstance(error, AssertionError) else []
        for line in lines + traceback.format_exc().splitlines():
            print("# " + line)
    print("# %.1f s" % (time.monotonic() - start), flush=True)


def main(*tests):
    """Be the target that the command line names, or run the tests and speak TAP."""
    if sys.argv[1:2] == ["target"]:
        be_target(*sys.argv[2:])
        return
    reason = why_not()
    if reason:
        print("1..0 # SKIP " + reason)
        return
    wanted = [test for test in tests if not sys.argv[1:] or test.__name__ in sys.argv[1:]]
    for test in list(wanted):
        left_out = getattr(test, "left_out", lambda: None)()
        if left_out:
            print("# left out: %s: %s" % (test.__doc__, left_out))
            wanted.remove(test)
    seed = int(os.environ.get("RG_SEED") or random.SystemRandom().randrange(2 ** 32))
    random.seed(seed)
    print("1..%d" % len(wanted))
    print("# RG_SEED=%d" % seed, flush=True)
    for number, test in enumerate(wanted, 1):
        with tempfile.TemporaryDirectory(prefix="refgraph-live-") as folder:
            run(number, test, folder)
