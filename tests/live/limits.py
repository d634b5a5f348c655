"""Interruption and limits: no part of a file, no stuck target, the right exit status."""

import os
import random
import resource
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import failing  # noqa: E402
import live  # noqa: E402

GRACE = 30              # seconds in which everything must be gone, on any machine
OBJECTS = 200000
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
MIB = 1 << 20
COMMANDS = ("info", "types", "cycles")


# what the tests ask

HEAP = 30000             # lists in the target
ticking = live.ticking


def write_text(path, count):
    """NDJSON of COUNT objects in cycles of five; every one is held by the first."""
    with open(path, "w") as out:
        for i in range(1, count + 1):
            ring = i - (i - 1) % 5
            to = [ring + (i - ring + 1) % 5] + ([i + 5] if i == ring and i + 5 <= count else [])
            out.write('{"id":%d,"type":"app.T%d","size":64,"refcount":2,"generation":2,'
                      '"references":%s}\n' % (i, i % 50, to))
        out.write('{"record":"root","target":1,"name":"globals"}\n')


class Big:
    """A snapshot of OBJECTS objects, and the text it was made of; written once."""

    text = path = None

    @classmethod
    def make(cls):
        if not cls.path:
            folder = os.path.join(os.environ.get("builddir") or os.getcwd(), "tests", "live",
                                  "limits.data")
            os.makedirs(folder, exist_ok=True)
            cls.text, cls.path = (os.path.join(folder, name) for name in ("x.ndjson", "x.rgs"))
            write_text(cls.text, OBJECTS)
            done = live.refgraph("import", cls.text, "-o", cls.path)
            live.equal(done.returncode, 0, "exit status of import (%s)" % done.stderr)
            # another user reads them, too
            os.chmod(cls.path, 0o644)
            os.chmod(cls.text, 0o644)
        return cls


def remove_big():
    for path in filter(None, (Big.text, Big.path)):
        os.unlink(path)
        if not os.listdir(os.path.dirname(path)):
            os.rmdir(os.path.dirname(path))


def places(folder):
    """Folders for the outputs, the temporary files and the cache, and an environment of them."""
    made = {name: os.path.join(folder, name) for name in ("output", "tmp", "cache")}
    for place in made.values():
        os.makedirs(place, exist_ok=True)
    return made, dict(os.environ, TMPDIR=made["tmp"], XDG_CACHE_HOME=made["cache"])


def files(folder):
    return sorted(os.path.relpath(os.path.join(place, name), folder)
                  for place, _, names in os.walk(folder) for name in names)


def content(path):
    with open(path, "rb") as stream:
        return stream.read()


def reset():
    """As of a shell in the foreground, whatever make check runs under."""
    live.listen()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def limited(limits, *words, user=None, **options):
    """Run the command under LIMITS, pairs of a resource and its most, perhaps as another USER."""
    def limit():
        reset()
        if user:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
        for what, most in limits:
            resource.setrlimit(what, (most, most))
    return subprocess.run([*live.REFGRAPH, *map(str, words)], stdin=subprocess.DEVNULL,
                          stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE,
                          text=True, timeout=live.LIMIT, preexec_fn=limit, **options)


NOBODY = 65534 if os.geteuid() == 0 else None       # root is not limited by all limits


def can_be_nobody():
    return not NOBODY or limited([], "info", Big.make().path, user=NOBODY).returncode == 0


def check_runs(target):
    live.wait_until(lambda: live.none_left(target.pid), "the command's processes are gone", GRACE)
    live.equal(live.children(target.pid), [], "children of the target")
    live.wait_until(lambda: not live.is_traced(target.pid), "the target has no tracer", GRACE)
    before = target.ask("ticks", seconds=GRACE)
    live.wait_until(lambda: target.ask("ticks", seconds=GRACE) > before, "it counts on", GRACE)
    live.equal(target.ask("wait"), "ECHILD", "waitpid(-1) of the target")


def check_error(done, status, *said):
    """Exit STATUS, with lines that begin as ours do and hold what is SAID."""
    live.equal(done.returncode, status, "exit status (%s)" % done.stderr)
    for line in done.stderr.splitlines():
        live.check(line.startswith(("refgraph: ", '{"code":')), "a line that is not ours:", line)
    for text in said:
        live.check(text in done.stderr, "%r is not said:" % text, done.stderr)


