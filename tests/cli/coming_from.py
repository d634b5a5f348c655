"""docs/coming-from.md is true: its examples run, and each function of objgraph is in it.

Each `$ refgraph ...` line of a ```console block runs in a temporary folder, in the order of the
page, and must print what stands below it. The target is the program of the page's first block,
which is started once; 4711 stands for its pid, and between the two dumps it is told to grow. What
may differ from run to run does not count: object numbers, addresses, sizes with their unit, shares,
lengths, indices and the numbers in the keys of the cache, numbers from 1,000 on, and how many blanks
there are. All other numbers, such as how many objects there are, must be as on the page. With another
CPython than that of the page (instances have a __dict__, a list is larger than a Session) each
command must still succeed and print something; what it prints is not compared.

RG_UPDATE=1 writes what was printed into the page: look at the difference before it is committed.
"""

import inspect
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.environ.get("srcdir") or os.path.join(HERE, "..", ".."))
BUILD = os.environ.get("builddir") or os.getcwd()
REFGRAPH = os.path.abspath(os.environ.get("REFGRAPH") or os.path.join(BUILD, "refgraph"))
PYTHON3 = os.environ.get("PYTHON3") or sys.executable
UPDATE = os.environ.get("RG_UPDATE") == "1"
PAGE = os.path.join(SOURCE, "docs", "coming-from.md")
BLOCK = re.compile(r"(?ms)^```console\n(.*?)^```$")

# What the page must have a word for, where the tool itself is not here to be asked.
FUNCTIONS = {
    "objgraph": "count typestats most_common_types show_most_common_types growth show_growth "
                "get_new_ids get_leaking_objects by_type at at_addrs find_ref_chain "
                "find_backref_chain show_backrefs show_refs show_chain is_proper_module",
    "refcycle": "cycles_created_by garbage key_cycles objects_reachable_from snapshot "
                "owned_objects ObjectGraph children parents references in_edges out_edges head "
                "tail descendants ancestors shortest_path shortest_cycle "
                "strongly_connected_components source_components count_by find_by "
                "count_by_typename find_by_typename full_subgraph annotated to_dot export_image "
                "to_json from_json export_json import_json",
    "guppy3": "byclodo byrcs byvia byprod bytype bysize bymodule domisize dominos imdom numpaths "
              "shpaths rp setrelheap heap heapu",
    "pympler": "asizeof get_objects summarize print_diff track_class reduce_to_cycles",
    "meliae": "dump_all_objects load collapse_instance_dicts remove_expensive_references "
              "compute_parents compute_total_size summarize refs_as_dict",
    "memory_profiler": "@profile mprof memory_usage",
    "tracemalloc": "take_snapshot statistics compare_to get_object_traceback filter_traces",
}


def told(text):
    """TEXT without what may differ."""
    for pattern, word in ((r"0x[0-9a-f]+", "ADDRESS"), (r"@[0-9]+", "@N"),
                          (r"[+-]?[0-9][0-9.,]* (B|KiB|MiB)\b", "SIZE"),
                          (r"[0-9.]+ %", "SHARE"), (r"[0-9,]+ items?\b", "ITEMS"),
                          (r"\[[0-9]+\]", "[N]"),
                          (r"user-[0-9]+", "user-N"), (r"[+-]?\b[0-9]{1,3}(,[0-9]{3})+", "MANY"),
                          (r"[─-]{3,}", "---"), (r"[ \t]+", " ")):
        text = re.sub(pattern, word, text)
    return "\n".join(line.strip() for line in text.strip().split("\n"))


