"""Every allocation of every command fails in its turn: see tests/python/failing.py."""

import functools
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
    ("path", ("text", "json"), ("Session", "dict")),
    ("retained", DRAWN + ("ids",), ()),
    ("retained", ("text", "json"), ("Session",)),
    ("retained", ("text", "json"), ("--tree",)),
    ("retained", ("text",), ("--by", "type")),
    ("retained", ("text",), ("--drops",)),
)


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
              ("why", leak, "--from", path("ids")), ("cycles", leak, "--stable"),
              ("cycles", text), ("info", path("leak.rgs.zst")),
              ("export", leak), ("export", leak, "-o", "out.ndjson"),
              ("import", text), ("import", text, "-o", "out.rgs"), ("import", text, "-o", "-"),
              ("cycles", leak, "-o", "out.svg"), ("types", leak, "-o", "out.json"),
              ("why", leak, "Session", "-o", "out.dot"), ("info", path("half.rgs"))]
    words += [("completion", shell) for shell in ("bash", "zsh", "fish")]
    words += [("help",), ("help", "cycles"), ("help", "selections"), ("cycles", "--help"), ("--version",)]
    words += [("info", "--schema", leak)]
    # mistakes are told as they are, or memory ran out
    words += [("cicles", leak), ("why", leak, "Sesion"), ("types", leak, "--module", "ap"),
              ("why", leak, "@9999"), ("info", path("nothing")), ("info", path("none.rgs")),
              ("info", path("text")), ("types", leak, "--limit", "x"),
              ("objects", leak, "gen=2 annd cycle"), ("objects", leak, "sise>1"),
              ("objects", leak, "gen=untraked"), ("objects", leak, "listed"),
              ("why", leak, "Sesion", "--format", "json")]
    made = [functools.partial(failing.Command, *each) for each in words]
    made.append(functools.partial(failing.Command, "info", "-", inputs=leak))
    made.append(functools.partial(failing.Command, "info", "-", inputs=text))
    return made


def prepare(folder):
    for name in ("leak", "hostile"):
        subprocess.run([MAKE, name, os.path.join(folder, name + ".rgs")], check=True)
    leak = open(os.path.join(folder, "leak.rgs"), "rb").read()
    text = subprocess.run([failing.REFGRAPH, "export", os.path.join(folder, "leak.rgs")],
                          check=True, capture_output=True).stdout
    ids = subprocess.run([failing.REFGRAPH, "objects", os.path.join(folder, "leak.rgs"),
                          "Session", "--format", "ids"], check=True, capture_output=True).stdout
    for name, content in (("half.rgs", leak[:len(leak) // 2]), ("nothing", b""), ("ids", ids),
                          ("text", b"hello\n"), ("leak.ndjson", text)):
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