# interruption

def interrupt(words, number, moment, folder):
    """Send NUMBER to the command at MOMENT; its exit status and what is in the files it left."""
    made, environment = places(folder)
    command = subprocess.Popen([*live.REFGRAPH, *map(str, words)], cwd=made["output"],
                               env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               preexec_fn=reset)
    time.sleep(moment)
    command.send_signal(number)
    said = command.communicate(timeout=live.LIMIT)[1]
    live.check(command.returncode in (0, -number), "exit status %d of %s after %s (%s)" % (
        command.returncode, words[0], number.name, said))
    left = {name: content(os.path.join(made[place], name))
            for place in ("output", "tmp") for name in files(made[place])}
    kept = files(made["cache"])
    for name in kept:
        live.check(name.endswith(".rgs"), "a part of a file is kept after %s: %s" % (
            number.name, name))
        live.check(live.ask("info", os.path.join(made["cache"], name))["source"]["complete"],
                   "a part of a capture is kept after", number.name)
    for place in made:
        for name in files(made[place]):
            os.unlink(os.path.join(made[place], name))
    return command.returncode, left


def check_whole(data, name, folder):
    """Of a target that runs, and so is never the same."""
    if name.endswith(".svg"):
        live.check(data.rstrip().endswith(b"</svg>"), "a part of a picture")
        return
    path = os.path.join(folder, "left")
    with open(path, "wb") as out:
        out.write(data)
    live.check(live.ask("info", path)["source"]["complete"], "a part of a capture")
    os.unlink(path)


def check_interrupted(words, output, folder, target=None, count=6):
    """At random moments of WORDS, which write OUTPUT."""
    began = time.monotonic()
    status, left = interrupt(words, signal.SIGCONT, 0, folder)
    span = time.monotonic() - began
    live.equal((status, list(left)), (0, [output]), "of %s left alone" % words[0])
    whole = left[output]
    stopped = 0
    for number in ENDS:
        for i in range(live.count(count, 40)):
            moment = span * random.uniform(i, i + 1) / live.count(count, 40)
            status, left = interrupt(words, number, moment, folder)
            said = "of %s after %s at %.3f s of %.3f" % (words[0], number.name, moment, span)
            # the signal may come when all is done
            live.check(list(left) == [output] or (status and not left), "files", said, list(left))
            if left and target:
                check_whole(left[output], output, folder)
            elif left:
                live.check(left[output] == whole, "a part of a file", said)
            stopped += status != 0
            if target:
                check_runs(target)
    live.check(stopped > 0, "every run was over before its signal")


def test_interrupted_capture(folder):
    """Signals while a process is captured, into a file and for a picture"""
    with live.Target("ticking", HEAP) as target:
        check_interrupted(["dump", target.pid, "-o", "x.rgs"], "x.rgs", folder, target)
        check_interrupted(["refs", target.pid, "dict", "-o", "x.svg"], "x.svg", folder, target, 4)


def test_interrupted_answers(folder):
    """Signals while a large snapshot is read, exported, imported and drawn"""
    big = Big.make()
    check_interrupted(["import", big.text, "-o", "x.rgs"], "x.rgs", folder)
    check_interrupted(["export", big.path, "-o", "x.ndjson"], "x.ndjson", folder)
    check_interrupted(["why", big.path, "app.T7", "-o", "x.svg"], "x.svg", folder)
    check_interrupted(["cycles", big.text, "-o", "x.json"], "x.json", folder)


def test_reader_gone(folder):
    """Who closes the pipe has read enough: silence and status 0"""
    big = Big.make()
    for words in (["export", big.path], ["objects", big.path, "-n", "100000"],
                  ["objects", big.path, "-f", "ids"], ["info", big.path, "-f", "json"]):
        read, write = os.pipe()
        command = subprocess.Popen([*live.REFGRAPH, *words], stdout=write, text=True,
                                   stderr=subprocess.PIPE, preexec_fn=reset)
        os.close(write)
        if words[0] == "objects":
            os.read(read, 10)
        os.close(read)
        said = command.communicate(timeout=live.LIMIT)[1]
        live.equal((command.returncode, "annot" in said), (0, False),
                   "status of %s without a reader, and whether it complains (%s)" % (
                       words[0], said))


