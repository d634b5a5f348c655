"""What cannot be captured is refused in one clear line, and runs on."""

import ctypes
import os
import shutil
import subprocess
import tempfile
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402

NOBODY = 65534
NO_SUCH_PID = 2 ** 22           # the kernel gives none above
SUPPORTED = ("3.11",)
NAMES = ("python2.7", "python3", *("python3.%d" % minor for minor in range(6, 16)))
NOT_UNDERSTOOD, SYSTEM = 3, 4


def check_refusal(done, status, *words):
    """DONE ended with STATUS and a line that has the WORDS; a second one may say what to do."""
    said = "(exit status %d, %r)" % (done.returncode, done.stderr)
    live.check(done.returncode == status, "expected exit status", status, said)
    lines = done.stderr.splitlines()
    live.check(1 <= len(lines) <= 2, "not one line and a hint", said)
    for line in lines:
        live.check(line.startswith("refgraph: "), "a line without refgraph:", said)
    for word in words:
        live.check(word in lines[0], "the line does not say", repr(word), said)
    live.equal(done.stdout, "", "what is on stdout")


def refuse(folder, pid, status, *words, **options):
    """Every command that captures refuses PID, and leaves no file."""
    path = os.path.join(folder, "x.rgs")
    for arguments in (("dump", pid, "-o", path), ("cycles", pid, "--save", path)):
        check_refusal(live.refgraph(*arguments, **options), status, "pid %d" % pid, *words)
        live.equal(os.listdir(folder), [], "files left")


def alive(pid):
    found = live.process(pid)
    return found and found.state in "RS"


# targets

def hidden():
    """A process that forbids all others of its user to look into it."""
    ctypes.CDLL(None).prctl(live.PR_SET_DUMPABLE, ctypes.c_ulong(0), 0, 0, 0)
    live.answer({"alive": lambda: True})


def plain():
    live.answer({"alive": lambda: True})


