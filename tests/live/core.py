"""Core files: the graph that a pid gives; and what is refused, by name."""

import gc
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import rgs  # noqa: E402
import same  # noqa: E402
import workloads  # noqa: E402
from ways import abort, allow_core, gcore, stopped, why_no_kernel_core  # noqa: E402

N = 20000
NOT_UNDERSTOOD = 3
PAGE = 4096
NOTE = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"  # before a build-id of 20 bytes
PHDR = struct.Struct("<IIQQQQQQ")
PT_LOAD, PT_NOTE, PF_W = 1, 4, 2
ET_EXEC, EM_AARCH64, EM_386 = 2, 183, 3


# targets

def workload(name, n):
    """A process that holds a workload, and waits."""
    held = workloads.build(name, n)
    live.answer({"hold": lambda: len(held)})


class Aborting:
    """Ends the process while the collector is at it."""

    def __init__(self):
        self.me = self

    def __del__(self):
        os.abort()


def collecting():
    """One that aborts in the middle of a collection."""
    Aborting()
    live.answer({"collect": gc.collect})


def threaded(count):
    """Threads that wait, some calls deep."""
    started = threading.Barrier(count + 1)

    def wait(depth, held):
        if depth:
            wait(depth - 1, [held])
        started.wait()
        threading.Event().wait()
    for i in range(count):
        threading.Thread(target=wait, args=(i, {"number": i}), name="waiting-%d" % i,
                         daemon=True).start()
    started.wait()
    live.answer({})


needs_gcore = live.needs(lambda: shutil.which("gcore"), "no gcore here (gdb)")
needs_kernel_core = live.needs(lambda: not why_no_kernel_core(),
                               "the kernel writes no core into the current folder here")


# comparing

def dump_core(core, path, *options, warns=None):
    """A capture of CORE that must succeed; without a warning, or with one that has WARNS."""
    done = live.refgraph("dump", core, "-o", path, *options)
    live.equal(done.returncode, 0, "exit status of refgraph dump %s (%s)" % (core, done.stderr))
    live.equal(done.stdout, path + "\n", "what is on stdout")
    live.equal("warning" in done.stderr, warns is not None, "a warning (%s)" % done.stderr)
    live.check(not warns or warns in done.stderr, "no word of", warns, done.stderr)
    return rgs.read(path)


def same_graph(found, expected, what):
    live.check(len(expected.address) > 1000, "few objects:", len(expected.address))
    live.equal(list(same.differences(found, expected))[:9], [], "differences of " + what)
    live.equal(found.facts["source"], "core", "the source")
    live.check("rss" not in found.facts and "pause_ns" not in found.facts, "facts of a process")


def check_refusal(done, *words):
    said = "(exit status %d, %r)" % (done.returncode, done.stderr)
    live.check(done.returncode == NOT_UNDERSTOOD, "expected exit status", NOT_UNDERSTOOD, said)
    # before them may be a list of the files that are not here
    lines = [line for line in done.stderr.splitlines() if ": warning: " not in line]
    live.check(1 <= len(lines) <= 2, "not one line and a hint", said)
    for word in words:
        live.check(word in done.stderr, "it does not say", repr(word), said)
    live.equal(done.stdout, "", "what is on stdout")


def refuse(folder, core, *words, options=()):
    """Every command refuses CORE, and leaves no file."""
    path = os.path.join(folder, "refused.rgs")
    for arguments in (("dump", core, "-o", path), ("info", core, "--save", path)):
        check_refusal(live.refgraph(*arguments, *options), core, *words)
        live.check(not os.path.exists(path), "a file is left")


# the tests

@needs_gcore
def test_threads(folder):
    """Threads, with their names and frames"""
    with live.Target("threaded", 7, cwd=folder, preexec_fn=allow_core()) as target:
        expected = rgs.read(live.captured(stopped(target), folder))
        live.equal(len(expected.threads), 8, "threads")
        found = dump_core(gcore(target.pid, folder), os.path.join(folder, "gcore.rgs"))
        same_graph(found, expected, "threads by gcore")
        if not why_no_kernel_core():
            found = dump_core(abort(target, folder), os.path.join(folder, "kernel.rgs"))
            same_graph(found, expected, "threads by the kernel")
            live.equal(found.facts["core.signal"], signal.SIGABRT, "the signal")


