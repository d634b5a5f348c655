"""A process does not notice that it is captured."""

import contextlib
import ctypes
import fcntl
import gc
import hashlib
import os
import queue
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402

SYS_EXIT = 60
WALL = 0x40000000
SLACK = 1.5             # seconds that a loaded machine may take to wake a thread
MANY = 12000            # threads


def make_heap(count=60000):
    """A heap whose snapshot is larger than what the command holds back."""
    return [[number, "item-%d" % number] for number in range(count)]


# looking at oneself

class Known:
    pass


def wait_for_any():
    """What waitpid says to a process that has no children."""
    said = []
    for options in (os.WNOHANG, os.WNOHANG | WALL):
        try:
            said.append(os.waitpid(-1, options))
        except ChildProcessError:
            said.append("ECHILD")
    return said


def counted():
    heap = make_heap()
    known = [[], {}, Known(), object(), "text-%d" % len(heap), 10 ** 30, heap, heap[0], Known,
             counted, sys.modules]
    signals = []
    signal.signal(signal.SIGCHLD, lambda *_: signals.append(1))
    gc.collect()
    gc.disable()

    def look():
        with open("/proc/self/maps") as stream:
            maps = hashlib.sha1(stream.read().encode()).hexdigest()
        with open("/proc/self/stat") as stream:
            faults = stream.read().split()
        return {"refcounts": [sys.getrefcount(made) for made in known], "gc": gc.get_count(),
                "stats": gc.get_stats(), "children": wait_for_any(), "signals": len(signals),
                "maps": maps, "descriptors": sorted(os.listdir("/proc/self/fd")),
                "threads": os.listdir("/proc/self/task"), "mask": sorted(
                    signal.pthread_sigmask(signal.SIG_BLOCK, [])), "flags": faults[8]}
    live.answer({"look": look, "rss": live.rss})


def test_counts(folder):
    """Reference counts, the collector's counts, memory and children are as before"""
    with live.Target("counted") as target:
        before = target.ask("look")
        for _ in range(5):              # until asking itself changes nothing any more
            last, before = before, target.ask("look")
        live.equal(before, last, "the target when nothing happens to it")
        live.equal(before["children"], ["ECHILD", "ECHILD"], "waitpid before")
        size = target.ask("rss")
        for number in range(live.count(3, 20)):
            live.dump(target.pid)
            live.equal(target.ask("look"), before, "after capture %d" % (number + 1))
        live.equal(live.children(target.pid), [], "children of the target")
        grown = target.ask("rss") - size
        live.check(abs(grown) < 1 << 20, "RSS changed by", grown, "bytes")


def test_copy_unseen(folder):
    """While the copy stands, the target sees no child and can do all it does"""
    with live.Target("counted") as target, live.Held(target, folder) as held:
        for _ in range(3):
            found = target.ask("look")
            live.equal(found["children"][0], "ECHILD", "waitpid with a copy")
            live.equal(found["signals"], 0, "SIGCHLD with a copy")
        live.equal(held.finish(), 0, "exit status of the capture")
        live.equal(target.ask("look")["children"], ["ECHILD", "ECHILD"], "waitpid afterwards")


# calls that block

def timed(function):
    start = time.monotonic()
    try:
        result = function()
    except BaseException as error:
        result = "%s: %s" % (type(error).__name__, error)
    return [result, time.monotonic() - start]


def raw(name, *arguments):
    """A call of libc: what it returns, and errno. Nothing restarts it but the kernel."""
    library = ctypes.CDLL(None, use_errno=True)

    def call():
        ctypes.set_errno(0)
        result = getattr(library, name)(*arguments)
        return [result, ctypes.get_errno()]
    return call


