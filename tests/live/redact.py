"""--redact and --no-values: nothing that the program called secret is in a file or an answer."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import rgs  # noqa: E402

# In names, in values, in keys, in the command line. No part of one is another word here.
VALUES = (b"zvaluez", b"zbytesz", b"zkeyz keyz", b"zargz zargz", b"4711881", b"<zpinz>",
          b"__zpasswordz _")
NAMES = (b"Zclassz", b"zattributez", b"zfunctionz", b"zlocalz", b"zmodulez", b"zthreadz", b"zslotz")
ANSWERS = (("info",), ("types",), ("cycles",), ("cycles", "--format", "json"), ("garbage",),
           ("generations",), ("why", "Zclassz"), ("why", "Zclassz", "--format", "json", "--graph"),
           ("why", "Zclassz", "--format", "dot"), ("refs", "Zclassz"), ("backrefs", "Zclassz"),
           ("backrefs", "Zclassz", "--format", "svg"), ("show", "Zclassz"), ("objects", "Zclassz"),
           ("objects", "--format", "json", "--limit", "100000"), ("export",))


def secretive(_folder, _argument):
    import threading
    import types

    zmodulez = types.ModuleType("zmodulez")
    sys.modules["zmodulez"] = zmodulez
    exec("""
class Zclassz:
    __slots__ = ("zslotz", "__dict__")

def zfunctionz(ready, over):
    zlocalz = Zclassz()
    zlocalz.zattributez = ["zvaluez zvaluez", b"zbytesz", 4711881, "<zpinz>", "__zpasswordz __"]
    zlocalz.zslotz = {"zkeyz keyz": zlocalz}
    kept.append(zlocalz)
    ready.set()
    over.wait()

kept = []
""", zmodulez.__dict__)
    ready, over = threading.Event(), threading.Event()
    threading.Thread(target=zmodulez.zfunctionz, args=(ready, over), name="zthreadz",
                     daemon=True).start()
    ready.wait()
    keep = types.SimpleNamespace()
    live.answer({"kept": lambda: len(zmodulez.kept) if keep else 0})


def found(data, words):
    return [word.decode() for word in words if word in data]


def dumped(target, folder, *options):
    path = os.path.join(folder, "".join(options) + ".rgs")
    live.refgraph("dump", target.pid, "-o", path, *options)
    with open(path, "rb") as file:
        return path, file.read()


def test_clear(folder):
    """Without them all of it is there: so this test can fail."""
    with live.Target("secretive", folder, "zargz zargz") as target:
        path, data = dumped(target, folder)
    live.equal(found(data, VALUES + NAMES), [w.decode() for w in VALUES + NAMES], "in the dump")


def test_no_values(folder):
    """--no-values leaves the values out, of a capture and of every answer."""
    with live.Target("secretive", folder, "zargz zargz") as target:
        clear, _ = dumped(target, folder)
        _, data = dumped(target, folder, "--no-values")
    live.equal(found(data, VALUES), [], "with --no-values")
    for answer in ANSWERS:
        said = live.refgraph(answer[0], clear, *answer[1:], "--no-values").stdout
        live.equal(found(said.encode(), VALUES), [], " ".join(answer))


def test_redact(folder):
    """--redact hides the names too, and leaves the graph as it was."""
    with live.Target("secretive", folder, "zargz zargz") as target:
        clear, _ = dumped(target, folder)
        path, data = dumped(target, folder, "--redact")
    live.equal(found(data, VALUES + NAMES), [], "with --redact")
    for answer in ANSWERS:
        said = live.refgraph(answer[0], clear, *answer[1:], "--redact").stdout
        live.equal(found(said.encode(), VALUES + NAMES), [], " ".join(answer))
    said = live.refgraph("types", path, "-n", "10000").stdout
    for name in ("dict", "str", "threading.Thread", "types.SimpleNamespace"):
        live.check(name in said, "Python's own type", name, "is hidden")
    same_graph(clear, folder)


def same_graph(clear, folder):
    """Of one capture: what is left is the same, record by record."""
    path = os.path.join(folder, "again.rgs")
    exported = live.refgraph("export", clear, "--redact").stdout
    done = subprocess.run([*live.REFGRAPH, "import", "-", "-o", path], input=exported.encode(),
                          capture_output=True)
    live.equal(done.returncode, 0, "exit status of import (%s)" % done.stderr)
    one, other = rgs.read(clear), rgs.read(path)
    for column in ("address", "size", "refcount", "flags", "items", "extra"):
        live.equal(sorted(getattr(one, column)), sorted(getattr(other, column)), column)
    live.equal(sorted(zip(one.source, one.target)), sorted(zip(other.source, other.target)),
               "references")
    live.equal(len(one.roots), len(other.roots), "roots")


if __name__ == "__main__":
    live.main(test_clear, test_no_values, test_redact)