@needs_kernel_core
def test_collecting(folder):
    """A crash in the middle of a collection is read with a warning"""
    with live.Target("collecting", cwd=folder, preexec_fn=allow_core()) as target:
        target.say("collect")
        live.equal(target.child.wait(live.LIMIT), -signal.SIGABRT, "how the target ended")
    core, = (os.path.join(folder, name) for name in os.listdir(folder))
    found = dump_core(core, os.path.join(folder, "x.rgs"), warns="a collection was running")
    live.check("warning.gc-running" in found.facts, "the fact of it")
    live.check(len(found.address) > 1000, "few objects:", len(found.address))


@needs_gcore
def test_commands(folder):
    """A core is a source of every command, the same each time"""
    with live.Target("workload", "mix", 5000) as target:
        saved = live.captured(stopped(target), folder)
        core = gcore(target.pid, folder)
    for words in (("info",), ("types",), ("cycles",), ("generations",), ("garbage",),
                  ("why", "workloads.Record")):
        expected = live.ask(words[0], saved, *words[1:], "--stable")
        found = live.ask(words[0], core, *words[1:], "--stable")
        live.equal(found.pop("source")["kind"], "core", "the kind of source")
        expected.pop("source")
        if words[0] == "info":
            for answer in (found, expected):
                answer.pop("file")
                answer["runtime"].pop("rss", None)
        live.equal(found, expected, "answer of " + words[0])
    first, again = (live.ask("info", core, "--no-save") for _ in "12")
    live.equal(first["source"]["name"], core, "the name of the source")
    live.equal(first["source"]["snapshot"], None, "the snapshot that is kept")
    live.equal(first["source"]["fingerprint"], again["source"]["fingerprint"], "the fingerprint")
    live.equal(first["source"]["pid"], target.pid, "the pid")
    # so numbers hold from one reading to the next
    live.equal(live.refgraph("why", core, "@12", "--no-save").stdout,
               live.refgraph("why", core, "@12", "--no-save").stdout, "object @12")
    kept = live.ask("info", core)["source"]["snapshot"]
    live.refgraph("types", core, "--no-save")
    live.check(os.path.exists(kept), "nothing is kept at", kept)
    live.equal(live.ask("info", core)["source"]["snapshot"], kept, "where it is kept")
    for words in (("info", core, "--save", core), ("dump", core, "-o", core)):
        live.equal(live.refgraph(*words).returncode, 2, "exit status of " + " ".join(words))
    live.check(os.path.getsize(core) > 1 << 20, "the core was replaced")
    done = live.refgraph("types", core, "--no-save")
    live.check("next: refgraph why %s" % core in done.stderr, "what is next:", done.stderr)
    plain = dump_core(core, os.path.join(folder, "plain.rgs"), "--no-values")
    live.check("argv" not in plain.facts, "a command line without values")


def copied_interpreter(folder):
    """A copy of the interpreter, and what it needs to run from there."""
    place = os.path.join(folder, "here")
    os.mkdir(place)
    copy = os.path.join(place, "python3")
    shutil.copy(os.path.realpath(live.PYTHON3), copy)
    home = subprocess.run([live.PYTHON3, "-c", "import sys; print(sys.base_prefix)"],
                          capture_output=True, text=True, check=True).stdout.strip()
    return copy, dict(os.environ, PYTHONHOME=home)


def copy_mapped(pid, root):
    """All libraries and executables of PID, below ROOT; their paths."""
    with open("/proc/%d/maps" % pid) as stream:
        paths = {line.split(maxsplit=5)[5].strip() for line in stream if "/" in line}
    for path in paths:
        if os.path.isfile(path):
            os.makedirs(root + os.path.dirname(path), exist_ok=True)
            shutil.copy(path, root + path)
    return paths