def test_closed_output(folder):
    """A closed standard output is told, and harms no file"""
    big = Big.make()
    for words in (["info", big.path], ["cycles", big.path, "-f", "json"], ["export", big.path]):
        done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *live.REFGRAPH, *words],
                              capture_output=True, text=True, timeout=live.LIMIT, cwd=folder)
        live.equal(done.returncode, 4, "exit status of %s (%s)" % (words[0], done.stderr))
        live.equal(os.listdir(folder), [], "files")
    # what goes into a file goes there, although a descriptor 1 is free for it
    made, environment = places(folder)
    subprocess.run(["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *live.REFGRAPH, "import", big.text,
                    "-o", "x.rgs"], cwd=made["output"], env=environment, timeout=live.LIMIT)
    path = os.path.join(made["output"], "x.rgs")
    if os.path.exists(path):
        live.equal(live.ask("info", path)["totals"]["objects"], OBJECTS, "objects")


# disk

def test_file_size(folder):
    """A file that may not grow (a full disk looks the same): status 4, nothing left"""
    big = Big.make()
    made, environment = places(folder)
    limits = [(resource.RLIMIT_FSIZE, 2048)]
    for words in (["import", big.text, "-o", "x.rgs"], ["export", big.path, "-o", "x.ndjson"],
                  ["why", big.path, "app.T7", "-o", "x.svg"], ["cycles", big.text],
                  ["objects", big.path, "-n", "5000", "-f", "json", "-o", "x.json"]):
        done = limited(limits, *words, cwd=made["output"], env=environment)
        check_error(done, 4, "File too large")
        live.equal(files(made["output"]) + files(made["tmp"]), [], "files of " + words[0])
    with live.Target("ticking", HEAP) as target:
        for words in (["dump", target.pid, "-o", "x.rgs"], ["types", target.pid],
                      ["types", target.pid, "--save", "x.rgs"]):
            done = limited(limits, *words, cwd=made["output"], env=environment)
            check_error(done, 4, "File too large")
            live.equal(files(folder), [], "files of " + words[0])
            check_runs(target)


def can_mount():
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"],
        stderr=subprocess.DEVNULL).returncode == 0


@live.needs(can_mount, "no file system can be mounted here")
def test_full_disk(folder):
    """A file system that is full: refused before the capture, or status 4 and nothing left"""
    big = Big.make()
    script = ('mount -t tmpfs -o size=256k none "$0" && cd "$0" && "$@"; status=$?; '
              'ls -A "$0"/*; exit $status')
    for words, status, said in (
            (["import", big.text, "-o", "x.rgs"], 4, "No space left on device"),
            (["export", big.path, "-o", "x.ndjson"], 4, "No space left on device"),
            (["cycles", big.text, "-n", "1"], 4, "No space left on device")):
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script, folder, *live.REFGRAPH,
                               *words], capture_output=True, text=True, timeout=live.LIMIT,
                              env=dict(os.environ, TMPDIR=folder))
        live.equal((done.returncode, done.stdout), (status, ""), "status and files of %s (%s)" % (
            words[0], done.stderr))
        live.check(said in done.stderr, "not said:", done.stderr)
    with live.Target("ticking", HEAP) as target:
        for words, status, said in (
                (["dump", target.pid, "-o", "x.rgs"], 5, "of disk may be needed"),
                (["dump", target.pid, "-o", "x.rgs", "--force"], 4, "No space left on device"),
                (["types", target.pid], 5, "of disk may be needed")):
            done = subprocess.run(
                ["unshare", "--mount", "sh", "-c", script, folder, *live.REFGRAPH,
                 *map(str, words)], capture_output=True, text=True, timeout=live.LIMIT,
                env=dict(os.environ, XDG_CACHE_HOME=folder))
            live.equal(done.returncode, status, "exit status of %s (%s)" % (words, done.stderr))
            live.check(said in done.stderr, "not said:", done.stderr)
            live.check(".rgs" not in done.stdout, "a file is left:", done.stdout)
            check_runs(target)


