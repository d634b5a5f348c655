"""The manual and the help are true: their examples run, their options are those of the commands.

Every `$ refgraph ...` line of man/refgraph*.1, all of the help, and of README.md is run
in a temporary folder against the live example service: 4711 stands for its pid, leak.rgs,
shop.rgs, before.rgs and a.rgs for dumps of it, core.4711 for a core file, /srv/image for the root of this machine,
0x7f2a10c0 for the address of an object of it; heap.ndjson holds two objects, app.py
is a program, series.json what a watch wrote. A watch ends after a second. Each must exit with 0.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.environ.get("srcdir") or os.path.join(HERE, "..", ".."))
BUILD = os.environ.get("builddir") or os.getcwd()
REFGRAPH = os.path.abspath(os.environ.get("REFGRAPH") or os.path.join(BUILD, "refgraph"))
PYTHON3 = os.environ.get("PYTHON3") or sys.executable
PAGES = sorted(glob.glob(os.path.join(SOURCE, "man", "refgraph*.1")))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def refgraph(*words):
    return subprocess.run([REFGRAPH, *words], capture_output=True, text=True, check=True).stdout


def commands():
    """Name and summary of each command, as the help lists them."""
    listed = refgraph("help").split("Commands:\n")[1].split("\n\n")[0]
    return dict(re.findall(r"(?m)^  (\S+) +(.*)$", listed))


# --- the examples -------------------------------------------------------------------------------


def examples():
    """(where it stands, command line), each command line once."""
    found = []
    for page in PAGES:
        for line in re.findall(r"(?m)^\.Dl \$ (refgraph .*)$", read(page)):
            found.append((os.path.basename(page), line.replace("\\e", "\\")))
    for name in ["", *commands(), "selections"]:
        text = refgraph("help", *name.split()).split("\nUsage:")[0]
        for line in re.findall(r"(?m)^  (refgraph .*?) +# ", text):
            found.append((("help " + name).strip(), line))
    for block in re.findall(r"(?ms)^```\n(.*?)^```$", read(os.path.join(SOURCE, "README.md"))):
        for line in re.findall(r"(?m)^(?:\$ )?(refgraph .*?)(?: +# .*)?$", block):
            found.append(("README.md", line))
    return list({line: (where, line) for where, line in reversed(found)}.values())[::-1]


def some_address(snapshot):
    """Of an object that stays: the first on the chain to the cache."""
    answer = json.loads(refgraph("why", snapshot, "app.cache.Cache", "--format", "json"))
    return answer["chains"]["rows"][0]["steps"]["rows"][0]["object"]["address"]


def run_example(line, folder, pid, address):
    line = re.sub(r"\b4711\b", str(pid), line).replace("0x7f2a10c0", address)
    line = line.replace("/srv/image", "/")
    if line.startswith("refgraph watch %d" % pid):
        line += " --every 200ms --for 1s"
    environment = dict(os.environ, PATH=os.path.dirname(REFGRAPH) + ":" + os.environ["PATH"],
                       XDG_CACHE_HOME=os.path.join(folder, "cache"))
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=environment, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=120)
    err = done.stderr.decode(errors="replace").strip()
    assert done.returncode == 0, "status %d: %s" % (done.returncode, err)
    assert done.stdout or " -o " in line or " > " in line, "nothing was printed"


# --- the pages ------------------------------------------------------------------------------------


def plain(mdoc):
    """mdoc text without its macros and escapes."""
    return re.sub(r"\\\(dq|\\&", "", mdoc)


def same_options(page, command):
    """The OPTIONS of the page are those of the command, in the same order."""
    section = read(page).split(".Sh OPTIONS")[1].split(".Sh EXIT STATUS")[0]
    written = [" ".join(item.replace("Fl -", "--").replace("Fl ", "-").replace(" , ", ", ")
                        .replace("Ar ", "").split())
               for item in re.findall(r"(?m)^\.It (Fl .*)$", section)]
    helped = re.findall(r"(?m)^  (?:    )?(-\S.*?)(?:  .*)?$",
                        refgraph("help", command).split("\nOptions:\n")[1])
    assert written == helped, "page: %s; help: %s" % (written, helped)


def same_summary(page, summary):
    written = re.search(r"(?m)^\.Nd (.*)$", read(page)).group(1)
    assert plain(written) == summary, "%r is not %r" % (written, summary)


def lint(page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True,
                          text=True)
    assert done.returncode == 0 and not done.stdout, done.stdout


def has_sections(page):
    wanted = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"]
    found = [name for name in re.findall(r"(?m)^\.Sh (.*)$", read(page)) if name in wanted]
    assert found == wanted, "sections: %s" % found


def same_fields():
    """The fields of selections in refgraph(1) are those of the help, in the same order."""
    section = read(PAGES[-1]).split(".Ss Selections")[1].split(".Bl -tag -width Ds")[1].split(".El")[0]
    written = [re.sub(r" Op Ar (\w+)", r" [\1]", item).replace(" Ar ", " ").replace(" , Cm ", ", ")
               for item in re.findall(r"(?m)^\.It Cm (.*)$", section)]
    helped = re.findall(r"(?m)^  (\S.*?)  +\S", refgraph("help", "selections").split("Fields:\n")[1])
    assert written == helped, "page: %s; help: %s" % (written, helped)


def one_page_each():
    names = {os.path.basename(page)[:-2] for page in PAGES}
    assert names == {"refgraph"} | {"refgraph-" + name for name in commands()}, names


def page_tests():
    skip = "" if shutil.which("mandoc") else " # SKIP no mandoc here"
    yield "one page for each command", one_page_each, (), ""
    yield "fields of selections", same_fields, (), ""
    for page in PAGES:
        name = os.path.basename(page)
        command = name[len("refgraph-"):-2]
        yield "lint of " + name, lint, (page,), skip
        yield "sections of " + name, has_sections, (page,), ""
        if command in commands():
            yield "options of " + name, same_options, (page, command), ""
            yield "summary of " + name, same_summary, (page, commands()[command]), ""


# --- running ----------------------------------------------------------------------------------------


def start_service():
    service = subprocess.Popen(
        [PYTHON3, "-B", os.path.join(SOURCE, "examples", "leaky_service"), "--until-eof"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return service, int(re.match(r"READY pid=(\d+)", service.stdout.readline()).group(1))


def example_tests(folder, pid):
    skip, address = "", ""
    dump = subprocess.run([REFGRAPH, "dump", str(pid), "-o", os.path.join(folder, "leak.rgs")],
                          capture_output=True, text=True)
    if dump.returncode == 4:
        skip = " # SKIP " + dump.stderr.splitlines()[0]
    else:
        assert dump.returncode == 0, dump.stderr
        for name in ("shop", "before", "after", "a", "b", "c"):
            shutil.copy(os.path.join(folder, "leak.rgs"), os.path.join(folder, name + ".rgs"))
        address = some_address(os.path.join(folder, "leak.rgs"))
        refgraph("watch", str(pid), "--every", "100ms", "--count", "3", "--no-save", "-o",
                 os.path.join(folder, "series.json"))
    gcore = shutil.which("gcore")
    if gcore and not skip:
        subprocess.run([gcore, "-o", os.path.join(folder, "core"), str(pid)],
                       capture_output=True, check=True)
    with open(os.path.join(folder, "app.py"), "w", encoding="utf-8") as out:
        out.write("made = []\nmade.append(made)\n")
    with open(os.path.join(folder, "heap.ndjson"), "w", encoding="utf-8") as out:
        out.write('{"id":1,"references":[2]}\n{"id":2,"references":[1]}\n')
    for where, line in examples():
        lacking = "" if gcore or "core.4711" not in line else " # SKIP no gcore here (gdb)"
        yield ("%s: %s" % (where, line), run_example, (line, folder, pid, address),
               skip or lacking)


def run(number, name, test, words, skip):
    problem = None
    try:
        if not skip:
            test(*words)
    except Exception as error:  # of any kind: what the manual says does not hold
        problem = "%s: %s" % (type(error).__name__, error)
    name = name.replace("#", "\\#")
    print("%s %d - %s%s" % ("not ok" if problem else "ok", number, name, skip))
    for line in (problem or "").splitlines()[:12]:
        print("# " + line)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    service, pid = start_service()
    try:
        with tempfile.TemporaryDirectory(prefix="refgraph-manual-") as folder:
            tests = list(page_tests()) + list(example_tests(folder, pid))
            print("1..%d" % len(tests))
            for number, (name, test, words, skip) in enumerate(tests, 1):
                run(number, name, test, words, skip)
    finally:
        service.communicate("")


main()
