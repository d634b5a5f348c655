"""Every allocation of every command fails in its turn: see tests/python/failing.py."""

import functools
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import failing  # noqa: E402

MAKE = os.path.join(failing.BUILD, "tests", "cli", "make_snapshot")
DRAWN = ("text", "json", "dot", "svg")
FORMS = (
    ("info", ("text", "json"), ()),
    ("types", ("text", "json"), ()),
    ("cycles", DRAWN + ("png",), ()),
    ("generations", ("text", "json"), ()),
    ("garbage", ("text", "json"), ()),
    ("objects", ("text", "json", "ids"), ()),
    ("objects", ("text",), ("--sort", "distance")),
    ("show", ("text", "json"), ("Session",)),
    ("refs", DRAWN, ("Session",)),
    ("backrefs", ("text",), ("Session",)),
    ("why", DRAWN, ("Session",)),
    ("why", ("text", "json"), ("Request", "--all", "--avoid", "Session")),
    ("path", ("text", "json"), ("Session", "dict")),
    ("retained", DRAWN + ("ids",), ()),
    ("retained", ("text", "json"), ("Session",)),
    ("retained", ("text", "json"), ("--tree",)),
    ("retained", ("text",), ("--by", "type")),
    ("retained", ("text",), ("--drops",)),
)
# What `watch` writes of seven captures of a process.
MEMORY = {"first": 1 << 20, "last": 7 << 20, "delta": 6 << 20, "per_minute": 6e6, "p": 0.001,
          "trend": "grows"}
SERIES = {
    "schema": "refgraph.watch/1", "tool": "refgraph", "every": 10, "duration": 60,
    "ended": "count", "until": None, "growing": 1, "rss": MEMORY,
    "source": {"kind": "process", "name": "pid 7", "runtime": "CPython 3.11.2", "pid": 7,
               "captured": None, "complete": True, "snapshot": None, "fingerprint": None,
               "warnings": []},
    "policy": {"edges": "data", "raw": False},
    "totals": {"objects": 9, "references": 8, "size": 700},
    "samples": {"shown": 7, "of": 7, "rows": [
        {"time": 10 * i, "rss": i << 20, "objects": i, "size": i} for i in range(7)]},
    "types": {"shown": 2, "of": 2, "rows": [
        {"type": name, "module": "app", "first": 0, "last": 60, "delta": 60, "size": 60,
         "size_delta": 60, "per_minute": 60, "p": 0.001, "trend": "grows",
         "series": list(range(0, 70, 10))} for name in ("app.Session", "app.Request")]},
}