def test_no_such_folder(folder):
    """A folder that is not there, or that may not be written to: status 4, before the capture"""
    big = Big.make()
    with live.Target("ticking", HEAP) as target:
        for place in ("none", "/proc/self"):
            for words in (["dump", target.pid, "-o", place + "/x.rgs"],
                          ["types", target.pid, "--save", place + "/x.rgs"],
                          ["cycles", big.path, "-o", place + "/x.svg"],
                          ["export", big.path, "-o", place + "/x.ndjson"],
                          ["import", big.text, "-o", place + "/x.rgs"]):
                done = limited([], *words, cwd=folder)
                check_error(done, 4, place + "/x.", "cannot write there")
        live.equal(os.listdir(folder), [], "files")
        check_runs(target)
    if can_be_nobody():
        # root may write where it is not allowed
        os.chmod(folder, 0o755)
        os.mkdir(os.path.join(folder, "locked"), 0o555)
        for words in (["cycles", big.path, "-o", "locked/x.svg"],
                      ["import", big.text, "-o", "locked/x.rgs"]):
            done = limited([], *words, user=NOBODY, cwd=folder)
            check_error(done, 4, "locked/x.", "cannot write there: Permission denied")
        live.equal(files(folder), [], "files")


def test_no_cache(folder):
    """A cache folder that cannot be written to: the answer is given, and why nothing is kept"""
    made, environment = places(folder)
    with live.Target("ticking", HEAP) as target:
        for cache in ("/proc/self/none", "/dev/null"):
            environment["XDG_CACHE_HOME"] = cache
            done = limited([], "types", target.pid, env=environment, cwd=made["output"])
            check_error(done, 0, "not kept")
            live.check("list" in done.stdout, "no answer:", done.stdout)
            live.equal(files(folder), [], "files")
            done = limited([], "types", target.pid, "--no-save", env=environment,
                           cwd=made["output"])
            check_error(done, 0)
            live.check("list" in done.stdout, "no answer:", done.stdout)
            check_runs(target)


def test_no_temporary_folder(folder):
    """Without a folder for temporary files: NDJSON is refused with status 4, all else works"""
    big = Big.make()
    environment = dict(os.environ, TMPDIR="/proc/self/none")
    check_error(limited([], "info", big.text, env=environment), 4, "TMPDIR")
    check_error(limited([], "info", big.path, env=environment), 0)
    made, _ = places(folder)
    done = limited([], "import", big.text, "-o", "x.rgs", env=environment, cwd=made["output"])
    check_error(done, 0)


# memory, processes, descriptors