class Shop:
    """The example program."""

    def __enter__(self):
        self.process = subprocess.Popen(
            [PYTHON3, "examples/shop.py"], text=True, cwd=SOURCE,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.wait()
        return self

    def wait(self):
        assert self.process.stdout.readline() == "ready\n", "the example program has ended"

    def grow(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.wait()

    def __exit__(self, *_error):
        self.process.kill()
        self.process.communicate()


def is_other(page):
    """True where the target is of another version than the page; says so."""
    version = subprocess.run(
        [PYTHON3, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True, text=True, check=True).stdout.strip()
    if "with CPython %s." % version in page:
        return False
    print("# CPython %s is not that of the page: the output is not compared" % version)
    return True


def commands(page):
    """(command line, what stands below it), of all console blocks."""
    for block in BLOCK.findall(page):
        for part in re.split(r"(?m)^\$ ", block)[1:]:
            line, _, below = part.partition("\n")
            yield line, below


def run(line, folder, shop):
    words = shlex.split(line.replace("4711", str(shop.process.pid)))
    done = subprocess.run([REFGRAPH, *words[1:]], cwd=folder, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120,
                          env=dict(os.environ, XDG_CACHE_HOME=os.path.join(folder, "cache")))
    assert done.returncode == 0, "status %d: %s" % (done.returncode, done.stderr.strip())
    if words[1] == "dump" and not shop.grown:
        shop.grown = True
        shop.grow()
    # a file of the program is named as one who stands in this folder would
    return done.stdout.replace(SOURCE + "/", "") if words[1] != "dump" else ""


def check_example(line, below, folder, shop, printed):
    printed[line] = run(line, folder, shop)
    if shop.other:
        assert printed[line] or "dump" in line, "nothing was printed"
        return
    assert UPDATE or told(printed[line]) == told(below), \
        "printed:\n%s\nexpected:\n%s" % (told(printed[line]), told(below))
    for row in printed[line].split("\n"):
        assert len(row) <= 100, "longer than 100 columns: " + row


def check_names(tool, page):
    section = page.split("\n## %s\n" % tool)[1].split("\n## ")[0]
    names = FUNCTIONS[tool].split()
    if tool == "objgraph":
        try:
            import objgraph
        except ImportError:
            print("# the installed objgraph is not asked: there is none")
        else:
            names += [name for name, value in vars(objgraph).items()
                      if inspect.isfunction(value) and value.__module__ == "objgraph"
                      and not name.startswith("_")]
    missing = [name for name in names if not re.search(r"(?<![\w])%s(?!\w)" % re.escape(name),
                                                       section)]
    assert not missing, "not in the section: " + ", ".join(missing)


def check_words(page):
    """Every command in the tables is one of refgraph's, and every option an option."""
    text = subprocess.run([REFGRAPH, "help"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"(?m)^  (\S+) ", text)) | {"leaks", "watch", "export", "import"}
    command = re.compile(r"`([a-z]+) (?:shop\.rgs|before\.rgs|after\.rgs|PID|SNAPSHOT|--)")
    for row in re.findall(r"(?m)^\|[^|]*\|(.*)\|$", page.replace("\\|", "")):
        for word in command.findall(row):
            assert word in known, "no command '%s': %s" % (word, row)


def write(page, printed):
    def fill(match):
        block = ""
        for part in re.split(r"(?m)^\$ ", match.group(1))[1:]:
            line, _, below = part.partition("\n")
            block += "$ %s\n%s" % (line, re.sub(r"(?m)[ \t]+$", "", printed.get(line, below)))
        return "```console\n%s```" % block
    with open(PAGE, "w", encoding="utf-8") as out:
        out.write(BLOCK.sub(fill, page))


def main():
    page = open(PAGE, encoding="utf-8").read()
    printed, failed, number = {}, 0, 0

    def one(name, check, *arguments):
        nonlocal failed, number
        number += 1
        try:
            check(*arguments)
            print("ok %d - %s" % (number, name))
        except (AssertionError, subprocess.SubprocessError) as error:
            failed += 1
            print("not ok %d - %s\n# %s" % (number, name, str(error).replace("\n", "\n# ")))

    with tempfile.TemporaryDirectory(prefix="refgraph-coming-") as folder, Shop() as shop:
        shop.grown, shop.other = False, is_other(page)
        for line, below in commands(page):
            if line.startswith("refgraph "):
                one(line, check_example, line, below, folder, shop, printed)
    for tool in FUNCTIONS:
        one("every function of %s has its row" % tool, check_names, tool, page)
    one("the tables name commands that there are", check_words, page)
    print("1..%d" % number)
    if UPDATE and not failed:
        write(page, printed)
    return failed > 0


sys.exit(main())
