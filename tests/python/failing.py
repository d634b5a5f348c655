"""Runs of the command in which allocations fail, and what must hold of each of them.

An allocation that fails is answered in one of two ways: the answer is whole all the same, to the
byte, or the exit status is 5 and a line says that memory ran out. No other status, no signal, no
hang; no file that is not whole, and none that is left behind.
"""

import concurrent.futures
import contextlib
import os
import subprocess
import tempfile
import threading

BUILD = os.environ.get("builddir") or os.getcwd()
REFGRAPH = os.environ.get("REFGRAPH") or os.path.join(BUILD, "refgraph")
LIBRARY = os.path.join(BUILD, "tests", "inject", ".libs", "failing.so")
THOROUGH = bool(os.environ.get("RG_THOROUGH"))
LIMIT = 60              # seconds after which a run hangs
FIRST, SAMPLE = 200, 25  # all of the first allocations, then so many of the others

MODES = {"once": "0", "on": "1"}
mine = threading.local()


def is_sanitized():
    """Whether the command has the allocator of AddressSanitizer, and its use of memory."""
    with open(REFGRAPH, "rb") as stream:
        return b"__asan_init" in stream.read()


def why_not():
    """Why no allocation can be made to fail here, or None."""
    if not os.path.exists(LIBRARY):
        return "tests/inject/failing.so is not built"
    return "the sanitizer has an allocator of its own" if is_sanitized() else None


class Run:
    """One run of WORDS in a folder of its own: its status, its streams, the files it leaves."""

    def __init__(self, words, at=None, mode="once", locale="C.UTF-8", inputs=None, where=None):
        places = own_places()
        environment = dict(os.environ, LC_ALL=locale, TMPDIR=places["tmp"],
                           XDG_CACHE_HOME=places["cache"], LD_PRELOAD=LIBRARY)
        if at:
            environment.update(RG_FAIL_AT=str(at), RG_FAIL_ON=MODES[mode])
        if where:
            environment["RG_FAIL_IN"] = where
        with contextlib.ExitStack() as opened:
            source = opened.enter_context(open(inputs or os.devnull, "rb"))
            counted = opened.enter_context(tempfile.TemporaryFile())
            if not at:
                environment["RG_FAIL_COUNT"] = str(counted.fileno())
            try:
                done = subprocess.run([REFGRAPH, *words], cwd=places["output"], env=environment,
                                      pass_fds=() if at else (counted.fileno(),), stdin=source,
                                      capture_output=True, timeout=LIMIT)
                self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
            except subprocess.TimeoutExpired:
                self.status, self.out, self.err = None, b"", b"it hangs"
            self.allocations = 0 if at else int(os.pread(counted.fileno(), 20, 0) or 0)
        self.files = take(places["output"])
        self.left = list(take(places["tmp"]))
        self.kept = take(places["cache"])


def own_places():
    """The folders in which this thread's runs write."""
    if not hasattr(mine, "folder"):
        mine.folder = tempfile.TemporaryDirectory(prefix="refgraph-inject-")
        mine.places = {name: os.path.join(mine.folder.name, name)
                       for name in ("output", "tmp", "cache")}
        for place in mine.places.values():
            os.mkdir(place)
    return mine.places


def take(folder):
    """The files below FOLDER and their bytes; they are removed."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as stream:
                found[os.path.relpath(path, folder)] = stream.read()
            os.unlink(path)
    return found


class Command:
    """A command whose allocations fail, one after the other."""

    def __init__(self, *words, inputs=None):
        self.words, self.inputs = words, inputs
        self.name = " ".join(os.path.basename(word) for word in words)
        self.whole = [Run(words, locale=locale, inputs=inputs)
                      for locale in ("C.UTF-8", "C")]
        self.count = max(run.allocations for run in self.whole)

    def moments(self):
        """Which allocations fail, one a run."""
        if THOROUGH or self.count <= FIRST + SAMPLE:
            return range(1, self.count + 1)
        step = (self.count - FIRST) / SAMPLE
        return [*range(1, FIRST + 1),
                *(FIRST + 1 + int(i * step) for i in range(SAMPLE - 1)), self.count]

    def problem(self, run):
        """What is wrong with RUN, or None."""
        whole = [w for w in self.whole
                 if (run.status, run.out, run.files) == (w.status, w.out, w.files)]
        if run.left:
            return "temporary files are left: %s" % run.left
        if run.status == 5 and not whole:
            if b"out of memory" not in run.err:
                return "status 5 and no line that says out of memory: %r" % run.err
            return "files are left: %s" % list(run.files) if run.files else None
        if run.status is None or run.status < 0:
            return "signal or hang: %s %r" % (run.status, run.err)
        if not whole:
            return "status %d, and not what it is with memory: %s%r %s %r" % (
                run.status, self.difference(run), run.out[-200:], list(run.files), run.err)
        said = set().union(*(w.err.splitlines() for w in self.whole))
        new = [line for line in run.err.splitlines() if line not in said]
        return "it says what is not so: %r" % new if new else None

    def difference(self, run):
        """Where its output leaves the one that it should be."""
        want = self.whole[0].out
        same = os.path.commonprefix([want, run.out])
        if want == run.out:
            return ""
        return "at byte %d of %d: %r, not %r; " % (
            len(same), len(want), run.out[len(same):len(same) + 40],
            want[len(same):len(same) + 40])

    def attempt(self, at, mode):
        said = self.problem(Run(self.words, at, mode, inputs=self.inputs))
        return said and "allocation %d of %d (%s): %s" % (at, self.count, mode, said)


def check(commands):
    """Run them all, speaking TAP."""
    print("1..%d" % len(commands), flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max(2, min(4, os.cpu_count() or 1))) as pool:
        for number, make in enumerate(commands, 1):
            command = make()
            runs = [pool.submit(command.attempt, at, mode)
                    for mode in MODES for at in command.moments()]
            said = [run.result() for run in runs]
            said = [line for line in said if line]
            if not command.count:
                said.append("no allocation is counted")
            print("%s %d - %s: %d allocations" % ("not ok" if said else "ok", number,
                                                  command.name, command.count))
            for line in said[:10]:
                print("# " + line)
            print("# %d of %d runs failed" % (len(said), len(runs)), flush=True)
            failed += bool(said)
    return failed
