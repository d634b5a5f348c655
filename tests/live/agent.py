"""The agent: a process that writes its own snapshot, the same as one that is taken from outside."""

import contextlib
import ctypes.util
import os
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import rgs  # noqa: E402
import same  # noqa: E402
import trusted  # noqa: E402
import ways  # noqa: E402
import workloads  # noqa: E402

N = 20000
NOT_UNDERSTOOD, USAGE = 3, 2
sys.path.insert(0, os.path.dirname(os.environ["REFGRAPH_AGENT_FOLDER"]))


# targets

def workload(name, n):
    import refgraph
    held = workloads.build(name, n)
    live.answer({"hold": lambda: len(held), "dump": refgraph.dump,
                 "ignore": lambda: bool(signal.signal(signal.SIGCHLD, signal.SIG_IGN)),
                 "refuse": lambda path: refused(refgraph, path)})


def refused(refgraph, path):
    try:
        refgraph.dump(path)
    except refgraph.Error as error:
        return str(error)
    return None


def busy(count):
    """Threads that count, one of which also dumps."""
    import refgraph
    counts = [0] * count
    ended = threading.Event()

    def work(i):
        while not ended.is_set():
            made = [{"i": j} for j in range(50)]
            made.append(made)
            counts[i] += 1
    for i in range(count):
        threading.Thread(target=work, args=(i,), daemon=True).start()
    live.answer({"counts": lambda: list(counts), "dump": refgraph.dump,
                 "children": lambda: len(live.children(os.getpid()))})


def tested():
    """What no_new_cycles() says of a block that makes cycles, and of one that makes none."""
    import refgraph

    class Ring:
        pass

    def ring():
        made = Ring()
        made.me = made

    def said(block, selection):
        try:
            with refgraph.no_new_cycles(selection):
                block()
        except refgraph.CycleError as error:
            return str(error)
        return None
    live.answer({"none": lambda: said(list, None), "ring": lambda: said(ring, None),
                 "of": lambda name: said(ring, name)})


PROGRAM = """
import os, sys, time, signal
class Session: pass
kept = [Session() for _ in range(500)]
for one in kept:
    one.me = one
what = sys.argv[1]
if what == "grow":
    large = bytearray(150 << 20)
    time.sleep(1)
if what == "signal":
    os.kill(os.getpid(), signal.SIGUSR2)
if what == "hard":
    os._exit(0)
assert not [name for name in os.environ if name.startswith(("REFGRAPH_DUMP", "REFGRAPH_LD"))]
assert os.environ.get("LD_PRELOAD") == (sys.argv[2] if len(sys.argv) > 2 else None)
assert not set(globals()) - {"os", "sys", "time", "signal", "Session", "kept", "one", "what"} - {
    "large"} - {name for name in globals() if name.startswith("__")}, list(globals())
print("it ran")
sys.exit(7 if what == "fail" else 0)
"""


# tests

@live.needs(lambda: not ways.why_not("agent"), "the agent's child cannot be read here")
def test_every_interpreter(folder):
    """On every interpreter: what the child that writes it is from outside, to the last record"""
    for version, python in trusted.interpreters():
        with live.Target("workload", "few", N, python=python) as target:
            path = os.path.join(folder, "inside.rgs")
            found, by_pid = ways.by_agent(
                target, lambda: target.say("dump", path), path, folder)
            live.equal(target.hear(), path, "what dump() returns")
            live.equal(found.facts["source"], "agent", "the source")
            live.equal(found.facts["pid"], target.pid, "the pid")
            live.equal(found.facts["version"], version, "the version")
            live.equal(list(same.differences(found, by_pid))[:9], [], "differences in " + version)
            live.equal(target.ask("hold") > 0, True, "the target lives")
        print("# %s: %d objects" % (version, len(found.address)))


def test_threads(folder):
    """Threads run on while it writes; no child and no part of a file stays"""
    path = os.path.join(folder, "busy.rgs")
    with live.Target("busy", 8) as target:
        before = target.ask("counts")
        for _ in range(live.count(20, 300)):
            target.ask("dump", path)
        after = target.ask("counts")
        live.check(all(b > a for a, b in zip(before, after)), "a thread is stuck", before, after)
        live.equal(target.ask("children"), 0, "children that are left")
        live.equal(os.listdir(folder), ["busy.rgs"], "files")
        snapshot = rgs.read(path)
        live.equal(snapshot.damage, None, "damage")
        live.check(int(snapshot.facts["pause_ns"]) < 1e9, "pause", snapshot.facts["pause_ns"])


