"""Golden cases of the command line: what each command prints, on both streams, and its status.

A case is a file cases/NAME.case:

    # what it shows                  any number of comment lines
    # needs: dot                     skipped where this program is missing
    $ refgraph cycles leak.rgs       one line for sh; NAME.case may hold several
    --- stdout
    --- stderr
    --- status 0

It runs in a fresh folder with the snapshots that make_snapshot writes (leak.rgs, empty.rgs,
hostile.rgs, newer.rgs) and with things that are none: nothing (an empty file), text, program (ELF),
folder/, cut.rgs (leak.rgs without its last 40 bytes) and half.rgs. The version of refgraph is
written VERSION. No case may print a control character but newlines, and the tabs of DOT.

RG_UPDATE=1 writes what came out into the cases: look at the difference before it is committed.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("builddir") or os.getcwd()
REFGRAPH = os.environ.get("REFGRAPH") or os.path.join(BUILD, "refgraph")
MAKE = os.path.join(BUILD, "tests", "cli", "make_snapshot")
UPDATE = os.environ.get("RG_UPDATE") == "1"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def prepare(folder):
    """Fill FOLDER; returns the environment of the commands."""
    for name in ("leak", "empty", "hostile", "newer"):
        subprocess.run([MAKE, name, os.path.join(folder, name + ".rgs")], check=True)
    leak = open(os.path.join(folder, "leak.rgs"), "rb").read()
    files = {"nothing": b"", "text": b"hello, world\n", "program": b"\x7fELF\2\1\1" + bytes(57),
             "cut.rgs": leak[:-40], "half.rgs": leak[:len(leak) // 2]}
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as out:
            out.write(content)
    os.mkdir(os.path.join(folder, "folder"))
    os.mkdir(os.path.join(folder, "bin"))
    os.symlink(os.path.abspath(REFGRAPH), os.path.join(folder, "bin", "refgraph"))
    return dict(os.environ, PATH=os.path.join(folder, "bin") + ":" + os.environ["PATH"],
                XDG_CACHE_HOME=os.path.join(folder, "cache"), LC_ALL="C.UTF-8")


class Case:
    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)[:-len(".case")]
        self.text = open(path, encoding="utf-8", errors="surrogateescape").read()
        self.comments = re.findall(r"(?m)^# .*$", self.text.split("\n$ ")[0])
        self.needs = re.findall(r"(?m)^# needs: (.*)$", self.text)
        self.commands = re.findall(r"(?m)^\$ (.*)$", self.text)

    def run(self, environment, version):
        """The text that the case should have."""
        folder = environment["XDG_CACHE_HOME"][:-len("/cache")]
        parts = self.comments[:]
        for command in self.commands:
            done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
            out, err = (re.sub("refgraph " + re.escape(version) + r"\b", "refgraph VERSION",
                               stream.decode("utf-8", "surrogateescape"))
                        for stream in (done.stdout, done.stderr))
            parts += ["$ " + command, "--- stdout"] + lines(out) + ["--- stderr"] + lines(err)
            parts.append("--- status %d" % done.returncode)
        return "\n".join(parts) + "\n"


def lines(text):
    if text and not text.endswith("\n"):
        text += "\n(no newline at the end)\n"
    return text.split("\n")[:-1]


def difference(want, got):
    """The first line that differs, for the log."""
    want, got = want.split("\n"), got.split("\n")
    for number, (a, b) in enumerate(zip(want + [""] * len(got), got + [""] * len(want)), 1):
        if a != b:
            return ["line %d" % number, "expected: " + a, "printed:  " + b]
    return []


def check(number, case, environment, version):
    missing = [program for program in case.needs if not shutil.which(program)]
    if missing:
        print("ok %d - %s # SKIP no %s here" % (number, case.name, missing[0]))
        return
    got = case.run(environment, version)
    if UPDATE and got != case.text:
        with open(case.path, "w", encoding="utf-8", errors="surrogateescape") as out:
            out.write(got)
        case.text = got
    problems = difference(case.text, got)
    if CONTROLS.search(got):
        problems.append("a control character: %r" % CONTROLS.search(got).group())
    print("%s %d - %s" % ("not ok" if problems else "ok", number, case.name))
    for line in problems:
        print("# " + line.encode("ascii", "backslashreplace").decode())


def main():
    sys.stdout.reconfigure(line_buffering=True)
    cases = [Case(path) for path in sorted(glob.glob(os.path.join(HERE, "cases", "*.case")))]
    wanted = sys.argv[1:]
    cases = [case for case in cases if not wanted or case.name in wanted]
    with tempfile.TemporaryDirectory(prefix="refgraph-cli-") as folder:
        environment = prepare(folder)
        version = subprocess.run([REFGRAPH, "--version"], capture_output=True, text=True,
                                 check=True).stdout.split()[1]
        print("1..%d" % len(cases))
        for number, case in enumerate(cases, 1):
            check(number, case, environment, version)


main()
