"""Rights and walls: sandboxes, users, namespaces, chroots, limits. Captured, or refused in a line
that names the cure; never harmed."""

import ctypes
import glob
import json
import mmap
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import rgs  # noqa: E402

NOBODY, OTHER = 65534, 65533
SYSTEM, LIMIT = 4, 5
GRACE = 30
KEPT = 20000
TOKENS = 1000
MIB = 1 << 20

CLONE, FORK, VFORK, PTRACE, RESTART, CLONE3 = 56, 57, 58, 101, 219, 435
COPYING = (CLONE, FORK, VFORK, CLONE3)
KILL, EPERM, ENOSYS, ALLOW = 0x80000000, 0x00050001, 0x00050026, 0x7fff0000
PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 22, 24, 38
STRICT, FILTER = 1, 2
CAP_SYS_PTRACE, CAP_SYS_ADMIN = 19, 21


# sandboxes

def forbid(action, numbers):
    """A filter of system calls on this thread: ACTION for those of the NUMBERS."""
    def instruction(code, yes, no, value):
        return struct.pack("<HBBI", code, yes, no, value)
    steps = [instruction(0x20, 0, 0, 0)]                # the number of the call
    for number in numbers:
        steps += [instruction(0x15, 0, 1, number), instruction(0x06, 0, 0, action)]
    steps.append(instruction(0x06, 0, 0, ALLOW))
    code = ctypes.create_string_buffer(b"".join(steps))
    program = struct.pack("<HxxxxxxQ", len(steps), ctypes.addressof(code))
    live.check(live.libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS")
    live.check(live.libc.prctl(PR_SET_SECCOMP, FILTER, program, 0, 0) == 0, "PR_SET_SECCOMP")


def drop_admin():
    """No right to suspend the filters of others, whoever runs this."""
    live.libc.prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0)


# targets

def hold(count=KEPT):
    return [{"number": i} for i in range(count)]


def plain():
    kept = hold()
    live.answer({"kept": lambda: len(kept), "pid": os.getpid,
                 "native": threading.get_native_id})


