"""The ways to capture: a core file of a process, and the agent's own snapshot, of a state of the
process that a capture by pid has too."""

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import subprocess

import live
import rgs

NAMES = ("pid", "core", "agent")
PTRACE_CONT, PTRACE_DETACH, PTRACE_GETEVENTMSG = 7, 17, 0x4201
PTRACE_O_TRACEFORK, PTRACE_EVENT_FORK, WALL = 2, 1, 0x40000000


# cores

def pattern():
    with open("/proc/sys/kernel/core_pattern") as stream:
        return stream.read().strip()


def why_no_kernel_core():
    """Why the kernel writes no core into the current folder here, or None."""
    if pattern().startswith("|"):
        return "the kernel gives its cores to a program: " + pattern()
    if "/" in pattern():
        return "the kernel writes its cores elsewhere: " + pattern()
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        return "no core may be written here (ulimit -Hc)"
    return None


def allow_core(size=resource.RLIM_INFINITY):
    def limit():
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        wanted = size if hard == resource.RLIM_INFINITY or 0 <= size <= hard else hard
        resource.setrlimit(resource.RLIMIT_CORE, (wanted, hard))
    return limit


def gcore(pid, folder, *options):
    done = subprocess.run(["gcore", *options, "-o", os.path.join(folder, "gcore"), str(pid)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=live.LIMIT)
    live.equal(done.returncode, 0, "exit status of gcore (%s)" % done.stderr)
    return os.path.join(folder, "gcore.%d" % pid)


def abort(target, folder):
    """The core that the kernel writes of TARGET, which stands still and runs no code for it."""
    before = set(os.listdir(folder))
    target.child.send_signal(signal.SIGABRT)
    target.child.send_signal(signal.SIGCONT)
    live.equal(target.child.wait(live.LIMIT), -signal.SIGABRT, "how the target ended")
    made = set(os.listdir(folder)) - before
    live.equal(len(made), 1, "files that the kernel wrote (%s)" % sorted(made))
    return os.path.join(folder, made.pop())


def stopped(target):
    target.child.send_signal(signal.SIGSTOP)
    live.wait_until(lambda: live.process(target.pid).state == "T", "it stands still")
    return target


# the agent

def ptrace(request, pid, data=0):
    if live.libc.ptrace(request, pid, None, ctypes.c_void_p(data)) < 0:
        raise OSError(ctypes.get_errno(), "ptrace of %d: %s" % (
            pid, os.strerror(ctypes.get_errno())))


def next_stop(pid):
    """The status with which PID, which we trace, stops next."""
    def waited():
        found, status = os.waitpid(pid, os.WNOHANG | WALL)
        return found and [status]
    status, = live.wait_until(waited, "%d stops" % pid)
    live.check(os.WIFSTOPPED(status), "%d has ended: status %d" % (pid, status))
    return status


def wait_for_fork(pid):
    """Let PID, which we trace, run until it has forked: the new child."""
    while (status := next_stop(pid)) >> 8 != signal.SIGTRAP | PTRACE_EVENT_FORK << 8:
        signal_number = os.WSTOPSIG(status)
        ptrace(PTRACE_CONT, pid, 0 if signal_number == signal.SIGTRAP else signal_number)
    child = ctypes.c_ulong()
    ptrace(PTRACE_GETEVENTMSG, pid, ctypes.addressof(child))
    return child.value


@contextlib.contextmanager
def forked(target, fork):
    """FORK() has TARGET fork: its child, which stands still before its first instruction, with
    the memory that the target had then. At the end it runs on."""
    ptrace(live.PTRACE_SEIZE, target.pid, PTRACE_O_TRACEFORK)
    fork()
    child = wait_for_fork(target.pid)
    try:
        next_stop(child)
        # it will be found waiting when the child is nobody's tracee any more
        os.kill(child, signal.SIGSTOP)
        ptrace(PTRACE_DETACH, child)
        ptrace(PTRACE_DETACH, target.pid)
        live.wait_until(lambda: live.process(child).state == "T", "the child stands still")
        yield child
    finally:
        os.kill(child, signal.SIGCONT)


def has_ended(pid):
    found = live.process(pid)
    return not found or found.state == "Z"


def by_agent(target, fork, inside, folder):
    """(the snapshot INSIDE that FORK() has the agent in TARGET write, that by pid of the child
    which writes it)."""
    by_pid = os.path.join(folder, "child.rgs")
    with forked(target, fork) as child:
        live.dump(child, by_pid)
    live.wait_until(lambda: has_ended(child), "the agent's child has ended")
    return rgs.read(inside), rgs.read(by_pid)


def needs_ancestor():
    """Whether a process may trace its descendants alone, if it does not let all do so (Yama)."""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/yama/ptrace_scope") as stream:
        return stream.read().strip() != "0" and os.geteuid() != 0
    return False


def why_not(way):
    """Why that way of capture cannot be tried here, or None."""
    if live.why_not():
        return live.why_not()
    if way == "core" and why_no_kernel_core() and not shutil.which("gcore"):
        return "no gcore here (gdb), and " + why_no_kernel_core()
    if way == "agent" and not os.path.exists(os.environ.get("REFGRAPH_AGENT", "")):
        return "$REFGRAPH_AGENT does not name the agent's library"
    if way == "agent" and needs_ancestor():
        return "only root may read the agent's child here (kernel.yama.ptrace_scope)"
    return None