def least_memory(words, expected, step):
    """From too little memory on, until it is enough for the right answer: how much that is."""
    most = 12 * MIB
    fails = 0
    while most < 600 * MIB:
        done = limited([(resource.RLIMIT_AS, most)], *words)
        if done.returncode == 127 and "error while loading shared libraries" in done.stderr:
            most += step        # not even the loader
            continue
        if done.returncode == 0:
            live.equal(done.stdout, expected, "the answer of %s in %d MiB" % (
                words[0], most // MIB))
            return most, fails
        check_error(done, 5, "out of memory")
        live.check(not done.stdout or expected.startswith(done.stdout[:20]), "a wrong start")
        fails += 1
        most += step
    raise AssertionError("%s does not end well in %d MiB" % (words, most // MIB))


has_own_memory = live.needs(lambda: not failing.is_sanitized(),
                            "a sanitizer takes all addresses for itself")


@has_own_memory
def test_little_memory(folder):
    """Little memory (ulimit -v): the right answer, or status 5 and a clear line"""
    big = Big.make()
    small = os.path.join(folder, "small.ndjson")
    write_text(small, 1000)
    step = live.count(4, 1) * MIB
    for source, of in ((big.path, "a snapshot"), (big.text, "NDJSON")):
        for command in COMMANDS:
            expected = limited([], command, source).stdout
            base = least_memory([command, small], limited([], command, small).stdout, step)[0]
            most, fails = least_memory([command, source], expected, step)
            live.check(fails > 0, "nothing was too little")
            print("# %s of %s: %d MiB, %d bytes an object above an empty one" % (
                command, of, most // MIB, (most - base) // OBJECTS), flush=True)
            # the file is mapped: it counts
            live.check((most - base) // OBJECTS <= 150, "too much memory an object")


@has_own_memory
def test_little_memory_capture(folder):
    """Little memory while a process is captured: status 5 or a whole snapshot"""
    made, environment = places(folder)
    statuses = set()
    with live.Target("ticking", HEAP) as target:
        for most in range(30 * MIB, 400 * MIB, live.count(20, 4) * MIB):
            done = limited([(resource.RLIMIT_AS, most)], "dump", target.pid, "-o", "x.rgs",
                           cwd=made["output"], env=environment)
            if done.returncode == 127:
                continue
            statuses.add(done.returncode)
            if done.returncode:
                check_error(done, 5, "memory")
            live.equal(files(folder), [] if done.returncode else ["output/x.rgs"], "files")
            for name in files(folder):
                live.check(live.ask("info", os.path.join(folder, name))["source"]["complete"],
                           "not complete")
                os.unlink(os.path.join(folder, name))
            check_runs(target)
    live.equal(statuses, {0, 5}, "exit statuses")


def test_few_descriptors(folder):
    """Few descriptors: an answer, or status 4 and a clear line; the target runs on"""
    big = Big.make()
    made, environment = places(folder)
    with live.Target("ticking", HEAP) as target:
        for most in range(3, 16):
            for words in (["types", big.path], ["cycles", big.path, "-o", "x.svg"],
                          ["dump", target.pid, "-o", "x.rgs"]):
                done = limited([(resource.RLIMIT_NOFILE, most)], *words, cwd=made["output"],
                               env=environment)
                if done.returncode == 127:
                    continue
                if done.returncode:
                    check_error(done, 4)
                    live.equal(files(folder), [], "files of %s with %d" % (words[0], most))
                for name in files(folder):
                    os.unlink(os.path.join(folder, name))
                check_runs(target)


@live.needs(lambda: not failing.is_sanitized() and can_be_nobody(),
            "another user may not run the command where it is built, or a sanitizer needs threads")
def test_no_processes(folder):
    """No process more: a capture and a picture are refused, text answers are given"""
    big = Big.make()
    os.chmod(folder, 0o777)
    own = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if NOBODY else {}
    with live.Target("ticking", HEAP, **own) as target:
        limits = [(resource.RLIMIT_NPROC, 0)]
        for words, status in ((["types", big.path], 0), (["why", big.path, "@7", "-f", "svg"], 4),
                              (["dump", target.pid, "-o", "x.rgs"], 4)):
            done = limited(limits, *words, user=NOBODY, cwd=folder)
            check_error(done, status)
        live.equal(os.listdir(folder), [], "files")
        check_runs(target)


@has_own_memory
def test_no_end(folder):
    """What has no end is refused by its start, or when it is too long, not when memory ends"""
    big = Big.make()
    bomb = os.path.join(folder, "bomb.zst")
    packed = subprocess.run("head -c 2G /dev/zero | zstd -q", shell=True, stdout=subprocess.PIPE,
                            check=True).stdout
    with open(bomb, "wb") as file:
        file.write(packed)
    for words, status in ((["info", "/dev/zero"], 3), (["info", bomb], 3),
                          (["diff", big.path, "/dev/zero"], 3),
                          (["objects", big.path, "--from", "/dev/zero"], 3),
                          (["watch", "/dev/zero"], 5),
                          (["leaks", big.path, "--known", "/dev/zero"], 5)):
        done = limited([(resource.RLIMIT_AS, 2 << 30)], *words)
        check_error(done, status)
        live.check("out of memory" not in done.stderr, done.stderr)


if sys.argv[1:2] != ["target"]:
    live.adopt()
try:
    live.main(test_interrupted_capture, test_interrupted_answers, test_reader_gone,
              test_closed_output, test_file_size, test_full_disk, test_no_such_folder,
              test_no_cache, test_no_temporary_folder, test_little_memory,
              test_little_memory_capture, test_few_descriptors, test_no_processes, test_no_end)
finally:
    remove_big()