def sandboxed(action, numbers, size=0):
    """One with a filter; its memory is SIZE bytes larger than it would be."""
    kept, heavy = hold(), bytearray(b"x") * size
    # what nobody touches is not there
    vast = mmap.mmap(-1, 1 << 34, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
    forbid(action, numbers)
    live.answer({"kept": lambda: len(kept) + len(heavy) - size + len(vast) - (1 << 34)})


class Token:
    """Stands in one slot, or in two while it is moved."""


def moving(slots):
    """Tokens that a thread moves from slot to slot, as fast as it can."""
    tokens = [Token() for _ in range(TOKENS)]
    board = tokens + [None] * (slots - TOKENS)
    # for the thread, too, that begins after it
    forbid(KILL, [FORK])

    def move(free=TOKENS):
        while True:
            for i in range(slots):
                if board[i]:
                    while board[free]:
                        free = (free + 7919) % slots
                    board[free] = board[i]
                    board[i] = None
    started = threading.Thread(target=move, daemon=True)
    live.answer({"start": started.start, "kept": lambda: len(tokens)})


def strict():
    """One that may read, write and end, and is killed for any other call."""
    kept = hold()
    live.say("ready")
    live.check(live.libc.prctl(PR_SET_SECCOMP, STRICT, 0, 0, 0) == 0, "strict mode")
    while os.read(0, 1):
        os.write(1, b"%d\n" % len(kept))


def partly(numbers, first):
    """A thread with a filter, and one without: the FIRST has it, or the other."""
    kept = hold()
    started = threading.Event()

    def work():
        if not first:
            forbid(KILL, numbers)
        started.set()
        threading.Event().wait()
    threading.Thread(target=work, daemon=True).start()
    started.wait()
    if first:
        forbid(KILL, numbers)
    live.answer({"kept": lambda: len(kept)})


def waiting(seconds):
    """Threads in waits with an end, where to begin one anew by restart_syscall kills."""
    kept, ends = hold(), {}
    forbid(KILL, [RESTART])

    def wait(name, function):
        start = time.monotonic()
        function()
        ends[name] = time.monotonic() - start
    lock, never = threading.Lock(), threading.Event()
    lock.acquire()
    for name, function in (("lock", lambda: lock.acquire(timeout=seconds)),
                           ("event", lambda: never.wait(seconds)),
                           ("sleep", lambda: time.sleep(seconds))):
        threading.Thread(target=wait, args=(name, function), daemon=True).start()
    live.answer({"kept": lambda: len(kept), "ends": lambda: ends})


def undumpable():
    kept = hold()
    live.libc.prctl(live.PR_SET_DUMPABLE, 0, 0, 0, 0)
    live.answer({"kept": lambda: len(kept)})


def traced(pid):
    if live.libc.ptrace(live.PTRACE_SEIZE, pid, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    live.answer({})


# what is needed of this machine

def is_root():
    return os.geteuid() == 0


def can_be(*words):
    """Whether this machine lets root run something with WORDS before it."""
    return is_root() and shutil.which(words[0]) and subprocess.run(
        [*words, "true"], stderr=subprocess.DEVNULL).returncode == 0


def can_suspend():
    """Whether a filter can be suspended here: that takes CAP_SYS_ADMIN, and the kernel."""
    child = subprocess.Popen(["sleep", "60"])
    try:
        live.libc.ptrace(live.PTRACE_SEIZE, child.pid, None, ctypes.c_ulong(1 << 21))
        return live.is_traced(child.pid)
    finally:
        child.kill()
        child.wait()


needs_root = live.needs(is_root, "only root becomes other users")


class Command:
    """The command, where every user may run it."""

    def __init__(self, folder):
        os.chmod(folder, 0o755)
        self.place = os.path.join(folder, "bin")
        os.mkdir(self.place, 0o755)
        self.words = [shutil.copy(live.REFGRAPH[0], self.place)]
        self.home = os.path.join(folder, "home")
        os.mkdir(self.home)
        os.chmod(self.home, 0o777)
        self.path = os.path.join(self.home, "x.rgs")

    def dump(self, pid, *options, before=(), **others):
        return live.refgraph("dump", pid, "-o", self.path, *options,
                             command=[*before, *self.words], cwd=self.home,
                             env=dict(os.environ, XDG_CACHE_HOME=self.home), **others)


def user(number):
    return {"user": number, "group": number, "extra_groups": ()}


def check_refusal(done, status, line, hint=None):
    """One line that has the words LINE, and another with the words HINT."""
    said = "(exit status %d, %r)" % (done.returncode, done.stderr)
    live.check(done.returncode == status, "expected exit status", status, said)
    lines = done.stderr.splitlines()
    live.equal(len(lines), 2 if hint else 1, "lines " + said)
    for text, words in zip(lines, (line, hint)):
        live.check(text.startswith("refgraph: "), "a line without refgraph:", said)
        live.check(words in text, "it does not say", repr(words), said)


def check_captured(done, path, kept=KEPT, warns=None):
    """A whole snapshot of a target that keeps KEPT dicts, with a warning or without."""
    live.equal(done.returncode, 0, "exit status (%s)" % done.stderr)
    live.equal("warning" in done.stderr, warns is not None, "a warning (%s)" % done.stderr)
    snapshot = rgs.read(path)
    names = {number: snapshot.string(t.name) for number, t in enumerate(snapshot.types)}
    dicts = sum(names[number] == "dict" for number in snapshot.type)
    live.check(dicts >= kept, "dicts found:", dicts)
    fact = snapshot.facts.get("warning.stopped")
    live.equal(fact is not None, warns is not None, "the fact of it")
    for text in filter(None, (warns and done.stderr, fact)):
        live.check(warns in text, "it does not say", repr(warns), text)
        live.check("no copy of" in text and " ms while it was read" in text, "said:", text)
    return snapshot


def check_unharmed(target, kept=KEPT):
    live.wait_until(lambda: not live.is_traced(target.pid), "the target has no tracer", GRACE)
    live.equal(target.ask("kept", seconds=GRACE), kept, "what the target says")
    live.equal(live.children(target.pid), [], "children of the target")


# a target in a sandbox

FORBIDS = "its seccomp filter may forbid it"


@live.needs(can_suspend, "a filter cannot be suspended here")
def test_suspended(folder):
    """A filter is suspended for the one call that makes the copy, where that is allowed"""
    path = os.path.join(folder, "x.rgs")
    for action in (EPERM, KILL):
        with live.Target("sandboxed", action, COPYING) as target:
            for _ in range(3):
                check_captured(live.refgraph("dump", target.pid, "-o", path), path)
                check_unharmed(target)
    with live.Target("strict") as target:
        check_captured(live.refgraph("dump", target.pid, "-o", path), path)
        check_strict(target)


def check_strict(target):
    live.wait_until(lambda: not live.is_traced(target.pid), "the target has no tracer", GRACE)
    target.child.stdin.write(b"x")
    target.child.stdin.flush()
    live.equal(target.hear(GRACE), KEPT, "what the target says")
    live.equal(live.children(target.pid), [], "children of the target")


def test_filtered(folder):
    """Where a filter may not be suspended, the target stands still while it is read"""
    path = os.path.join(folder, "x.rgs")
    for action in (EPERM, ENOSYS, KILL):
        with live.Target("sandboxed", action, [*COPYING, PTRACE]) as target:
            for _ in range(3):
                done = live.refgraph("dump", target.pid, "-o", path, within=drop_admin)
                snapshot = check_captured(done, path, warns=FORBIDS)
                check_unharmed(target)
            live.check(0 < snapshot.facts["pause_ns"] < 2e9, "pause", snapshot.facts["pause_ns"])
            # by another command the warning is in the answer
            found = live.ask("info", path)["source"]["warnings"]
            live.check(any(FORBIDS in warning["message"] for warning in found), found)
    with live.Target("strict") as target:
        done = live.refgraph("dump", target.pid, "-o", path, within=drop_admin)
        check_captured(done, path, warns=FORBIDS)
        check_strict(target)


def test_one_moment(folder):
    """What is read of a target that stands still is of one moment"""
    path = os.path.join(folder, "x.rgs")
    with live.Target("moving", 200000) as target:
        target.ask("start")
        for _ in range(live.count(3, 20)):
            done = live.refgraph("dump", target.pid, "-o", path, within=drop_admin)
            snapshot = check_captured(done, path, 0, warns=FORBIDS)
            standing = {address: 0 for address, number in zip(snapshot.address, snapshot.type)
                        if snapshot.type_name(number) == "__main__.Token"}
            live.equal(len(standing), TOKENS, "tokens")
            board = max(snapshot.items, key=snapshot.items.get)
            for source, to in zip(snapshot.source, snapshot.target):
                if source == board and to in standing:
                    standing[to] += 1
            live.check(min(standing.values()) == 1, "a token stands nowhere")
            live.check(sum(standing.values()) <= TOKENS + 1, "more than one token is moved")
        live.equal(target.ask("kept", seconds=GRACE), TOKENS, "what the target says")


def test_filtered_thread(folder):
    """A thread without a filter makes the copy where another one has a filter"""
    path = os.path.join(folder, "x.rgs")
    for first in (False, True):
        with live.Target("partly", COPYING, first) as target:
            for _ in range(3):
                done = live.refgraph("dump", target.pid, "-o", path, within=drop_admin)
                check_captured(done, path)
                check_unharmed(target)


def test_restarted(folder):
    """Waits with an end go on to it where restart_syscall would kill for them"""
    path = os.path.join(folder, "x.rgs")
    seconds = 3
    with live.Target("waiting", seconds) as target:
        for _ in range(4):
            time.sleep(0.3)
            done = live.refgraph("dump", target.pid, "-o", path, within=drop_admin)
            check_captured(done, path, warns=FORBIDS)
            check_unharmed(target)
        ends = live.wait_until(lambda: len(target.ask("ends")) == 3 and target.ask("ends"),
                               "all waits end", GRACE)
        for name, taken in ends.items():
            live.check(seconds - 0.01 < taken < seconds + GRACE, name, "took", taken)


@needs_root
def test_process_limit(folder):
    """A target that may have no more processes stands still while it is read"""
    path = os.path.join(folder, "x.rgs")

    # who has no other process: with more than it may have it could not even begin
    somebody = 200000 + os.getpid()

    def limit():
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        os.setgroups([])
        os.setresgid(somebody, somebody, somebody)
        os.setresuid(somebody, somebody, somebody)
    with live.Target("plain", preexec_fn=limit) as target:
        done = live.refgraph("dump", target.pid, "-o", path)
        check_captured(done, path, warns="as many processes as it may")
        check_unharmed(target)


def test_long(folder):
    """It is refused to stand still for long, with the time, unless that is forced"""
    path = os.path.join(folder, "x.rgs")
    with live.Target("sandboxed", KILL, COPYING, 400 * MIB) as target:
        done = live.refgraph("dump", target.pid, "-o", path, within=drop_admin)
        check_refusal(done, LIMIT, "pid %d: it would stand still for about 0.4 s" % target.pid,
                      "--force")
        live.check(FORBIDS in done.stderr, "no reason:", done.stderr)
        live.check(not os.path.exists(path), "a file is left")
        check_unharmed(target)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        done = live.refgraph("dump", target.pid, "-o", path, "--force", within=drop_admin)
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        check_captured(done, path, warns=FORBIDS)
        check_unharmed(target)
        # not the 16 GiB that nobody has touched
        live.check(max(most, before) < 2 << 20, "KiB of memory it took:", most)
        print("# %.0f ms for 400 MiB" % (rgs.read(path).facts["pause_ns"] / 1e6))


def test_command_stopped(folder):
    """A command that is stopped while the target stands still: that runs on, in time"""
    path = os.path.join(folder, "x.rgs")
    with live.Target("sandboxed", KILL, COPYING, 400 * MIB) as target:
        for _ in range(20):
            command = subprocess.Popen(
                [*live.REFGRAPH, "dump", str(target.pid), "-o", path, "--force"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True, preexec_fn=drop_admin)
            live.wait_until(lambda: live.is_traced(target.pid) or command.poll() is not None,
                            "the target is stopped", GRACE)
            time.sleep(0.01)
            command.send_signal(signal.SIGSTOP)
            held = live.is_traced(target.pid)
            check_unharmed(target)
            command.send_signal(signal.SIGCONT)
            said = command.communicate(timeout=live.LIMIT)[1]
            if held and command.returncode:
                break
            # it was over before
            live.equal(command.returncode, 0, "exit status (%s)" % said)
            os.unlink(path)
        live.equal(command.returncode, SYSTEM, "exit status (%s)" % said)
        live.check("was not read in that time, and runs on" in said, "said:", said)
        live.equal(os.listdir(folder), [], "files left")


def test_command_killed(folder):
    """A command that is killed while the target stands still: that runs on"""
    with live.Target("sandboxed", KILL, COPYING, 200 * MIB) as target:
        for moment in (0, 0.005, 0.01, 0.02, 0.04, 0.08):
            command = subprocess.Popen(
                [*live.REFGRAPH, "dump", str(target.pid), "-o", os.path.join(folder, "x.rgs"),
                 "--force"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, preexec_fn=drop_admin)
            live.wait_until(lambda: live.is_traced(target.pid) or command.poll() is not None,
                            "the target is stopped", GRACE)
            time.sleep(moment)
            command.kill()
            command.wait()
            check_unharmed(target)


# a command in a sandbox

def test_own_filter(folder):
    """A filter on the command itself is told from one on the target"""
    path = os.path.join(folder, "x.rgs")
    with live.Target("plain") as target:
        for action in (EPERM, ENOSYS, KILL):
            done = live.refgraph("dump", target.pid, "-o", path,
                                 within=lambda: forbid(action, [PTRACE]),
                                 # a leak checker would trace, too
                                 env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
            check_refusal(done, SYSTEM, "a seccomp filter on refgraph itself", "sandbox")
            live.equal(os.listdir(folder), [], "files left")
            check_unharmed(target)


# users and capabilities

@needs_root
def test_other_user(folder):
    """Another user's process: whose it is, and how to read it"""
    command = Command(folder)
    with live.Target("plain", **user(OTHER)) as target:
        check_refusal(command.dump(target.pid, **user(NOBODY)), SYSTEM,
                      "it belongs to user %d, and we are user %d" % (OTHER, NOBODY),
                      "sudo -u '#%d' refgraph" % OTHER)
        check_captured(command.dump(target.pid, **user(OTHER)), command.path)
        check_unharmed(target)


@live.needs(lambda: can_be("setpriv", "--reuid", str(NOBODY), "--inh-caps", "+sys_ptrace",
                           "--ambient-caps", "+sys_ptrace"), "no setpriv, or it may not")
def test_capability(folder):
    """CAP_SYS_PTRACE alone is enough, for files of /proc that are others' too"""
    command = Command(folder)
    able = ("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups",
            "--inh-caps", "+sys_ptrace", "--ambient-caps", "+sys_ptrace")
    for name, options in (("plain", user(OTHER)), ("plain", {}), ("undumpable", user(NOBODY))):
        with live.Target(name, **options) as target:
            check_captured(command.dump(target.pid, before=able), command.path)
            check_unharmed(target)
    # the way that stands still, without pagemap
    with live.Target("sandboxed", KILL, COPYING, **user(OTHER)) as target:
        check_refusal(command.dump(target.pid, before=able), LIMIT, "pagemap may not be read",
                      "run it as root")
        check_unharmed(target)


@needs_root
def test_more_capable(folder):
    """A process of the same user that has capabilities"""
    command = Command(folder)
    if not can_be("setpriv", "--reuid", str(NOBODY), "--inh-caps", "+net_raw", "--ambient-caps",
                  "+net_raw"):
        raise live.Skip("no setpriv, or it may not")
    before = ("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups",
              "--inh-caps", "+net_raw", "--ambient-caps", "+net_raw")
    with live.Target("plain", before=before) as target:
        check_refusal(command.dump(target.pid, **user(NOBODY)), SYSTEM,
                      "it has capabilities that we have not", "setcap")
        check_unharmed(target)


@needs_root
def test_undumpable(folder):
    """A process that may not be dumped: why, and how to read it"""
    command = Command(folder)
    with live.Target("undumpable", **user(NOBODY)) as target:
        check_refusal(command.dump(target.pid, **user(NOBODY)), SYSTEM,
                      "it may not be dumped", "PR_SET_DUMPABLE")
        check_captured(command.dump(target.pid), command.path)
        check_unharmed(target)


@needs_root
def test_weak_root(folder):
    """Root of a container without SYS_PTRACE is told to get it"""
    def weaken():
        live.libc.prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0)
    command = Command(folder)
    with live.Target("plain", **user(OTHER)) as target:
        check_refusal(command.dump(target.pid, within=weaken), SYSTEM,
                      "it belongs to user %d" % OTHER, "--cap-add SYS_PTRACE")
        check_unharmed(target)


def test_traced(folder):
    """A process that is traced already: by whom"""
    with live.Target("plain") as target, live.Target("traced", target.pid) as tracer:
        done = live.refgraph("dump", target.pid, "-o", os.path.join(folder, "x.rgs"))
        check_refusal(done, SYSTEM, "pid %d (%s) traces it already" % (
            tracer.pid, live.process(tracer.pid).name), "one tracer")
        rows = live.ask("ps")["processes"]["rows"]
        why = [row["why_not"] for row in rows if row["pid"] == target.pid]
        live.equal(why, ["traced by pid %d" % tracer.pid], "what ps says")
        live.equal(target.ask("kept"), KEPT, "the target afterwards")


# namespaces

in_mounts = ("unshare", "--mount", "--")
needs_mounts = live.needs(lambda: can_be(*in_mounts), "no mount namespace can be made")


@live.needs(live.can_make_pid_namespace, "no pid namespace can be made")
def test_pid_namespace(folder):
    """A process in a pid namespace: both of its pids, and threads as it knows them"""
    path = os.path.join(folder, "x.rgs")
    before = ("unshare", "--pid", "--fork", "--kill-child")
    with live.Target("plain", before=before) as target:
        outer = live.children(target.pid)[0].pid
        inner = target.ask("pid")
        live.check(inner != outer, "it is in no namespace of its own")
        done = live.refgraph("dump", outer, "-o", path)
        snapshot = check_captured(done, path)
        live.equal(snapshot.facts["pid"], outer, "its pid here")
        live.equal(snapshot.facts["pid.inner"], inner, "its pid there")
        live.equal([thread.native_id for thread in snapshot.threads], [target.ask("native")],
                   "its threads")
        rows = {row["pid"]: row for row in live.ask("ps")["processes"]["rows"]}
        live.equal(rows[outer]["inner_pid"], inner, "what ps says")
        live.equal(rows[os.getpid()]["inner_pid"], None, "of a process that is in none")
        live.check("\n%d is pid %d in its pid namespace" % (outer, inner) in live.refgraph(
            "ps").stdout, "ps does not say it")
        runtime = live.ask("info", path)["runtime"]
        live.equal((runtime["pid"], runtime["inner_pid"]), (outer, inner), "what info says")
        live.equal(target.ask("kept"), KEPT, "the target afterwards")
    with live.Target("plain") as target:
        live.check("pid.inner" not in check_captured(
            live.refgraph("dump", target.pid, "-o", path), path).facts, "an inner pid")


@live.needs(live.can_make_pid_namespace, "no pid namespace can be made")
def test_foreign_proc(folder):
    """A /proc of another pid namespace is refused: its pids are not those of ptrace"""
    with live.Target("plain") as target:
        done = subprocess.run(
            ["unshare", "--pid", "--fork", "--kill-child", *live.REFGRAPH, "dump",
             str(target.pid), "-o", os.path.join(folder, "x.rgs")], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=live.LIMIT)
        check_refusal(done, SYSTEM, "/proc is that of another pid namespace", "mount -t proc")
        done = subprocess.run(["unshare", "--pid", "--fork", "--kill-child", *live.REFGRAPH, "ps"],
                              capture_output=True, text=True, timeout=live.LIMIT)
        check_refusal(done, SYSTEM, "/proc is that of another pid namespace", "mount -t proc")


@live.needs(lambda: can_be("unshare", "--user", "--map-root-user"),
            "no user namespace can be made")
def test_user_namespace(folder):
    """A process in a user namespace is read by root and by its owner; none from inside one"""
    command = Command(folder)
    mapped = ("unshare", "--user", "--map-root-user")
    with live.Target("plain", before=mapped, **user(NOBODY)) as target:
        check_captured(command.dump(target.pid), command.path)
        os.unlink(command.path)
        check_captured(command.dump(target.pid, **user(NOBODY)), command.path)
        os.unlink(command.path)
        check_refusal(command.dump(target.pid, **user(OTHER)), SYSTEM,
                      "it is in another user namespace", "sudo refgraph")
        # the root of one has no rights in another
        check_refusal(command.dump(target.pid, before=mapped, **user(OTHER)), SYSTEM,
                      "it is in another user namespace", "from the host")
        check_unharmed(target)


@needs_mounts
def test_hidden(folder):
    """A process that /proc hides is there all the same"""
    command = Command(folder)
    script = ('mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid %d --regid %d '
              '--clear-groups "$@"' % (NOBODY, NOBODY))
    with live.Target("plain", **user(OTHER)) as target:
        check_refusal(command.dump(target.pid, before=(*in_mounts, "sh", "-c", script, "sh")),
                      SYSTEM, "hidepid", "sudo refgraph")
    with live.Target("plain", **user(NOBODY)) as target:
        check_captured(command.dump(target.pid, before=(*in_mounts, "sh", "-c", script, "sh")),
                       command.path)
        check_unharmed(target)


@needs_mounts
def test_chroot(folder):
    """A Python in a chroot of a mount namespace, whose files nobody sees from here"""
    command = Command(folder)
    root = os.path.join(folder, "root")
    os.mkdir(root)
    script = """set -e
        mount -t tmpfs none "$0"; cd "$0"; mkdir elsewhere proc tmp dev test
        mount --rbind /usr elsewhere; ln -s elsewhere usr; mount -t proc proc proc
        for name in bin sbin lib lib64; do
            if [ -L /$name ]; then ln -s "$(readlink /$name)" $name
            else mkdir $name; mount --rbind /$name $name; fi
        done
        mkdir -p ./"$SOURCE"; mount --bind "$SOURCE" ./"$SOURCE"
        exec chroot . "$@"
        """
    source = os.path.abspath(os.path.join(os.path.dirname(sys.argv[0]), ".."))
    with live.Target("plain", before=(*in_mounts, "sh", "-c", script, root),
                     env=dict(os.environ, SOURCE=source)) as target:
        live.check(not os.listdir(root), "the root is seen from here")
        exe = os.readlink("/proc/%d/exe" % target.pid)
        live.check("elsewhere" in exe and not os.path.exists(exe), "its program is here:", exe)
        check_captured(command.dump(target.pid), command.path)
        rows = {row["pid"]: row for row in live.ask("ps")["processes"]["rows"]}
        live.check(rows[target.pid]["attachable"], "ps says", rows[target.pid])
        check_unharmed(target)


def test_deleted(folder):
    """A Python whose program was deleted, as an upgrade does"""
    path, python = os.path.join(folder, "x.rgs"), os.path.join(folder, "python3")
    shutil.copy(os.path.realpath(live.PYTHON3), python)
    home = subprocess.run([live.PYTHON3, "-c", "import sys; print(sys.base_prefix)"],
                          capture_output=True, text=True, check=True).stdout.strip()
    with live.Target("plain", python=python, env=dict(os.environ, PYTHONHOME=home)) as target:
        os.unlink(python)
        check_captured(live.refgraph("dump", target.pid, "-o", path), path)
        check_unharmed(target)


# limits of a cgroup

def own_cgroup():
    """A folder in which a cgroup with a limit of memory can be made, and its two files."""
    with open("/proc/self/cgroup") as stream:
        lines = [line.strip().split(":", 2) for line in stream]
    for _, controllers, path in lines:
        if "memory" in controllers.split(","):
            return "/sys/fs/cgroup/memory" + path, "memory.limit_in_bytes"
        if not controllers and os.path.exists("/sys/fs/cgroup%s/memory.max" % path):
            return "/sys/fs/cgroup" + path, "memory.max"
    return None, None


def make_cgroup():
    """A cgroup of memory, or None."""
    above, _ = own_cgroup()
    try:
        path = tempfile.mkdtemp(prefix="refgraph-", dir=above) if above else None
    except OSError:
        return None
    if path and os.path.exists(os.path.join(path, own_cgroup()[1])):
        return path
    if path:
        os.rmdir(path)
    return None


def can_make_cgroup():
    path = make_cgroup()
    if path:
        os.rmdir(path)
    return path


@live.needs(can_make_cgroup, "no cgroup of memory can be made here")
def test_cgroup(folder):
    """A cgroup too tight for a copy: refused with the numbers, unless it is forced"""
    path, cgroup = os.path.join(folder, "x.rgs"), make_cgroup()

    def write(name, value):
        with open(os.path.join(cgroup, name), "w") as stream:
            stream.write(str(value))
    try:
        with live.Target("sandboxed", ALLOW, [], 64 * MIB,
                         preexec_fn=lambda: write("cgroup.procs", os.getpid())) as target:
            write(own_cgroup()[1], 100 * MIB)
            done = live.refgraph("dump", target.pid, "-o", path)
            check_refusal(done, LIMIT, "MiB are free in the target's cgroup", "--force")
            live.check(os.path.basename(cgroup) in done.stderr, "which one:", done.stderr)
            live.check(not os.path.exists(path), "a file is left")
            done = live.refgraph("dump", target.pid, "-o", path, "--force")
            live.equal(done.returncode, 0, "exit status (%s)" % done.stderr)
            check_unharmed(target)
    finally:
        live.wait_until(lambda: remove(cgroup), "the cgroup is empty", GRACE)


def remove(cgroup):
    try:
        os.rmdir(cgroup)
        return True
    except OSError:
        return False


sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_suspended, test_filtered, test_one_moment, test_filtered_thread, test_restarted,
          test_process_limit, test_long, test_command_stopped, test_command_killed,
          test_own_filter, test_other_user, test_capability, test_more_capable, test_undumpable,
          test_weak_root, test_traced, test_pid_namespace, test_foreign_proc,
          test_user_namespace, test_hidden, test_chroot, test_deleted, test_cgroup)