def commands(folder):
    """What is tried: functions, as making one runs it."""
    def path(name):
        return os.path.join(folder, name)

    leak, text = path("leak.rgs"), path("leak.ndjson")
    words = [(command, leak, *rest, "--format", form)
             for command, forms, rest in FORMS for form in forms]
    words += [(command, path("hostile.rgs"), "--format", form)
              for command, form in (("cycles", "text"), ("objects", "json"))]
    words += [("types", leak, "--type", "Session", "--raw"), ("types", leak, "--module", "app.*"),
              ("refs", leak, "Session", "--avoid", "dict", "--highlight", "Session"),
              ("objects", leak, "(cycle or Session and garbage) and distance>=0 and not retained>9k"),
              ("objects", leak, "root=m* or root and listed", "--from", path("ids")),
              ("objects", leak, "value=u:* or name=*a* or site=* or module!=app.*", "--redact"),
              ("types", leak, "--new-since", leak),
              ("objects", leak, "Session and not new", "--new-since", leak),
              ("why", leak, "--from", path("ids")), ("cycles", leak, "--stable"),
              ("cycles", text), ("info", path("leak.rgs.zst")),
              ("export", leak), ("export", leak, "-o", "out.ndjson"),
              ("import", text), ("import", text, "-o", "out.rgs"), ("import", text, "-o", "-"),
              ("cycles", leak, "-o", "out.svg"), ("types", leak, "-o", "out.json"),
              ("why", leak, "Session", "-o", "out.dot"), ("info", path("half.rgs"))]
    words += [("leaks", path("accumulates.ndjson"), "--format", form)
              for form in (*DRAWN, "ids", "github", "junit", "known")]
    words += [("leaks", path("accumulates.ndjson"), "--new-since", leak, "--fail-on",
               "new,growth,cycles,garbage", "--format", form) for form in ("text", "json", "svg")]
    words += [("leaks", leak, "Session", "--known", path("known"), "--fail-on", "cycles"),
              ("leaks", leak, "--known", path("text")), ("leaks", leak, "--fail-on", "grwth"),
              ("leaks", leak, "--new-since", path("nothing"))]
    words += [("diff", leak, path("accumulates.ndjson"), "--format", form) for form in DRAWN]
    words += [("diff", leak, leak), ("diff", leak, text, leak, path("accumulates.ndjson")),
              ("diff", path("empty.rgs"), leak, "--format", "json"), ("diff", leak)]
    words += [("watch", path("series.json"), "--format", form)
              for form in ("text", "json", "svg", "png")]
    words += [("watch", leak), ("watch", path("text")), ("watch", "1", "--every", "soon"),
              ("watch", "1", "--until", "cuont>5")]
    words += [("completion", shell) for shell in ("bash", "zsh", "fish")]
    words += [("help",), ("help", "cycles"), ("help", "selections"), ("cycles", "--help"), ("--version",)]
    words += [("info", "--schema", leak)]
    # mistakes are told as they are, or memory ran out
    words += [("cicles", leak), ("why", leak, "Sesion"), ("types", leak, "--module", "ap"),
              ("why", leak, "@9999"), ("info", path("nothing")), ("info", path("none.rgs")),
              ("info", path("text")), ("types", leak, "--limit", "x"),
              ("objects", leak, "gen=2 annd cycle"), ("objects", leak, "sise>1"),
              ("objects", leak, "gen=untraked"), ("objects", leak, "listed"),
              ("objects", leak, "new"), ("path", leak, "dict", "str", "--new-since", leak),
              ("why", leak, "Sesion", "--format", "json")]
    made = [functools.partial(failing.Command, *each) for each in words]
    made.append(functools.partial(failing.Command, "info", "-", inputs=leak))
    made.append(functools.partial(failing.Command, "info", "-", inputs=text))
    return made


def accumulates():
    """A cache of 20 objects with a text each, and what only C code holds, as NDJSON."""
    yield {"record": "root", "kind": "module", "target": 4096, "name": "app.cache"}
    yield {"id": 4096, "type": "list", "size": 900, "refcount": 1, "generation": 2,
           "references": [{"to": 8192 + 64 * i, "kind": "item"} for i in range(20)]}
    for i in range(20):
        yield {"id": 8192 + 64 * i, "type": "app.Session", "size": 2000, "refcount": 1,
               "references": [{"to": 16384 + 64 * i, "kind": "attr", "label": "name"}]}
        yield {"id": 16384 + 64 * i, "type": "str", "size": 60, "refcount": 1}
        yield {"id": 32768 + 64 * i, "type": "app.Buffer", "size": 9000, "refcount": 3}


def prepare(folder):
    for name in ("leak", "hostile", "empty"):
        subprocess.run([MAKE, name, os.path.join(folder, name + ".rgs")], check=True)
    leak = open(os.path.join(folder, "leak.rgs"), "rb").read()
    text = subprocess.run([failing.REFGRAPH, "export", os.path.join(folder, "leak.rgs")],
                          check=True, capture_output=True).stdout
    ids = subprocess.run([failing.REFGRAPH, "objects", os.path.join(folder, "leak.rgs"),
                          "Session", "--format", "ids"], check=True, capture_output=True).stdout
    for name, content in (("half.rgs", leak[:len(leak) // 2]), ("nothing", b""), ("ids", ids),
                          ("text", b"hello\n"), ("leak.ndjson", text),
                          ("series.json", json.dumps(SERIES).encode()),
                          ("known", b"daaf9067f4698b19  # a cache\n\n"),
                          ("accumulates.ndjson", "".join(
                              json.dumps(each) + "\n" for each in accumulates()).encode())):
        with open(os.path.join(folder, name), "wb") as out:
            out.write(content)
    subprocess.run(["zstd", "-q", os.path.join(folder, "leak.rgs")], check=True)


def main():
    reason = failing.why_not()
    if reason:
        print("1..0 # SKIP " + reason)
        return
    with tempfile.TemporaryDirectory(prefix="refgraph-inject-") as folder:
        prepare(folder)
        wanted = [make for make in commands(folder)
                  if not sys.argv[1:] or sys.argv[1] in " ".join(make.args)]
        failing.check(wanted)


main()