def traced(pid):
    """One that traces PID."""
    if live.libc.ptrace(live.PTRACE_SEIZE, pid, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    live.answer({})


# the tests

def test_no_process(folder):
    """A pid that does not exist"""
    refuse(folder, NO_SUCH_PID, SYSTEM, "no such process")
    gone = subprocess.Popen(["true"])
    gone.wait()
    refuse(folder, gone.pid, SYSTEM, "no such process")


def test_zombie(folder):
    """A zombie"""
    child = subprocess.Popen(["true"])
    live.wait_until(lambda: live.process(child.pid).state == "Z", "it is a zombie")
    refuse(folder, child.pid, SYSTEM, "zombie")
    live.equal(live.process(child.pid).state, "Z", "state afterwards")
    child.wait()


def test_no_python(folder):
    """A process that is no Python"""
    child = subprocess.Popen(["sleep", "1000"])
    try:
        live.wait_until(lambda: live.process(child.pid).name == "sleep", "it is sleep")
        refuse(folder, child.pid, NOT_UNDERSTOOD, "not a CPython process")
        live.check(alive(child.pid), "it has ended:", live.process(child.pid))
    finally:
        child.kill()
        child.wait()


@live.needs(lambda: live.process(2) and live.process(2).name == "kthreadd",
            "pid 2 is no thread of the kernel here")
def test_kernel_thread(folder):
    """A thread of the kernel"""
    refuse(folder, 2, NOT_UNDERSTOOD, "not a CPython process: a thread of the kernel")
    live.check(live.process(2), "it has ended")


@live.needs(live.can_make_pid_namespace, "no pid namespace can be made")
def test_init(folder):
    """Pid 1, in a pid namespace of its own"""
    inside = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run([*inside, "sh", "-c", '"$@"; exit $?', "sh", *live.REFGRAPH, "dump", "1",
                           "-o", os.path.join(folder, "x.rgs")], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=live.LIMIT)
    check_refusal(done, NOT_UNDERSTOOD, "pid 1", "not a CPython process")
    live.equal(os.listdir(folder), [], "files left")


def test_no_permission(folder):
    """A process that belongs to somebody else"""
    if os.geteuid() != 0:
        with live.Target("hidden") as target:
            refuse(folder, target.pid, SYSTEM, "Permission denied")
            live.equal(target.ask("alive"), True, "the target afterwards")
        return
    os.chmod(folder, 0o777)
    # nobody may not run the command where root has built it
    with tempfile.TemporaryDirectory() as place, live.Target("plain") as target:
        os.chmod(place, 0o755)
        command = [shutil.copy(live.REFGRAPH[0], place)]
        refuse(folder, target.pid, SYSTEM, "Permission denied", command=command, user=NOBODY,
               group=NOBODY, extra_groups=())
        live.equal(target.ask("alive"), True, "the target afterwards")


def test_traced(folder):
    """A process that another one traces already"""
    with live.Target("plain") as target, live.Target("traced", target.pid) as tracer:
        refuse(folder, target.pid, SYSTEM, "Operation not permitted")
        done = live.refgraph("dump", target.pid, "-o", os.path.join(folder, "x.rgs"))
        live.check("pid %d (" % tracer.pid in done.stderr and "traces it already" in done.stderr,
                   "the tracer is not named:", done.stderr)
        live.equal(target.ask("alive"), True, "the target afterwards")


def test_itself(folder):
    """The command itself: as the name of a process it is no other one"""
    done = live.refgraph("dump", "no-such-name-at-all", cwd=folder)
    check_refusal(done, 2, "no-such-name-at-all")
    for word in ("0", "-1", "99999999999999999999", "pid:0", "pid:"):
        done = live.refgraph("dump", "--", word, cwd=folder)
        check_refusal(done, 2)
    live.equal(os.listdir(folder), [], "files left")


def interpreters():
    """path -> version of the Pythons in $RG_PYTHONS and PATH that are not supported."""
    paths = [path for path in os.environ.get("RG_PYTHONS", "").split() if path]
    paths += filter(None, map(shutil.which, NAMES))
    found = {}
    for path in paths:
        try:
            done = subprocess.run(
                [path, "-c", "import sys; print(sys.executable, '%d.%d.%d' % "
                 "sys.version_info[:3], sep='|')"], capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            continue
        name, _, version = done.stdout.strip().partition("|")
        if done.returncode == 0 and version.rpartition(".")[0] not in SUPPORTED:
            found[name] = version
    return found


@live.needs(interpreters, "no other Python in $RG_PYTHONS or PATH")
def test_other_versions(folder):
    """A Python of another version is refused by name"""
    for path, version in sorted(interpreters().items()):
        child = subprocess.Popen([path, "-u", "-c", "print('ready'); input()"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            live.equal(child.stdout.readline(), "ready\n", path)
            # before 3.7 there is no runtime to be found by its name
            known = tuple(map(int, version.split(".")[:2])) >= (3, 7)
            words = ("CPython " + version.rpartition(".")[0],) if known else ("not a CPython",)
            refuse(folder, child.pid, NOT_UNDERSTOOD, *words)
            live.check(alive(child.pid), "it has ended:", live.process(child.pid))
        finally:
            child.kill()
            child.communicate()


def starting():
    """Threads that replace the process by another one, over and over."""
    live.answer({"exec": lambda: threading.Timer(0.02, os.execv, [
        "/bin/sleep", ["sleep", "1000"]]).start()})


def test_exec(folder):
    """A process that becomes another program meanwhile"""
    path = os.path.join(folder, "x.rgs")
    for _ in range(live.count(10, 50)):
        with live.Target("starting") as target:
            target.ask("exec")
            while live.process(target.pid).name != "sleep":
                done = live.refgraph("dump", target.pid, "-o", path)
                live.check(done.returncode in (0, 3, 4), "exit status %d (%s)" % (
                    done.returncode, done.stderr))
            if os.path.exists(path):
                os.unlink(path)
            refuse(folder, target.pid, NOT_UNDERSTOOD, "not a CPython process")
            live.check(alive(target.pid), "it has ended:", live.process(target.pid))


live.main(test_no_process, test_zombie, test_no_python, test_kernel_thread, test_init,
          test_no_permission, test_traced, test_itself, test_other_versions, test_exec)