@needs_gcore
def test_sysroot(folder):
    """Binaries that are elsewhere, of another build, or nowhere"""
    python, environment = copied_interpreter(folder)
    root, empty = os.path.join(folder, "root"), os.path.join(folder, "empty")
    with live.Target("workload", "mix", 2000, python=python, env=environment) as target:
        expected = rgs.read(live.captured(stopped(target), folder))
        copy_mapped(target.pid, root)
        core = gcore(target.pid, folder)
        os.unlink(python)
        # now its path in a core says that it is gone
        os.mkdir(os.path.join(folder, "later"))
        later = gcore(target.pid, os.path.join(folder, "later"))
    saved = os.path.join(folder, "core.rgs")
    with open(later, "rb") as stream:
        live.check(b"python3 (deleted)" in stream.read(), "the core does not say it is gone")
    same_graph(dump_core(later, saved, "--sysroot", root), expected, "a binary that was gone")
    static = live.refgraph("dump", core, "-o", saved).returncode != 0
    if static:
        refuse(folder, core, "not here", python, "--sysroot")
    same_graph(dump_core(core, saved, "--sysroot", root), expected, "a sysroot")
    # a link in it is meant as the machine of the core saw it
    moved = os.path.join(root, "moved")
    os.rename(root + python, moved)
    os.symlink("/moved", root + python)
    same_graph(dump_core(core, saved, "--sysroot", root), expected, "a sysroot with a link")
    # another build in its place
    shutil.copy("/bin/true", python)
    refuse(folder, core, python, "another build", "build-id", "--sysroot")
    done = live.refgraph("dump", core, "-o", saved)
    live.equal(set(re.findall(r"\b[0-9a-f]{40}\b", done.stderr)),
               {build_id(python), build_id(moved)}, "ids that are named")
    same_graph(dump_core(core, saved, "--sysroot", root), expected, "a sysroot beside it")
    # no ELF file at all, a folder, a pipe that would wait
    with open(python, "w") as stream:
        stream.write("#!/bin/sh\n")
    refuse(folder, core, python, "no ELF file any more")
    os.unlink(python)
    os.mkfifo(python)
    if static:
        refuse(folder, core, "not here", python)
    # libraries that are missing are named
    os.makedirs(empty + os.path.dirname(python))
    shutil.copy(moved, empty + python)
    if static:
        found = dump_core(core, saved, "--sysroot", empty, warns="libc.so.6")
        live.check("libc.so.6" in found.facts["warning.core-missing-binary"], "the fact of it")
    os.unlink(empty + python)
    os.rmdir(empty + os.path.dirname(python))
    if static:
        refuse(folder, core, "not here", "--sysroot", options=("--sysroot", empty))
    refuse(folder, core, "not here", options=("--sysroot", os.path.join(folder, "none")))


def build_id(path):
    """The build-id of an ELF file in hexadecimal digits, or None."""
    with open(path, "rb") as stream:
        data = stream.read()
    at = data.find(NOTE)
    return data[at + len(NOTE):at + len(NOTE) + 20].hex() if at >= 0 else None


def is_elf(path):
    with open(path, "rb") as stream:
        return stream.read(4) == b"\x7fELF"


@needs_kernel_core
def test_lacking(folder):
    """All files that are not here are listed once, with their build-ids and what to do"""
    python, environment = copied_interpreter(folder)
    root, empty = os.path.join(folder, "root"), os.path.join(folder, "empty")
    place, saved = os.path.join(folder, "place"), os.path.join(folder, "x.rgs")
    for name in (empty, place):
        os.mkdir(name)
    with live.Target("workload", "mix", 2000, python=python, env=environment, cwd=place,
                     preexec_fn=allow_core()) as target:
        expected = rgs.read(live.captured(stopped(target), folder))
        elves = {path: build_id(path) for path in copy_mapped(target.pid, root)
                 if os.path.isfile(path) and is_elf(path)}
        # as an upgrade does, while the process runs
        os.unlink(python)
        core = abort(target, place)
    live.check(len(elves) > 3, "few files:", elves)
    # with what the kernel writes unless told otherwise
    same_graph(dump_core(core, saved, "--sysroot", root), expected, "a program that was deleted")
    done = live.refgraph("dump", core, "-o", saved + ".2")
    if done.returncode:
        check_refusal(done, python + " is not here (it was deleted before the core was written)",
                      elves[python], "--sysroot DIR")
        live.equal(done.stderr.count(python), 1, "lines about it (%s)" % done.stderr)
    # on a machine that has none of them
    done = live.refgraph("dump", core, "-o", saved + ".2", "--sysroot", empty)
    check_refusal(done, "--sysroot DIR")
    listed = [line for line in done.stderr.splitlines() if ": warning: " in line]
    for path, found in elves.items():
        lines = [line for line in listed if empty + path + " is not here" in line]
        live.equal(len(lines), 1, "lines about %s (%s)" % (path, done.stderr))
        live.check(lines[0].endswith("its build-id is " + found), lines[0])
    live.equal(len(listed), len(elves), "lines")
    # with some of another build, these too, and both ids
    libc = next(path for path in elves if "libc.so" in path)
    shutil.copy("/bin/true", root + libc)
    shutil.copy("/bin/false", root + python)
    done = live.refgraph("dump", core, "-o", saved + ".2", "--sysroot", root)
    check_refusal(done, "another build", "--sysroot DIR")
    listed = [line for line in done.stderr.splitlines() if ": warning: " in line]
    live.equal(len(listed), 2, "lines (%s)" % done.stderr)
    for path, line in zip((python, libc), listed):
        for word in (path, elves[path], build_id(root + path)):
            live.check(word in line, "it does not say", word, line)
    # one that matters less is a warning, with the same line
    os.unlink(root + libc)
    shutil.copy(python if os.path.exists(python) else os.path.realpath(live.PYTHON3),
                root + python)
    found = dump_core(core, saved + ".3", "--sysroot", root, warns=elves[libc])
    live.check(libc in found.facts["warning.core-missing-binary"], "the fact of it")


