"""Names, keys and values of a live process that try to break out of every form of an answer."""

import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402

EVIL = (
    "".join(map(chr, range(256))),
    "\ud800lone\udfff\udc80",
    "'\"`\\\\'\"\\",
    "\\N\\G\\n\\l\\r\\T\\E",
    "line\nline\r\n\tline\v\f",
    "]]>]]&gt;<![CDATA[",
    "</script></style></svg><script>alert(1)</script><!--",
    "&amp;&lt;&#0;&#x1b;&bogus;",
    "\x1b[2J\x1b]0;title\x07\x1b[31m\x9b31m\x90q\x9c",
    "\u202e\u2066\u200f\u061ctxet\u2069\u202c",
    "\u2028\u2029\ufeff\ufffe\uffff\U0010ffff\U000e0001",
    "\0\0\0nul\0",
    "%s%n%d{0}${HOME}$(id)`id`;|&",
    "a" * 10_000_000,
    "\u0301" * 5000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50,
    "",
    " ",
)
# what may move a terminal's cursor, colour its text or turn it round; newlines may stand
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069\ufeff]")


class Holder:
    pass


def evil_class(text):
    try:
        return type(text, (Holder,), {"__module__": text})
    except (ValueError, UnicodeError):      # a NUL, or no UTF-8: Python itself refuses
        return type("Evil", (Holder,), {"__module__": text})


def evil_function(text):
    def function():
        return text
    function.__name__ = function.__qualname__ = text
    return function


def be_evil():
    keep = globals()["keep"] = {}
    for number, text in enumerate(EVIL):
        one = evil_class(text)()
        one.__dict__[text] = one            # a cycle through an attribute of this name
        one.table = {text: {text: one}, (text,): [text, text.encode("utf-8", "replace")]}
        one.function = evil_function(text)
        keep[text] = one
        del number
    live.answer({"kept": lambda: len(keep)})


COMMANDS = (
    ("info",), ("types", "-n", "10000"), ("generations",), ("garbage",),
    ("cycles", "-n", "100"), ("objects", "-n", "100000"), ("objects", "str", "--sort", "value"),
    ("why", "Evil"), ("why", "str", "-n", "1000"), ("refs", "dict", "-n", "50"),
    ("backrefs", "str", "-n", "50", "--extra", "value,name,type,module,site,address"),
    ("show", "Evil"), ("path", "module", "str"), ("retained", "-n", "1000"),
    ("retained", "Evil", "-n", "100"), ("retained", "--tree", "--nodes", "500"),
)
DRAWN = {"cycles", "why", "refs", "backrefs", "show", "path", "retained"}


def no_controls(text, what):
    found = CONTROL.search(text)
    live.check(not found, what, "prints", repr(found and found.group()),
               repr(text[max(0, found.start() - 30):found.end()] if found else ""))


def run(snapshot, command, form):
    done = subprocess.run([*live.REFGRAPH, command[0], snapshot, *command[1:], "--format", form],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=live.LIMIT)
    what = "%s --format %s" % (" ".join(command), form)
    live.equal(done.returncode, 0, "%s: status (%s)" % (what, done.stderr[-300:]))
    no_controls(done.stderr.decode(), what)     # raises where it is no UTF-8
    return what, done.stdout


def each(folder, form, check):
    with live.Target("be_evil") as target:
        live.equal(target.ask("kept"), len(EVIL), "texts")
        snapshot = live.captured(target, folder)
    for command in COMMANDS:
        if form in ("text", "json") or command[0] in DRAWN:
            check(*run(snapshot, command, form))
    return snapshot


def test_text(folder):
    """Text: UTF-8 without a control character, lines of a bearable width"""
    def check(what, out):
        text = out.decode()
        no_controls(text, what)
        widest = max(map(width, text.split("\n")))
        live.check(widest <= 1000, what, "has a line of", widest, "columns")
    each(folder, "text", check)


def width(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF"
               else 1 for c in line)


def test_json(folder):
    """JSON: a strict parser reads it, and it has no surrogate and no control character"""
    def refuse(constant):
        raise ValueError(constant)

    def check(what, out):
        text = out.decode()
        no_controls(text, what)
        json.loads(text, parse_constant=refuse)
        text.encode()
    each(folder, "json", check)


@live.needs(lambda: shutil.which("dot"), "no dot here (graphviz)")
def test_dot(folder):
    """DOT: dot reads it without a word, and names no node anew"""
    def check(what, out):
        no_controls(out.decode().replace("\t", " "), what)
        done = subprocess.run(["dot", "-Tdot_json"], input=out, capture_output=True,
                              timeout=live.LIMIT)
        live.equal((done.returncode, done.stderr), (0, b""), "dot, of " + what)
        names = [one["name"] for one in json.loads(done.stdout).get("objects", [])]
        odd = [name for name in names if not re.fullmatch(r"n\d+|cluster_\d+", name)]
        live.check(not odd, what, "has nodes", odd[:5])
    each(folder, "dot", check)


def test_svg(folder):
    """SVG: an XML parser reads it, and no element comes from the heap"""
    known = {"svg", "g", "title", "polygon", "path", "text", "ellipse", "polyline", "a", "defs",
             "linearGradient", "stop"}

    def check(what, out):
        no_controls(out.decode(), what)
        names = {e.tag.split("}")[-1] for e in xml.etree.ElementTree.fromstring(out).iter()}
        live.check(names <= known, what, "has elements", names - known)
    each(folder, "svg", check)


def test_ndjson(folder):
    """NDJSON: each line is read by a strict parser, and comes back as it was"""
    with live.Target("be_evil") as target:
        snapshot = live.captured(target, folder)
    out = subprocess.run([*live.REFGRAPH, "export", snapshot], capture_output=True,
                         timeout=live.LIMIT)
    live.equal(out.returncode, 0, "status (%s)" % out.stderr)
    for line in out.stdout.decode().split("\n")[:-1]:
        no_controls(line, "export")
        json.loads(line)
    back = os.path.join(folder, "back.rgs")
    done = subprocess.run([*live.REFGRAPH, "import", "-", "-o", back], input=out.stdout,
                          capture_output=True, timeout=live.LIMIT)
    live.equal(done.returncode, 0, "status of import (%s)" % done.stderr)
    again = subprocess.run([*live.REFGRAPH, "export", back], capture_output=True,
                           timeout=live.LIMIT)
    live.equal(sorted(again.stdout.split(b"\n")), sorted(out.stdout.split(b"\n")), "lines")


def test_terminal(folder):
    """On a terminal nothing reaches it raw either"""
    import pty
    with live.Target("be_evil") as target:
        snapshot = live.captured(target, folder)
    for command in COMMANDS:
        seen = bytearray()

        def read(fd, seen=seen):
            data = os.read(fd, 65536)
            seen += data
            return b""
        pid, fd = pty.fork()
        if pid == 0:
            os.environ["LC_ALL"] = "C.UTF-8"
            os.execvp(live.REFGRAPH[0], [*live.REFGRAPH, command[0], snapshot, *command[1:]])
        try:
            while True:
                read(fd)
        except OSError:
            pass
        os.close(fd)
        live.equal(os.waitpid(pid, 0)[1], 0, " ".join(command))
        # the terminal itself makes \r\n; progress draws its one line and clears it
        text = re.sub("\r\x1b\\[K|\r\n|\x1b\\[K", "\n", seen.decode())
        no_controls(text.replace("\r", "\n"), " ".join(command))


if __name__ == "__main__":
    live.main(test_text, test_json, test_dot, test_svg, test_ndjson, test_terminal)