def test_refused(folder):
    """What cannot be written is an Error with the reason"""
    with live.Target("workload", "fan", 100) as target:
        said = target.ask("refuse", os.path.join(folder, "none", "a.rgs"))
        live.check(said and "none/a.rgs" in said and "No such file" in said, "said:", said)
        said = target.ask("refuse", folder)
        live.check(said, "a folder was written to")
        # then the system keeps no exit status of the child
        target.ask("ignore")
        said = target.ask("refuse", os.path.join(folder, "none", "a.rgs"))
        live.check(said and "No such file" in said, "said without a status:", said)
        live.equal(os.listdir(folder), [], "files")
        target.ask("dump", os.path.join(folder, "a.rgs"))
    live.equal(os.listdir(folder), ["a.rgs"], "files")


def test_no_new_cycles(folder):
    """no_new_cycles() raises where cycles appear, of the selection that is asked for"""
    with live.Target("tested") as target:
        live.equal(target.ask("none"), None, "a block that makes no cycle")
        said = target.ask("ring")
        live.check(said and "Ring.me" in said, "said:", said)
        live.check("Ring.me" in (target.ask("of", "*Ring") or ""), "a selection of it")
        live.equal(target.ask("of", "OrderedDict"), None, "a selection of others")


def run(folder, *words, options=(), environment=None, python=(live.PYTHON3,)):
    program, path = os.path.join(folder, "program.py"), os.path.join(folder, "a.rgs")
    with open(program, "w") as out:
        out.write(PROGRAM)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    done = live.refgraph("dump", "-o", path, *options, "--", *python, program, *words,
                         env={**os.environ, **(environment or {})})
    return done, path


def sessions(path):
    snapshot = rgs.read(path)
    return sum(snapshot.type_name(kind) == "__main__.Session" for kind in snapshot.type)


def test_command(folder):
    """dump -- COMMAND: at the exit, at a signal, past a bound; the program is none the wiser"""
    for version, python in trusted.interpreters():
        for options in ((), ("-I", "-S", "-E")):
            done, path = run(folder, "end", python=(python, *options))
            live.equal((done.returncode, done.stdout), (0, "it ran\n" + path + "\n"),
                       done.stderr)
            live.equal(sessions(path), 500, "objects in " + version)
    for words, options in ((["signal"], ["--on", "signal"]), (["grow"], ["--on", "rss=100M"])):
        done, path = run(folder, *words, options=options)
        live.equal(done.returncode, 0, done.stderr)
        live.equal(sessions(path), 500, "objects at " + words[0])
    other = ctypes.util.find_library("m")
    done, path = run(folder, "end", other, environment={"LD_PRELOAD": other})
    live.check(done.returncode == 0 and "ERROR" not in done.stderr, done.stderr)
    done, path = run(folder, "fail")
    live.equal(done.returncode, 0, "the snapshot is there, " + done.stderr)
    live.check("ended with exit status 7" in done.stderr, done.stderr)


def test_preload(folder):
    """By hand, however Python is started; what it starts, and what is no Python, is left alone"""
    path = os.path.join(folder, "a.rgs")
    environment = {**os.environ, "LD_PRELOAD": os.environ["REFGRAPH_AGENT"],
                   "REFGRAPH_DUMP": path}
    child = "import os; assert 'LD_PRELOAD' not in os.environ"
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', %r], check=True)" % child
    for words, text in ((["-c", code], ""), (["-I", "-S", "-E", "-c", "pass"], ""),
                        (["-m", "this"], ""), (["-"], code)):
        done = subprocess.run([live.PYTHON3, *words], env=environment, input=text, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        live.equal((done.returncode, done.stderr), (0, ""), " ".join(words))
        live.equal(live.ask("info", path)["source"]["complete"], True, " ".join(words))
        os.unlink(path)
    done = subprocess.run(["/bin/sh", "-c", "echo it ran"], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    live.equal((done.stdout, done.stderr, os.path.exists(path)), ("it ran\n", "", False), "sh")


def test_command_refused(folder):
    """A command that leaves no snapshot is told so, with the reason"""
    done, path = run(folder, "hard")
    live.equal(done.returncode, NOT_UNDERSTOOD, done.stderr)
    live.check("ended without a snapshot" in done.stderr, done.stderr)
    done = live.refgraph("dump", "-o", path, "--", "no-such-command")
    live.equal(done.returncode, USAGE, done.stderr)
    done = live.refgraph("dump", "--on", "full moon", "--", "true")
    live.equal(done.returncode, USAGE, done.stderr)
    live.check("rss=" in done.stderr, done.stderr)


sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_every_interpreter, test_threads, test_refused, test_no_new_cycles, test_command,
          test_preload, test_command_refused)