def sleeping_calls(seconds):
    """name -> (a call that takes SECONDS, what it returns)."""
    quiet, other = socket.socketpair()
    quiet.settimeout(seconds)
    pipe = os.pipe()
    poll, epoll = select.poll(), select.epoll()
    poll.register(pipe[0], select.POLLIN)
    epoll.register(pipe[0], select.EPOLLIN)
    lock, event = threading.Lock(), threading.Event()
    lock.acquire()
    whole, part = int(seconds), int(seconds % 1 * 1e9)
    timespec = (ctypes.c_long * 2)(whole, part)
    timeval = (ctypes.c_long * 2)(whole, part // 1000)
    pollfd = (ctypes.c_int * 2)(pipe[0], select.POLLIN)
    kept = [other, timespec, timeval, pollfd, pipe]
    empty = queue.Queue()

    def get():
        try:
            empty.get(timeout=seconds)
        except queue.Empty:
            return kept and "empty"

    def receive():
        try:
            quiet.recv(1)
        except TimeoutError:
            return "timeout"
    return {
        "time.sleep": (lambda: time.sleep(seconds), None),
        "select.select": (lambda: select.select([pipe[0]], [], [], seconds), ([], [], [])),
        "select.poll": (lambda: poll.poll(seconds * 1000), []),
        "select.epoll": (lambda: epoll.poll(seconds), []),
        "lock.acquire": (lambda: lock.acquire(timeout=seconds), False),
        "event.wait": (lambda: event.wait(seconds), False),
        "queue.get": (get, "empty"),
        "socket.recv": (receive, "timeout"),
        "sigtimedwait": (lambda: signal.sigtimedwait([signal.SIGUSR2], seconds), None),
        "nanosleep()": (raw("nanosleep", timespec, None), [0, 0]),
        "poll()": (raw("poll", pollfd, 1, int(seconds * 1000)), [0, 0]),
        "select()": (raw("select", 0, None, None, None, timeval), [0, 0]),
    }


def waiting_calls(folder):
    """name -> (a call that waits for ever, how to end it, what it returns)."""
    ends = [socket.socketpair() for _ in range(3)]
    pipes = [os.pipe() for _ in range(2)]
    server = socket.create_server(("127.0.0.1", 0))
    lock, condition = threading.Lock(), threading.Event()
    lock.acquire()
    buffer = ctypes.create_string_buffer(8)
    path = os.path.join(folder, "lock")
    first, second = open(path, "w"), open(path, "w")
    fcntl.flock(first, fcntl.LOCK_EX)
    sleeper = subprocess.Popen(["sleep", "1000"])
    fifo = os.path.join(folder, "fifo")
    os.mkfifo(fifo)

    def accept():
        server.accept()[0].close()
        return "accepted"
    return {
        "os.read": (lambda: os.read(pipes[0][0], 8).decode(),
                    lambda: os.write(pipes[0][1], b"x"), "x"),
        "read()": (raw("read", pipes[1][0], buffer, 8), lambda: os.write(pipes[1][1], b"xy"),
                   [2, 0]),
        "recv": (lambda: ends[0][0].recv(8).decode(), lambda: ends[0][1].send(b"x"), "x"),
        "recv()": (raw("recv", ends[1][0].fileno(), buffer, 8, 0),
                   lambda: ends[1][1].send(b"xyz"), [3, 0]),
        "end of file": (lambda: ends[2][0].recv(8).decode(), ends[2][1].close, ""),
        "accept": (accept, lambda: socket.create_connection(server.getsockname()).close(),
                   "accepted"),
        "lock.acquire": (lock.acquire, lock.release, True),
        "event.wait": (condition.wait, condition.set, True),
        "flock": (lambda: fcntl.flock(second, fcntl.LOCK_EX),
                  lambda: fcntl.flock(first, fcntl.LOCK_UN), None),
        "waitpid": (lambda: os.waitpid(sleeper.pid, 0)[1], sleeper.kill, 9),
        "open": (lambda: open(fifo).close(), lambda: open(fifo, "w").close(), None),
    }


def blocked(seconds, folder):
    sleeping, waiting, results = sleeping_calls(seconds), waiting_calls(folder), {}
    heap = make_heap(20000)

    def note(name, call):
        results[name] = timed(call)

    def end():
        before = set(results)
        for name, (_, release, _) in waiting.items():
            release()
        for thread in threads:
            thread.join(live.LIMIT)
        return sorted(before), {
            name: [name in results and repr(results[name][0]) == repr(expected),
                   repr(results.get(name)), results.get(name, [0, 0])[1]]
            for name, expected in expectations.items()}
    expectations = {"sleep " + name: entry[1] for name, entry in sleeping.items()}
    expectations.update({"wait " + name: entry[2] for name, entry in waiting.items()})
    threads = [threading.Thread(target=note, args=("sleep " + name, entry[0]))
               for name, entry in sleeping.items()]
    threads += [threading.Thread(target=note, args=("wait " + name, entry[0]))
                for name, entry in waiting.items()]
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    for thread in threads:
        thread.start()
    live.answer({"end": end, "heap": lambda: len(heap)})


def test_blocked_calls(folder):
    """Calls that block are restarted by the kernel, for the rest of their time"""
    seconds = 3.0
    with live.Target("blocked", seconds, folder) as target:
        start = time.monotonic()
        captures = 0
        # the last one late: what begins anew would then take half as long again
        for at in (0.3, 1.0, 1.8, 2.4):
            time.sleep(max(0, start + at - time.monotonic()))
            live.dump(target.pid)
            captures += 1
        time.sleep(max(0, start + seconds + SLACK / 2 - time.monotonic()))
        early, results = target.ask("end")
        for name, (right, said, taken) in results.items():
            live.check(right, "%s after %d captures: %s" % (name, captures, said))
            if name.startswith("wait "):
                live.check(name not in early, name, "did not wait:", said)
            else:
                live.check(seconds - 0.01 <= taken <= seconds + SLACK,
                           "%s took %.3f s, expected %.3f s" % (name, taken, seconds))


def leading(seconds):
    """One call after the other in the main thread, in which the copy is made."""
    calls = sleeping_calls(seconds)
    heap = make_heap(20000)
    buffer = ctypes.create_string_buffer(8)
    live.say("ready")
    for name in sorted(name for name in calls if name.endswith("()")):
        live.say(name)
        live.say(timed(calls[name][0]))
    live.say("read()")
    live.say(timed(raw("read", 0, buffer, len(buffer)))[:1] + [len(heap)])


def test_main_thread(folder):
    """So are those of the main thread, where nothing but the kernel restarts them"""
    seconds = 1.0
    with live.Target("leading", seconds) as target:
        while (name := target.hear()) != "read()":
            for _ in range(3):
                time.sleep(seconds / 5)
                live.dump(target.pid)
            result, taken = target.hear()
            live.equal(result, [0, 0], "result and errno of " + name)
            live.check(seconds - 0.01 <= taken <= seconds + SLACK,
                       "%s took %.3f s, expected %.3f s" % (name, taken, seconds))
        for _ in range(3):
            live.dump(target.pid)
        target.child.stdin.write(b"abc")
        target.child.stdin.flush()
        live.equal(target.hear()[0], [3, 0], "result and errno of read()")


# descriptors

def closing(folder, port):
    heap = make_heap()
    connection = socket.create_connection(("127.0.0.1", port))
    reader, writer = os.pipe()
    lock = open(os.path.join(folder, "lock"), "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    writer_name = "/proc/%d/fd/%d" % (os.getpid(), reader)

    def close():
        connection.close()
        os.close(writer)
        lock.close()
        return len(heap)
    live.answer({"close": close, "pipe": lambda: writer_name})


def test_closing(folder):
    """What the target closes during a capture is closed at once"""
    with socket.create_server(("127.0.0.1", 0)) as server, \
            live.Target("closing", folder, server.getsockname()[1]) as target:
        peer = server.accept()[0]
        pipe = os.open(target.ask("pipe"), os.O_RDONLY | os.O_NONBLOCK)
        with live.Held(target, folder) as held, peer, open(folder + "/lock", "w") as lock:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                live.check(False, "the lock is free before it is closed")
            peer.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                live.check(False, "the socket before it is closed:", peer.recv(1))
            target.ask("close")
            start = time.monotonic()
            live.wait_until(lambda: select.select([peer], [], [], 0)[0], "the peer sees it", 30)
            live.equal(peer.recv(1), b"", "what the peer reads")
            live.equal(os.read(pipe, 1), b"", "what the reader of the pipe reads")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            live.check(time.monotonic() - start < SLACK, "the peer saw it late")
            live.check(live.process(held.copy), "the copy had gone")
            live.equal(held.finish(), 0, "exit status of the capture")
        os.close(pipe)


# signals

def signalled():
    heap = make_heap(20000)
    counts = {"handled": 0, "queued": 0}

    def handle(*_):
        counts["handled"] += 1

    def wait():
        while True:
            signal.sigwaitinfo([signal.SIGRTMIN])
            counts["queued"] += 1
    signal.signal(signal.SIGUSR1, handle)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
    threading.Thread(target=wait, daemon=True).start()
    live.answer({"counts": lambda: counts, "heap": lambda: len(heap)})


class Capturing:
    """Captures of PID, one after the other, until the with block ends."""

    def __init__(self, pid):
        self.pid, self.made, self.failure, self.stop = pid, 0, None, False
        self.thread = threading.Thread(target=self.work)

    def work(self):
        try:
            while not self.stop:
                live.dump(self.pid)
                self.made += 1
        except BaseException as error:
            self.failure = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.stop = True
        self.thread.join()
        if self.failure and not error[0]:
            raise self.failure


def test_signals(folder):
    """No signal is lost, no handler runs twice"""
    with live.Target("signalled") as target, Capturing(target.pid) as capturing:
        sent = 0
        while capturing.made < live.count(12, 100) and not capturing.failure:
            # one that is still pending would merge with the next
            os.kill(target.pid, signal.SIGUSR1)
            for _ in range(5):
                os.kill(target.pid, signal.SIGRTMIN)
            sent += 1
            live.wait_until(lambda: target.ask("counts")["handled"] >= sent,
                            "signal %d is handled" % sent, 30)
            time.sleep(random.uniform(0, 0.003))
        live.wait_until(lambda: target.ask("counts")["queued"] >= 5 * sent, "all are handled", 30)
        live.equal(target.ask("counts"), {"handled": sent, "queued": 5 * sent}, "signals")


def test_stop_signals(folder):
    """SIGSTOP during a capture stops the target, SIGCONT continues it"""
    with live.Target("signalled") as target, Capturing(target.pid) as capturing:
        number = 0
        while capturing.made < live.count(15, 100) and not capturing.failure:
            number += 1
            os.kill(target.pid, signal.SIGSTOP)
            live.wait_until(lambda: live.process(target.pid).state == "T" or capturing.failure,
                            "SIGSTOP %d is obeyed" % number, 30)
            time.sleep(random.uniform(0, 0.02))
            os.kill(target.pid, signal.SIGCONT)
            target.ask("heap", seconds=30)
            time.sleep(random.uniform(0, 0.02))


def test_stopped(folder):
    """A stopped process can be captured, and stays stopped"""
    with live.Target("signalled") as target:
        os.kill(target.pid, signal.SIGSTOP)
        live.wait_until(lambda: live.process(target.pid).state == "T", "it stops")
        for _ in range(3):
            live.dump(target.pid)
            time.sleep(0.02)
            live.equal(live.process(target.pid).state, "T", "state after the capture")
        os.kill(target.pid, signal.SIGCONT)
        live.check(target.ask("heap"), "it does not run on")
        live.dump(target.pid)


# threads

class Workers:
    """Threads that each do work whose result they know."""

    def __init__(self, folder):
        self.folder, self.wrong, self.stop, self.rounds = folder, [], False, {}
        self.threads = [threading.Thread(target=self.work, args=(getattr(self, name),))
                        for name in dir(self) if name.startswith("do_")]
        for thread in self.threads:
            thread.start()

    def work(self, function):
        name = function.__name__
        self.rounds[name] = 0
        try:
            while not self.stop:
                function()
                self.rounds[name] += 1
        except BaseException as error:
            self.wrong.append("%s: %s: %s" % (name, type(error).__name__, error))

    def do_hash(self):
        found = hashlib.sha256(b"x" * 3000000).hexdigest()
        assert found.startswith("e55b8bdf621ddaa8"), found

    def do_dict(self):
        table = {number: [number] for number in range(2000)}
        for number in range(0, 2000, 2):
            del table[number]
        assert sum(table) == sum(range(1, 2000, 2)) == sum(x[0] for x in table.values())

    def do_cycles(self):
        nodes = [[] for _ in range(500)]
        for first, second in zip(nodes, nodes[1:] + nodes[:1]):
            first.append(second)
        assert all(len(node) == 1 for node in nodes)

    def do_collect(self):
        node = Known()
        node.me, kept = node, weakref.ref(node)
        del node
        gc.collect()
        assert kept() is None

    def do_sort(self):
        numbers = random.sample(range(5000), 5000)
        assert sorted(numbers) == list(range(5000))

    def do_socket(self):
        first, second = socket.socketpair()
        with first, second:
            for number in range(100):
                first.sendall(b"%08d" % number)
                assert second.recv(8) == b"%08d" % number
                second.sendall(b"back")
                assert first.recv(4) == b"back"

    def do_file(self):
        with tempfile.TemporaryFile(dir=self.folder) as stream:
            stream.write(b"0123456789" * 5000)
            stream.seek(0)
            assert stream.read() == b"0123456789" * 5000

    def do_process(self):
        assert subprocess.run(["true"]).returncode == 0

    def do_sleep(self):
        start = time.monotonic()
        time.sleep(0.01)
        assert time.monotonic() - start >= 0.01

    def do_threads(self):
        """Threads that begin and end all the time."""
        ended = []
        threads = [threading.Thread(target=ended.append, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(ended) == list(range(8))

    def end(self):
        self.stop = True
        for thread in self.threads:
            thread.join(live.LIMIT)
        return [thread.name for thread in self.threads if thread.is_alive()], self.wrong


def busy(folder):
    sys.setswitchinterval(0.001)
    workers = Workers(folder)
    live.answer({"rounds": lambda: workers.rounds, "wrong": lambda: workers.wrong,
                 "end": workers.end})


def test_busy(folder):
    """Threads that work, begin and end are all right after many captures"""
    with live.Target("busy", folder) as target:
        before = target.ask("rounds")
        for number in range(live.count(15, 50)):
            live.dump(target.pid)
            live.equal(target.ask("wrong"), [], "after capture %d" % (number + 1))

        def all_went_on():
            return all(rounds > before[name] for name, rounds in target.ask("rounds").items())
        live.wait_until(all_went_on, "every thread has done something", 60)
        live.equal(target.ask("end"), [[], []], "threads that hang, and what went wrong")
        live.equal(live.children(target.pid), [], "children of the target")


def headless():
    """The main thread ends, another answers."""
    heap = make_heap(20000)
    functions = {"heap": lambda: len(heap)}
    threading.Thread(target=live.answer, args=(functions,)).start()
    ctypes.CDLL(None).syscall(SYS_EXIT, 0)


def test_headless(folder):
    """A process whose main thread has ended is captured, or refused in one clear line"""
    with live.Target("headless") as target:
        live.wait_until(lambda: live.process(target.pid).state == "Z", "the main thread ends")
        done = live.refgraph("dump", target.pid, "-o", "/dev/null")
        live.equal(target.ask("heap"), 20000, "what the other thread says")
        if done.returncode != 0:
            live.equal(done.returncode, 4, "exit status (%s)" % done.stderr)
            live.check("main thread" in done.stderr, "no reason is told:", done.stderr)


def crowded(count):
    """Threads that wait, so many that to stop them all takes longer than a tick of the tracer."""
    threading.stack_size(1 << 16)
    end, threads = threading.Event(), []
    # a container may not allow as many
    with contextlib.suppress(RuntimeError):
        for _ in range(count):
            thread = threading.Thread(target=end.wait, daemon=True)
            thread.start()
            threads.append(thread)

    def finish():
        end.set()
        for thread in threads:
            thread.join(live.LIMIT)
        return sum(thread.is_alive() for thread in threads)
    live.answer({"count": lambda: len(threads), "finish": finish})


def test_crowded(folder):
    """Thousands of threads stop, none of them unseen, and all run on"""
    with live.Target("crowded", MANY) as target:
        for _ in range(2):
            done = live.dump(target.pid)
        print("# %d threads: %s" % (target.ask("count"), done.stderr.splitlines()[0]))
        live.equal(target.ask("finish"), 0, "threads that do not end")


# a container

@live.needs(live.can_make_pid_namespace, "no pid namespace can be made")
def test_container(folder):
    """A process in a pid namespace of its own is left without a zombie"""
    with live.Target("counted", before=("unshare", "--pid", "--fork", "--kill-child")) as target:
        inside = live.children(target.pid)[0].pid
        before = target.ask("look")
        for _ in range(5):
            last, before = before, target.ask("look")
        live.equal(before, last, "the target when nothing happens to it")
        for _ in range(3):
            live.dump(inside)
            live.equal(target.ask("look"), before, "after a capture")
        live.equal(live.children(inside), [], "children of the target")


live.main(test_counts, test_copy_unseen, test_blocked_calls, test_main_thread, test_closing,
          test_signals, test_stop_signals, test_stopped, test_busy, test_headless,
          test_crowded, test_container)
