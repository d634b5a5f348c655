"""A process that is watched: what grows is said to, what does not is not, and it ends as it should."""

import array
import fcntl
import itertools
import json
import os
import pty
import random
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time
import xml.etree.ElementTree
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import failing  # noqa: E402
import live  # noqa: E402

LIMIT = 500             # objects that --until waits for
HEIGHT, WIDTH = 14, 90  # of a terminal


class Session:
    def __init__(self, number):
        self.number, self.data = number, [number]


class Entry:
    """In a cache, that is emptied when it is full."""


class Request:
    """More or fewer at any time."""


class Setting:
    """Made while the program starts."""


# targets

def working(*kinds):
    """A thread for each of KINDS, from the moment it is told to go."""
    go, sessions, moments = threading.Event(), [], array.array("d")

    def leak():
        while True:
            sessions.extend([Session(number) for number in range(5)])
            moments.append(time.monotonic())
            time.sleep(0.01)

    def reached(counts):
        """When there were so many sessions, by the clock of this process."""
        return [moments[min(count // 5, len(moments)) - 1] for count in counts]

    def fill():
        cache = []
        while True:
            cache.extend([Entry() for _ in range(10)])
            if len(cache) >= 500:
                cache.clear()
            time.sleep(0.01)

    def serve():
        while True:
            open_requests = [Request() for _ in range(random.randrange(300, 500))]
            time.sleep(0.02)
            del open_requests

    def start():
        settings = []
        for _ in range(40):
            settings.extend([Setting() for _ in range(20)])
            time.sleep(0.02)
        threading.Event().wait()

    def work(kind):
        go.wait()
        kind()
    for kind in kinds:
        threading.Thread(target=work, args=({"leak": leak, "fill": fill, "serve": serve,
                                             "start": start}[kind],), daemon=True).start()
    live.answer({"go": go.set, "sessions": lambda: len(sessions),
                 "reached": reached})


# tests

def target(*kinds):
    return live.Target("working", *kinds)


def read(path):
    with open(path) as file:
        return json.load(file)


def watched(pid, folder, *options, **more):
    """The series of a watch, and what it said."""
    path = os.path.join(folder, "series.json")
    done = live.refgraph("watch", pid, "-o", path, *options, **more)
    live.equal(done.returncode, 0, "status: " + done.stderr)
    return read(path), done


def started(pid, *options, **more):
    return subprocess.Popen([*live.REFGRAPH, "watch", str(pid), *options], text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, preexec_fn=live.listen, **more)


def median_pace(counts, times):
    """By minute, of any two of the COUNTS that were reached at TIMES."""
    both = itertools.combinations(zip(counts, times), 2)
    return 60 * statistics.median((b - a) / (t - s) for (a, s), (b, t) in both if t > s)


def row_of(answer, name):
    return next((row for row in answer["types"]["rows"] if row["type"] == "__main__." + name), None)


def test_leak(folder):
    """What leaks is the first type, grows, and at the pace that it has"""
    with target("leak", "fill", "serve") as process:
        process.ask("go")
        answer, done = watched(process.pid, folder, "--every", "150ms", "--count", "14")
        first = answer["types"]["rows"][0]
        live.equal((first["type"], first["trend"]), ("__main__.Session", "grows"), "the first")
        pace = median_pace(first["series"], process.ask("reached", first["series"]))
    live.check(first["p"] < 0.01, "p:", first["p"])
    live.check(abs(first["per_minute"] - pace) < 0.1 * pace, first["per_minute"], "not", pace)
    live.equal(first["series"], sorted(first["series"]), "the series")
    live.equal(first["delta"], first["series"][-1] - first["series"][0], "the growth")
    live.equal((answer["ended"], answer["samples"]["shown"]), ("count", 14), "the end")
    live.check(all(sample["rss"] > 1 << 20 for sample in answer["samples"]["rows"]), "no rss")
    lines = done.stdout.splitlines()
    live.equal(len(lines), 14, "lines")
    live.check(re.fullmatch(r"[-\d]+ [:\d]+  RSS +[\d.]+ MiB +[\d,]+ objects .* MiB  "
                            r"__main__\.Session \+[\d,]+, grows", lines[-1]), lines[-1])
    for name in ("Entry", "Request"):
        live.check(row_of(answer, name)["trend"] != "grows", row_of(answer, name))


def test_no_wolf(folder):
    """A cache, what comes and goes, and a start: none of it grows, and the start is steady"""
    with target("fill", "serve", "start") as process:
        process.ask("go")
        answer, _ = watched(process.pid, folder, "--every", "150ms", "--count", "30",
                            "--limit", "1000")
    growing = [(row["type"], row["p"], row["series"]) for row in answer["types"]["rows"]
               if row["trend"] == "grows"]
    live.equal((growing, answer["growing"]), ([], 0), "what grows")
    live.equal(row_of(answer, "Setting")["trend"], "steady", "what is made at the start")
    live.equal(row_of(answer, "Entry")["trend"], "noise", "the cache")


def test_until(folder):
    """It stops when the condition holds, and keeps that moment"""
    cache = dict(os.environ, XDG_CACHE_HOME=os.path.join(folder, "cache"))
    condition = "type=__main__.Session and count>%d" % LIMIT
    with target("leak") as process:
        process.ask("go")
        answer, done = watched(process.pid, folder, "--every", "100ms", "--until", condition,
                               env=cache)
    counts = row_of(answer, "Session")["series"]
    live.equal((answer["ended"], answer["until"]), ("until", condition), "the end")
    live.check(counts[-1] > LIMIT and max(counts[:-1], default=0) <= LIMIT, counts)
    live.check("holds: count is %d" % counts[-1] in done.stderr, done.stderr)
    kept = re.search(r"next: refgraph \S+ (\S+)", done.stderr).group(1)
    live.equal(live.ask("types", kept, "__main__.Session")["types"]["rows"][0]["count"],
               counts[-1], "what was kept")
    with target("leak") as process:     # of none so far
        watch = started(process.pid, "Session", "--every", "100ms", "--until",
                        "rss>1k and count>10", "--no-save")
        live.check(" 0 objects" in watch.stdout.readline(), "objects at first")
        process.ask("go")
        _, err = watch.communicate(timeout=live.LIMIT)
        live.equal(watch.returncode, 0, err)
        live.check("holds: rss is " in err and "MiB, count is " in err, err)


def test_until_later(folder):
    """A type that is not there yet is told of once, and waited for"""
    with target("leak") as process:
        watch = started(process.pid, "--every", "100ms", "--until", "type=Sesion and count>1",
                        "--no-save")
        line = watch.stderr.readline()
        live.check("a type called 'Sesion', so far; did you mean" in line, line)
        time.sleep(0.5)
        watch.send_signal(signal.SIGINT)
        out, err = watch.communicate(timeout=live.LIMIT)
        live.equal((watch.returncode, err), (0, ""), "the end")
        done = live.refgraph("watch", process.pid, "Sesion", "--count", "2")
        live.equal(done.returncode, 2, done.stderr)


def test_end_of_process(folder):
    """The process ends: that is told at once, with the answer of what was seen"""
    with target("leak") as process:
        watch = started(process.pid, "--every", "60s", "--no-save")
        live.check("RSS" in watch.stdout.readline(), "no line")
        time.sleep(0.2)
        process.end()
        start = time.monotonic()
        out, err = watch.communicate(timeout=live.LIMIT)
        live.check(time.monotonic() - start < 5, "it took long")
        live.equal(watch.returncode, 0, err)
        live.equal(err, "refgraph: pid %d has ended, after 1 capture\n" % process.pid, "said")
        live.check("too few captures for a trend" in out, out)
        done = live.refgraph("watch", process.pid)
        live.equal(done.returncode, 4, done.stderr)


def test_interrupt(folder):
    """Ctrl-C, or SIGTERM: the answer is given, and the process runs on"""
    for number in (signal.SIGINT, signal.SIGTERM):
        path = os.path.join(folder, "out.json")
        with target("leak") as process:
            process.ask("go")
            watch = started(process.pid, "--every", "100ms", "--no-save", "-o", path)
            for _ in range(3):
                watch.stdout.readline()
            watch.send_signal(number)
            _, err = watch.communicate(timeout=live.LIMIT)
            live.equal((watch.returncode, err), (0, "refgraph: wrote %s\n" % path), "the end")
            before = process.ask("sessions")
            live.wait_until(lambda: process.ask("sessions") > before, "it runs on")
        live.equal(read(path)["ended"], "signal", "ended by")
        live.check(read(path)["samples"]["shown"] >= 3, "samples")


def is_png(path):
    """Whether all of it is what it says."""
    data = open(path, "rb").read()
    live.equal(data[:8], b"\x89PNG\r\n\x1a\n", "the signature")
    at, kinds = 8, []
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        live.equal(zlib.crc32(data[at + 4:at + 8 + length]),
                   struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0], "a checksum")
        kinds.append(kind)
        at += length + 12
    live.equal((kinds[0], kinds[-1]), (b"IHDR", b"IEND"), "the parts")


def peak(pid, *options, **more):
    """The most memory that a watch had, in KiB."""
    watch = started(pid, *options, **more)
    watch.stdout.read()
    _, status, usage = os.wait4(watch.pid, 0)
    live.equal(status, 0, watch.stderr.read())
    watch.returncode = 0
    return usage.ru_maxrss


def test_nothing_left(folder):
    """30 captures leave no file behind but what was asked for, and take no more memory than 3"""
    for name in ("cache", "tmp", "here"):
        os.mkdir(os.path.join(folder, name))
    here = os.path.join(folder, "here")
    more = {"cwd": here, "env": dict(os.environ, XDG_CACHE_HOME=os.path.join(folder, "cache"),
                                     TMPDIR=os.path.join(folder, "tmp"))}
    with target("leak", "serve") as process:
        process.ask("go")
        few = peak(process.pid, "--every", "50ms", "--count", "3", "--no-save", **more)
        many = peak(process.pid, "--every", "50ms", "--count", "30", "--no-save", "-o", "s.svg",
                    **more)
        left = sorted(os.path.join(where, name) for where, _, names in os.walk(folder)
                      for name in names)
        live.equal(left, [os.path.join(here, "s.svg")], "files")
        # a sanitizer keeps what was freed
        live.check(many < 2 * few or failing.is_sanitized(), "memory:", few, "KiB, then", many)
        done = live.refgraph("watch", process.pid, "--every", "50ms", "--count", "3", "-o",
                             "s.png", **more)
        live.equal(done.returncode, 0, done.stderr)
        kept = os.listdir(os.path.join(folder, "cache", "refgraph"))
        live.equal(len(kept), 1, "captures in the cache: %s" % kept)
    root = xml.etree.ElementTree.parse(os.path.join(here, "s.svg")).getroot()
    live.equal(root.tag, "{http://www.w3.org/2000/svg}svg", "the root")
    live.check("Session grows by" in root.get("aria-label"), root.attrib)
    is_png(os.path.join(here, "s.png"))


def test_keep(folder):
    """Every capture is kept where that is asked for; one that fails in between is told"""
    captures = os.path.join(folder, "captures")
    with target("leak") as process:
        process.ask("go")
        done = live.refgraph("watch", process.pid, "--every", "50ms", "--count", "3", "--keep",
                             captures)
        live.equal(done.returncode, 0, done.stderr)
        paths = [os.path.join(captures, "refgraph-%d-%d.rgs" % (process.pid, number))
                 for number in (1, 2, 3)]
        live.equal(sorted(os.listdir(captures)), [os.path.basename(path) for path in paths], "kept")
        live.equal(os.stat(captures).st_mode & 0o777, 0o700, "the folder's mode")
        live.check(all(os.stat(path).st_mode & 0o777 == 0o600 for path in paths), "a mode")
        live.check("next: refgraph diff %s %s" % (paths[0], paths[2]) in done.stderr, done.stderr)
        watch = started(process.pid, "--every", "200ms", "--keep", os.path.join(folder, "other"))
        watch.stdout.readline()
        os.rename(os.path.join(folder, "other"), os.path.join(folder, "away"))
        line = watch.stderr.readline()
        live.check("warning: a capture failed, the next is tried: " in line, line)
        os.rename(os.path.join(folder, "away"), os.path.join(folder, "other"))
        watch.stdout.readline()
        watch.send_signal(signal.SIGINT)
        _, err = watch.communicate(timeout=live.LIMIT)
        live.equal(watch.returncode, 0, err)
        live.check("wolf" not in err and "next: refgraph diff" in err, err)


def frames(pid, count):
    """What a terminal is told: the tables that were drawn, one in the place of the other."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    watch = subprocess.Popen([*live.REFGRAPH, "watch", str(pid), "--every", "100ms", "--count",
                              str(count), "--no-save"], stdin=subprocess.DEVNULL, stdout=theirs,
                             stderr=subprocess.PIPE)
    os.close(theirs)
    said = b""
    while select.select([ours], [], [], live.LIMIT)[0]:
        try:
            data = os.read(ours, 1 << 16)
        except OSError:         # the other end is closed
            break
        if not data:
            break
        said += data
    os.close(ours)
    live.equal((watch.wait(live.LIMIT), watch.stderr.read()), (0, b""), "status")
    watch.stderr.close()
    return said.decode().replace("\r\n", "\n")


def test_terminal(folder):
    """On a terminal the table is drawn in its place, and fits"""
    with target("leak", "fill", "serve") as process:
        process.ask("go")
        said = frames(process.pid, 8)
    drawn = re.split("\x1b\\[(\\d+)A\r\x1b\\[J", said)
    # eight times, and once more at the end
    tables, ups = drawn[::2], drawn[1::2]
    live.equal(len(tables), 9, "tables")
    for table, up in zip(tables, ups):
        live.equal(table.count("\n"), int(up), "lines to go up")
        live.check(int(up) < HEIGHT, up, "lines")
        live.check(all(len(line) <= WIDTH for line in table.split("\n")), table)
    live.check("__main__.Session grows by" in tables[-1], tables[-1])
    live.check("\x1b" not in "".join(tables), "more is said to the terminal")


sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_leak, test_no_wolf, test_until, test_until_later, test_end_of_process,
          test_interrupt, test_nothing_left, test_keep, test_terminal)