@needs_gcore
def test_all_memory(folder):
    """A core with all memory in it needs no file"""
    python, environment = copied_interpreter(folder)
    with live.Target("workload", "mix", 2000, python=python, env=environment) as target:
        with open("/proc/%d/coredump_filter" % target.pid, "w") as stream:
            stream.write("0x7f")
        expected = rgs.read(live.captured(stopped(target), folder))
        core = gcore(target.pid, folder)
    os.unlink(python)
    none = os.path.join(folder, "none")
    same_graph(dump_core(core, os.path.join(folder, "x.rgs"), "--sysroot", none), expected,
               "a core with all memory")


def program_headers(data):
    """Offset and fields of each: type, flags, offset, address, _, file size, size, alignment."""
    at, = struct.unpack_from("<Q", data, 32)
    count, = struct.unpack_from("<H", data, 56)
    return [(at + i * PHDR.size, list(PHDR.unpack_from(data, at + i * PHDR.size)))
            for i in range(count)]


@needs_kernel_core
def test_cut(folder):
    """A core that is cut: read where the heap is there, else refused"""
    with live.Target("workload", "mix", N, cwd=folder, preexec_fn=allow_core()) as target:
        expected = rgs.read(live.captured(stopped(target), folder))
        core = abort(target, folder)
    with open(core, "rb") as stream:
        data = stream.read()
    cut, saved = os.path.join(folder, "cut"), os.path.join(folder, "cut.rgs")

    def write(size):
        with open(cut, "wb") as out:
            out.write(data[:size])
        return cut
    # the last page is nobody's, the stack before it is of the main thread: no object is in it
    found = dump_core(write(len(data) - 2 * PAGE), saved, warns="the core is cut")
    live.check("warning.core-cut" in found.facts, "the fact of it")
    live.check(same.rows(found, "objects") == same.rows(expected, "objects"), "other objects")
    for part in (0.9, 0.5, 0.2):
        size = int(len(data) * part)
        done = live.refgraph("dump", write(size), "-o", saved)
        live.check(done.returncode in (0, NOT_UNDERSTOOD), done.returncode, done.stderr)
        if part <= 0.5:
            refuse(folder, cut, "the core is cut", "%d of %d bytes" % (size, len(data)),
                   "ulimit -c unlimited")
    for size in (100, PAGE, 2 * PAGE):
        refuse(folder, write(size), "cut")


