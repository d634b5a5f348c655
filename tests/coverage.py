"""Which lines of the libraries the tests ran: make coverage.

Reads what an --enable-coverage build has counted, prints a table of folders, and writes
coverage/coverage.txt and coverage/index.html in the build folder. By gcovr where that is
installed, else by gcov alone.
"""

import collections
import html
import json
import os
import shutil
import subprocess
import sys

SOURCE, BUILD = os.environ["srcdir"], os.environ["builddir"]
OUT = os.path.join(BUILD, "coverage")
LIBRARIES = ("heapdump", "src")
STYLE = ("body{font-family:sans-serif}pre{margin:0}td{padding:0 1em 0 0;text-align:right}"
         "td:first-child{text-align:left}.no{background:#fdd}.yes{background:#dfd}")


def by_gcovr(gcovr):
    """Text to the terminal and a file, HTML in detail: all of it is gcovr's own."""
    command = [gcovr, "--root", SOURCE, "--object-directory", BUILD, BUILD]
    for library in LIBRARIES:
        command += ["--filter", os.path.join(SOURCE, library) + "/"]
    return subprocess.run(command + [
        "--print-summary", "--txt", os.path.join(OUT, "coverage.txt"),
        "--html-details", os.path.join(OUT, "index.html")]).returncode


def counted_files():
    for library in LIBRARIES:
        for folder, _, names in os.walk(os.path.join(BUILD, library)):
            for name in sorted(names):
                if name.endswith(".gcda"):
                    yield os.path.join(folder, name)


def read_counts(gcov):
    """How often each line of each source file ran, over all programs."""
    counts = collections.defaultdict(lambda: collections.defaultdict(int))
    for path in counted_files():
        output = subprocess.run([gcov, "--json-format", "--stdout", path], cwd=BUILD,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        for text in output.splitlines():
            report = json.loads(text)
            for file in report["files"]:
                name = os.path.relpath(
                    os.path.join(report["current_working_directory"], file["file"]), SOURCE)
                if not name.startswith(LIBRARIES):
                    continue
                for line in file["lines"]:
                    counts[name][line["line_number"]] += line["count"]
    return counts


def ratio(lines):
    """Lines that ran, lines there are, and the share of the first in per cent."""
    ran = sum(count > 0 for count in lines)
    return ran, len(lines), 100 * ran / len(lines) if lines else 100


def text_of(counts):
    """A row a folder, then one a file, then the total."""
    folders = collections.defaultdict(list)
    for name, lines in counts.items():
        folders[os.path.dirname(name)] += lines.values()
    rows = [(name + "/", ratio(lines)) for name, lines in sorted(folders.items())]
    rows.append(("all", ratio([count for lines in folders.values() for count in lines])))
    files = [(name, ratio(list(lines.values()))) for name, lines in sorted(counts.items())]
    form = "{:<40} {:>6} of {:>6} lines {:>5.1f} %\n"
    return ["".join(form.format(name, *numbers) for name, numbers in part)
            for part in (rows, files)]


def page(title, body):
    return "<!DOCTYPE html><meta charset=utf-8><title>%s</title><style>%s</style><h1>%s</h1>%s" % (
        title, STYLE, title, body)


def write_file(name, text):
    with open(os.path.join(OUT, name), "w", encoding="utf-8") as file:
        file.write(text)


def write_html(counts):
    """An index and a page for each file, with the lines that ran in green, the others in red."""
    rows = ""
    for name, lines in sorted(counts.items()):
        link = name.replace("/", "-") + ".html"
        rows += "<tr><td><a href=%s>%s</a><td>%d<td>%d<td>%.1f %%" % (
            (link, name) + ratio(list(lines.values())))
        with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
            body = ""
            for number, text in enumerate(file, 1):
                ran = lines.get(number)
                body += "<pre%s>%5d %9s %s</pre>" % (
                    "" if ran is None else " class=yes" if ran else " class=no", number,
                    "" if ran is None else ran, html.escape(text.rstrip("\n")))
        write_file(link, page(name, body))
    write_file("index.html", page("Coverage", "<table><tr><td>file<td>ran<td>of<td>" + rows +
                                  "</table>"))


def main():
    gcovr, gcov = os.environ.get("GCOVR"), os.environ.get("GCOV")
    os.makedirs(OUT, exist_ok=True)
    if gcovr and shutil.which(gcovr):
        return by_gcovr(gcovr)
    if not gcov or not shutil.which(gcov):
        print("coverage: neither gcovr nor gcov is installed (Debian: gcovr, gcc)")
        return 1
    counts = read_counts(gcov)
    if not counts:
        print("coverage: nothing was counted: configure with --enable-coverage")
        return 1
    folders, files = text_of(counts)
    write_file("coverage.txt", files + "\n" + folders)
    write_html(counts)
    print(folders + "line by line: " + os.path.join(OUT, "index.html"), end="\n")
    return 0


sys.exit(main())
