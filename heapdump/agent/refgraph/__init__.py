"""Snapshots of this process's own heap, for the command `refgraph`.

    import refgraph
    refgraph.dump("a.rgs")              # then, in a shell: refgraph cycles a.rgs

    with refgraph.no_new_cycles():      # in a test: fails where reference cycles appear
        serve_one_request()

A forked child writes the snapshot: the process itself stops for the fork alone. From CPython 3.8
to 3.15; what is written is what `refgraph dump PID` writes, and more exact for the objects of
extension types, which can say themselves what they refer to.
"""

import atexit
import contextlib
import ctypes
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Dict, Iterator, List, Optional, Union

__all__ = ["CycleError", "Error", "arm", "dump", "no_new_cycles"]

_NO_VALUES, _NO_SITES = 1, 2
_MESSAGE = 4096


class Error(Exception):
    """A snapshot could not be written, or asked; the text says why."""


class CycleError(AssertionError):
    """Reference cycles appeared where there were to be none; the text shows them."""


def _find_library() -> str:
    here = os.path.dirname(os.path.abspath(__file__))
    for path in (os.environ.get("REFGRAPH_AGENT"), os.path.join(here, "agent.so")):
        if path and os.path.exists(path):
            return path
    raise ImportError("refgraph's library agent.so is not beside %s: install refgraph with "
                      "`make install`, or name it in $REFGRAPH_AGENT" % here)


def _load():
    """(start, which holds the GIL, wait, which lets it go)."""
    path = _find_library()
    start = ctypes.PyDLL(path).refgraph_agent_start
    start.argtypes = [ctypes.c_char_p, ctypes.c_uint, ctypes.POINTER(ctypes.c_int)]
    wait = ctypes.CDLL(path).refgraph_agent_wait
    wait.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
    return start, wait


_start, _wait = _load()


def dump(path: "Union[str, os.PathLike[str]]", *, values: bool = True,
         sites: bool = True) -> str:
    """Write a snapshot of this process to PATH, whole or not at all, and return PATH.

    VALUES False leaves previews of values out: for a file that others will see. With SITES the
    snapshot says where objects were allocated, if tracemalloc is on. While it is written the
    process runs on; other threads are held up for the fork alone. Raises Error.
    """
    name = os.fspath(path)
    message = ctypes.create_string_buffer(_MESSAGE)
    pipe = ctypes.c_int(-1)
    flags = (0 if values else _NO_VALUES) | (0 if sites else _NO_SITES)
    child = _start(os.fsencode(name), flags, ctypes.byref(pipe))
    if child < 0:
        raise Error("the process cannot be copied: " + os.strerror(-child))
    if _wait(child, pipe.value, message, _MESSAGE) != 0:
        raise Error(message.value.decode("utf-8", "replace"))
    return name


def _try(path: str, values: bool, tell: bool = True) -> None:
    """Dump where nobody is there to catch an Error."""
    try:
        dump(path, values=values)
        if tell:
            print("refgraph: wrote " + path, file=sys.stderr)
    except Error as error:
        print("refgraph: %s" % error, file=sys.stderr)


def _bytes(text: str) -> int:
    """The number of bytes that 500M, 2G, 64k or 4711 stands for."""
    unit = "kmgt".find(text[-1:].lower()) + 1
    return int(text[:-1] if unit else text) << 10 * unit


def _watch(path: str, values: bool, bound: int) -> None:
    """Dump once the resident memory passes BOUND bytes."""
    page = os.sysconf("SC_PAGE_SIZE")
    while True:
        with open("/proc/self/statm") as stream:
            resident = int(stream.read().split()[1]) * page
        if resident >= bound:
            _try(path, values)
            return
        time.sleep(0.2)


def arm(path: "Union[str, os.PathLike[str]]", *, on: str = "exit", values: bool = True) -> None:
    """Have this process write a snapshot to PATH by itself: at its exit, at each signal SIGUSR2
    (ON is "signal"), or once when its resident memory passes a bound (ON is "rss=500M").
    """
    name = os.path.abspath(os.fspath(path))
    if on == "exit":
        atexit.register(_try, name, values, False)
    elif on == "signal":
        signal.signal(signal.SIGUSR2, lambda number, frame: _try(name, values))
    elif on.startswith("rss="):
        threading.Thread(target=_watch, args=(name, values, _bytes(on[4:])),
                         name="refgraph", daemon=True).start()
    else:
        raise ValueError("on=%r: expected 'exit', 'signal' or 'rss=SIZE'" % on)


def _ask(*words: str) -> "subprocess.CompletedProcess[str]":
    """What the command refgraph says."""
    program = os.environ.get("REFGRAPH") or shutil.which("refgraph")
    if not program:
        raise Error("no command refgraph in $PATH; name it in $REFGRAPH")
    return subprocess.run([program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True)


def _count_cycles(path: str, selection: List[str]) -> Dict[str, int]:
    """How many cycles of each pattern a snapshot has."""
    done = _ask("cycles", path, *selection, "--format", "json", "-n", "100000")
    said = json.loads(done.stdout or done.stderr)
    if said.get("code") in ("no-such-type", "no-object-of-type"):       # none of them yet
        return {}
    if done.returncode not in (0, 1):
        raise Error(said["message"])
    return {row["signature"]: row["alike"] for row in said["cycles"]["rows"]}


@contextlib.contextmanager
def no_new_cycles(selection: Optional[str] = None) -> Iterator[None]:
    """Raise CycleError when the block leaves more reference cycles than there were.

    SELECTION is one as the command takes it, such as "app.*" or "Session Task": then only cycles
    with such an object count. The collector is off in the block, so that cycles which it would
    free are seen; whether they were held or garbage does not matter. Needs the command refgraph.
    """
    words = selection.split() if selection else []
    enabled = gc.isenabled()
    with tempfile.TemporaryDirectory(prefix="refgraph-") as folder:
        before, after = os.path.join(folder, "before.rgs"), os.path.join(folder, "after.rgs")
        gc.collect()
        gc.disable()
        try:
            known = _count_cycles(dump(before), words)
            yield
            found = _count_cycles(dump(after), words)
        finally:
            if enabled:
                gc.enable()
        if any(count > known.get(pattern, 0) for pattern, count in found.items()):
            raise CycleError("new reference cycles:\n" + _ask("cycles", after, *words).stdout)