@needs_gcore
def test_damaged(folder):
    """Damage anywhere in a core: read or refused, soon, without a crash"""
    with live.Target("workload", "mix", 300) as target:
        core = gcore(stopped(target).pid, folder)
    with open(core, "rb") as stream:
        data = stream.read()
    words = [0, 1, 8, 2 ** 63, 2 ** 64 - 1, 2 ** 32, *random.choices(
        struct.unpack("<%dQ" % (len(data) // 8), data[:len(data) // 8 * 8]), k=1000)]
    for _ in range(live.count(15, 300)):
        spoilt = bytearray(data)
        for _ in range(random.choice((1, 30, 3000))):
            at = random.randrange(len(data) // 8) * 8
            struct.pack_into("<Q", spoilt, at, random.choice(words))
        with open(core, "wb") as out:
            out.write(spoilt)
        done = live.refgraph("info", core, "--no-save")
        live.check(done.returncode in (0, NOT_UNDERSTOOD), "exit status", done.returncode,
                   done.stderr)


@needs_kernel_core
def test_ulimit(folder):
    """A core that ulimit -c has cut"""
    limit = 2 << 20
    with live.Target("workload", "mix", N, cwd=folder, preexec_fn=allow_core(limit)) as target:
        core = abort(stopped(target), folder)
    # the kernel looks at the limit only now and then
    live.check(os.path.getsize(core) < 2 * limit, "it is not cut:", os.path.getsize(core))
    refuse(folder, core, "the core is cut", "ulimit -c unlimited")


@needs_kernel_core
def test_filter(folder):
    """A core without the memory that the process changed"""
    with live.Target("workload", "mix", 2000, cwd=folder, preexec_fn=allow_core()) as target:
        with open("/proc/%d/coredump_filter" % target.pid, "w") as stream:
            stream.write("0x10")
        core = abort(stopped(target), folder)
    refuse(folder, core, "without the memory that the process changed", "coredump_filter")


@needs_gcore
def test_no_build_id(folder):
    """Without a build-id in the core its program headers are compared, and it warns"""
    with live.Target("workload", "mix", 2000) as target:
        expected = rgs.read(live.captured(stopped(target), folder))
        core = gcore(target.pid, folder)
    with open(core, "rb") as stream:
        data = bytearray(stream.read())
    # the name of each note of an id in it: "GNU" no more
    live.check(NOTE in data, "no build-id in the core")
    at = -1
    while (at := data.find(NOTE, at + 1)) >= 0:
        data[at + 12:at + 15] = b"GN_"
    with open(core, "wb") as out:
        out.write(data)
    found = dump_core(core, os.path.join(folder, "x.rgs"), warns="no build-id")
    live.check(same.rows(found, "objects") == same.rows(expected, "objects"), "other objects")
    live.check("warning.core-unsure-binary" in found.facts, "the fact of it")


@needs_gcore
def test_refused(folder):
    """What is no core of a Python here is refused by its name"""
    child = subprocess.Popen(["sleep", "1000"])
    try:
        live.wait_until(lambda: live.process(child.pid).name == "sleep", "it is sleep")
        core = gcore(child.pid, folder)
    finally:
        child.kill()
        child.wait()
    refuse(folder, core, "'sleep'", "not a CPython process")
    with open(core, "rb") as stream:
        data = stream.read()
    path = os.path.join(folder, "crafted")

    def craft(words, content=data, **fields):
        content = bytearray(content)
        for name, value in fields.items():
            at, form = {"kind": (4, "B"), "order": (5, "B"), "type": (16, "<H"),
                        "machine": (18, "<H"), "entry": (54, "<H")}[name]
            struct.pack_into(form, content, at, value)
        with open(path, "wb") as out:
            out.write(content)
        refuse(folder, path, *words)
    craft(["AArch64", "x86-64"], machine=EM_AARCH64)
    craft(["32-bit x86"], machine=EM_386, kind=1)
    craft(["x32"], kind=1)
    craft(["machine 4711"], machine=4711)
    craft(["big-endian"], order=2)
    craft(["an executable, not a core file"], type=ET_EXEC)
    craft(["program headers"], entry=32)
    craft(["cut in its ELF header"], content=data[:40])
    refuse(folder, os.path.realpath(live.PYTHON3), "executable", "not a core file")
    # only a capture takes what is no ELF file for a core
    for content, word in ((b"", "empty"), (b"hello\n", "no ELF header"),
                          (b"\x28\xb5\x2f\xfd....", "zstd -d"), (b"\x1f\x8b....", "gzip -d")):
        with open(path, "wb") as out:
            out.write(content)
        done = live.refgraph("dump", path, "-o", os.path.join(folder, "x.rgs"))
        check_refusal(done, path, word)
    if shutil.which("gzip"):
        subprocess.run(["gzip", core], check=True)
        check_refusal(live.refgraph("info", core + ".gz"), "gzip -d")
    if shutil.which("zstd"):
        with open(path, "wb") as out:
            out.write(data)
        subprocess.run(["zstd", "-q", path], check=True)
        check_refusal(live.refgraph("info", path + ".zst"), "zstd -d")


def interpreters():
    """path -> version of the Pythons in $RG_PYTHONS and PATH that are not supported."""
    paths = os.environ.get("RG_PYTHONS", "").split()
    paths += filter(None, (shutil.which("python3.%d" % minor) for minor in range(8, 16)))
    found = {}
    for path in paths:
        done = subprocess.run([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                              capture_output=True, text=True, timeout=60)
        if done.returncode == 0 and done.stdout.strip() != "3.11":
            found[path] = done.stdout.strip()
    return found


@live.needs(lambda: shutil.which("gcore") and interpreters(),
            "no gcore (gdb), or no other Python in $RG_PYTHONS or PATH")
def test_other_versions(folder):
    """A core of a Python of another version is refused by name"""
    for path, version in sorted(interpreters().items()):
        child = subprocess.Popen([path, "-u", "-c", "print('ready'); input()"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            live.equal(child.stdout.readline(), "ready\n", path)
            core = gcore(child.pid, folder)
        finally:
            child.kill()
            child.communicate()
        refuse(folder, core, "CPython " + version)
        os.unlink(core)


# targets run in folders of their own: the kernel writes a core into the current one
sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_threads, test_collecting, test_commands, test_sysroot,
          test_lacking, test_all_memory, test_cut, test_damaged, test_ulimit, test_filter, test_no_build_id,
          test_refused, test_other_versions)
