"""NDJSON against the binary form: every workload comes back, record by record; from a pipe in
bounded memory; text of every kind, checked with another JSON parser; dumps of other runtimes, the
example one and one of ids and references only."""

import contextlib
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import rgs  # noqa: E402
import workloads  # noqa: E402

BUILD = os.environ.get("builddir") or os.getcwd()
TINY = os.path.join(BUILD, "examples", "runtime", "tiny")

# the targets

KEPT = []


def workload(name, n):
    KEPT.append(workloads.build(name, n))
    live.answer({})


HOSTILE = ["".join(map(chr, range(256))), "\ud800", "x\udfffy", '"', "\\", "\n", "]]>", "</script>",
           "\x1b[31mred\x1b[0m", "\u202eright to left\u2069", "\u2028", "\U0001f40d", "\0", "",
           "\u00e9" * 50000]


class Thing:
    pass


def hostile():
    """HOSTILE as keys, values, attributes and names, also as bytes."""
    for text in HOSTILE:
        thing = Thing()
        setattr(thing, text, text)
        KEPT.append((thing, {text: text}, {text.encode("utf-8", "surrogatepass")}))
        if "\0" not in text and "\ud800" not in text and "\udfff" not in text:
            KEPT.append(type(text, (), {})())
    KEPT.append(bytes(range(256)))
    KEPT.append("\u20ac" * (10 << 20))
    live.answer({})


# helpers

def succeed(*arguments, **options):
    done = live.refgraph(*arguments, **options)
    live.equal(done.returncode, 0, "exit status of refgraph %s: %s" % (
        " ".join(map(str, arguments)), done.stderr.strip()))
    return done


def resolved(snapshot):
    """All that a snapshot says, by kind of record, with strings in place of their numbers."""
    string = snapshot.string
    return {
        "shift": snapshot.shift, "damage": snapshot.damage,
        "types": [kind._replace(name=string(kind.name), module=string(kind.module))
                  for kind in snapshot.types],
        "addresses": snapshot.address, "types of objects": snapshot.type,
        "flags": snapshot.flags, "sizes": snapshot.size, "refcounts": snapshot.refcount,
        "items": snapshot.items, "extra": snapshot.extra,
        "sources": snapshot.source, "targets": snapshot.target, "heads": snapshot.head,
        "labels": [string(label) if head & 7 == rgs.LABEL_STRING else label
                   for head, label in zip(snapshot.head, snapshot.label)],
        "values": snapshot.values,
        "roots": [root._replace(name=string(root.name), label=string(root.label))
                  for root in snapshot.roots],
        "threads": [thread._replace(name=string(thread.name)) for thread in snapshot.threads],
        "frames": [frame._replace(function=string(frame.function), file=string(frame.file))
                   for frame in snapshot.frames],
        "facts": snapshot.facts}


def same(path, other):
    first, second = resolved(rgs.read(path)), resolved(rgs.read(other))
    live.check(len(first["addresses"]) > 0, "no objects in", path)
    for what in first:
        live.check(first[what] == second[what], what, "differ")


def there_and_back(path):
    """PATH as text and as a snapshot again; the name of the text."""
    text, back = path + ".ndjson", path + ".back.rgs"
    succeed("export", path, "-o", text)
    succeed("import", text, "-o", back)
    same(path, back)
    return text


def write(folder, name, content):
    path = os.path.join(folder, name)
    with open(path, "w" if isinstance(content, str) else "wb") as out:
        out.write(content)
    return path


# both ways

def test_workloads(folder):
    """Every workload is the same after binary, NDJSON, binary"""
    for name in workloads.NAMES:
        with live.Target("workload", name, live.count(20000, 200000)) as target:
            path = live.captured(target, folder)
        text = there_and_back(path)
        direct, through = live.ask("cycles", path, "--stable"), live.ask("cycles", text, "--stable")
        live.equal((direct["source"].pop("kind"), through["source"].pop("kind")),
                   ("snapshot", "ndjson"), "the kinds of source")
        live.check(direct == through, name, "has other cycles as NDJSON")
        os.unlink(text)


def test_text(folder):
    """Text of every kind is valid JSON, and comes back"""
    with live.Target("hostile") as target:
        path = live.captured(target, folder)
    text = there_and_back(path)
    found = set()
    with open(text, "rb") as lines:
        for line in lines:
            record = json.loads(line.decode("utf-8", "strict"))
            value = record.get("value")
            if record["record"] == "value":
                found.add(bytes.fromhex(value["hex"]) if isinstance(value, dict) else value)
            live.check(not any(byte < 32 and byte != 10 or byte == 127 for byte in line),
                       "a control character in", line[:200])
            live.check(b"</script" not in line, "a tag in", line[:200])
            live.check("\u202e" not in line.decode(), "a change of direction in", line[:200])
    for wanted in HOSTILE[3:-2]:
        live.check(any(isinstance(value, str) and wanted in value for value in found),
                   repr(wanted), "is not there")
    live.check(any(isinstance(value, bytes) and value.startswith(b"\x00\x01") for value in found) or
               any(isinstance(value, str) and value.startswith("\0\1") for value in found),
               "no bytes")


def test_written_text(folder):
    """Text that others write as ids, names, labels and values is what refgraph shows"""
    texts = [text for text in HOSTILE if "\ud800" not in text and "\udfff" not in text]
    lines = [json.dumps({"id": text, "type": "m." + text.replace(".", ""), "value": text,
                         "references": [{"to": text, "label": text}]}, ensure_ascii=ascii)
             for text in texts for ascii in [bool(len(text) % 2)]]
    path = write(folder, "texts.ndjson", ("\n".join(lines)).encode())
    snapshot = path + ".rgs"
    succeed("import", path, "-o", snapshot)
    found = resolved(rgs.read(snapshot))
    live.equal(len(found["addresses"]), len(texts), "objects")
    cut = [text.encode()[:65536].decode(errors="ignore") for text in texts]
    live.equal(found["labels"], cut, "labels")
    values = {value.text for values in found["values"].values() for value in values}
    live.check(set(cut) <= values, "values are missing")
    live.equal(live.ask("cycles", path)["totals"]["cycles"], len(texts), "cycles")


def test_pipe(folder):
    """From a pipe, a million objects take constant memory beyond the graph"""
    n = live.count(1000000, 3000000)
    path = os.path.join(folder, "pipe.rgs")

    # a small process in between: the peak of a child begins with what its parent had
    helper = ("import os, resource, subprocess, sys\n"
              "status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL,\n"
              "                        stderr=subprocess.DEVNULL).returncode\n"
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
              "sys.exit(status)")

    def peak(lines, *words):
        child = subprocess.Popen([live.PYTHON3, "-c", helper, *live.REFGRAPH, *words],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for line in lines:
            child.stdin.write(line)
        child.stdin.close()
        kib = int(child.stdout.read())
        child.stdout.close()
        live.equal(child.wait(), 0, "exit status of " + words[0])
        return kib / 1024

    def objects(count):
        for start in range(0, count, 1000):
            yield b"".join(
                b'{"id":%d,"type":"app.Node","size":48,"refcount":1,"generation":2,"references":'
                b'[{"to":%d,"label":"next"}]}\n' % (16 * i, 16 * (i * 7919 % count))
                for i in range(start, start + 1000))

    header = [b'{"record":"header","format":"refgraph-ndjson","version":"1.0","shift":3}\n']
    few = peak([*header, *objects(1000), b'{"record":"end"}\n'], "import", "-", "-o", path)
    many = peak((part for source in (header, objects(n), [b'{"record":"end"}\n'])
                 for part in source), "import", "-", "-o", path)
    asan = "asan" in subprocess.run(["ldd", live.REFGRAPH[0]], capture_output=True,
                                    text=True).stdout
    print("# import of %d objects: %.1f MiB, of 1000: %.1f MiB" % (n, many, few))
    live.check(asan or many < few + 4, "import grew from %.1f to %.1f MiB" % (few, many))
    live.equal(len(rgs.read(path).address), n, "objects")
    # with no header the ids are remembered; the heap is loaded for an answer
    whole = peak(objects(n), "info", "-")
    print("# info of %d objects: %.1f MiB, %.0f bytes each" % (n, whole, whole * 2 ** 20 / n))
    live.check(asan or whole * 2 ** 20 < 250 * n + (20 << 20), "info took %.1f MiB" % whole)


def test_sources(folder):
    """A file, a pipe, a compressed file: NDJSON is a source as a snapshot is"""
    path = write(folder, "a.ndjson", '{"id":1,"references":[2]}\n{"id":2,"references":[1]}')
    asked = [live.refgraph("cycles", path), live.refgraph("cycles", "/dev/stdin", command=[
        "sh", "-c", 'cat "$0" | %s "$@"' % live.REFGRAPH[0], path])]
    if shutil.which("zstd"):
        subprocess.run(["zstd", "-q", path], check=True)
        asked.append(live.refgraph("cycles", path + ".zst"))
        asked.append(live.refgraph("cycles", "-", command=[
            "sh", "-c", '%s "$@" < "$0"' % live.REFGRAPH[0], path + ".zst"]))
    for done in asked:
        live.equal(done.returncode, 0, "exit status: " + done.stderr)
        live.check(done.stdout.startswith("1 cycle of 1 pattern in 2 objects"), done.stdout)
    # a snapshot goes through a pipe by a name too
    succeed("import", path, "-o", path + ".rgs")
    done = live.refgraph("info", "/dev/stdin", command=[
        "sh", "-c", 'cat "$0" | %s "$@"' % live.REFGRAPH[0], path + ".rgs"])
    live.check("2 objects" in done.stdout, done.stderr)
    # the default name, and what is there is not overwritten
    for status in (0, 2):
        done = live.refgraph("import", path, cwd=folder)
        live.equal(done.returncode, status, "exit status: " + done.stderr)
    live.equal(sorted(os.listdir(folder))[:3], ["a.ndjson", "a.ndjson.rgs", "a.ndjson.zst"][
        :3 if shutil.which("zstd") else 2] + ["a.rgs"][:0 if shutil.which("zstd") else 1], "files")


def test_damage(folder):
    """A bad line ends the input with a warning; a bad first line refuses it"""
    path = write(folder, "bad.ndjson", '{"id":1}\n{"id":2,\n{"id":3}\n')
    for words in (["info", path], ["export", path], ["import", path, "-o", path + ".rgs"]):
        done = succeed(*words)
        live.check("line 2, column 9: expected a key in quotes" in done.stderr, done.stderr)
        live.check("{" not in words[0] and "3 objects" not in done.stdout, done.stdout)
    answer = live.ask("info", path)
    live.equal((answer["source"]["complete"], answer["totals"]["objects"]), (False, 1), "answer")
    done = live.refgraph("info", path + ".rgs")
    live.check("warning" in done.stderr and done.returncode == 0, done.stderr)
    done = live.refgraph("info", write(folder, "worse.ndjson", "{'id':1}\n"))
    live.equal(done.returncode, 3, "exit status")
    live.check("line 1, column 2: expected a key in quotes" in done.stderr, done.stderr)
    done = live.refgraph("import", write(folder, "no.txt", "hello\n"), "-o", path + ".rgs")
    live.equal(done.returncode, 3, "exit status")


def test_near_ids(folder):
    """Ids that are small numbers, side by side, are all told apart, in any order"""
    n = 10007
    order = [i * 4999 % n for i in range(n)]
    path = write(folder, "near.ndjson", "".join(
        '{"id":%d,"references":[%d]}\n' % (i, (i + 1) % n) for i in order))
    answer = live.ask("cycles", path)
    live.equal((answer["totals"]["objects"], answer["totals"]["cycles"],
                answer["totals"]["cyclic_objects"]), (n, 1, n), "objects, cycles, objects in them")


def page_examples():
    """The examples of refgraph-ndjson(5): lines of each display, joined where they are broken."""
    page = os.path.join(os.environ.get("srcdir") or os.getcwd(), "man", "refgraph-ndjson.5")
    with open(page) as stream:
        displays = stream.read().split(".Bd -literal")[1:]
    for display in displays:
        text = display.split("\n", 1)[1].split(".Ed")[0].replace("\n ", "")
        if text.startswith("{"):
            yield text


def test_page(folder):
    """The examples of the page are what it says"""
    smallest, whole = page_examples()
    path = write(folder, "page.ndjson", smallest)
    totals = live.ask("cycles", path)["totals"]
    live.equal((totals["objects"], totals["references"], totals["cycles"]), (3, 3, 1), "smallest")
    path = write(folder, "page.ndjson", whole)
    chains = live.ask("why", path, "tiny.closure")["chains"]["rows"]
    live.equal([chain["path"] for chain in chains], ["<globals>.session.on_close"], "chain")
    live.equal(live.ask("info", path)["source"]["warnings"], [], "warnings")


# other runtimes

def test_ids_only(folder):
    """A graph of ids and references only is asked for everything"""
    path = write(folder, "graph.ndjson", "\n".join([
        '{"id":"main","references":["cache"]}',
        '{"id":"cache","references":["a","b"]}',
        '{"id":"a","references":["b","leaf"]}',
        '{"id":"b","references":["a"]}',
        '{"id":"lost","type":"Lost","references":["lost"]}',
        '{"record":"root","target":"main","name":"program"}', ""]))
    info = live.ask("info", path)
    live.equal((info["totals"]["objects"], info["totals"]["references"]), (6, 7), "objects")
    live.equal({warning["code"] for warning in info["source"]["warnings"]},
               {"no-refcounts", "only-referred"}, "warnings")
    live.equal(info["source"]["kind"], "ndjson", "kind of source")
    cycles = live.ask("cycles", path)
    live.equal((cycles["totals"]["cycles"], cycles["totals"]["cyclic_objects"]), (2, 3), "cycles")
    held = [row["held_by"] and row["held_by"]["root"] for row in cycles["cycles"]["rows"]]
    live.equal(held, ["interpreter: program", None], "held by")
    types = live.ask("types", path)["types"]["rows"]
    live.equal({row["type"]: row["count"] for row in types}, {"unknown": 5, "Lost": 1}, "types")
    garbage = live.ask("garbage", path)
    live.equal((garbage["collectable"]["objects"], garbage["hidden"]["objects"],
                garbage["unreached"]["objects"]), (0, 0, 0), "garbage")
    live.check("without a reference count" in succeed("garbage", path).stderr, "no warning")
    leaf = succeed("why", path, "unknown", "--limit", "9").stdout
    live.check("unknown leaf" in leaf and "interpreter  program" in leaf, leaf)
    picture = os.path.join(folder, "why.svg")
    succeed("why", path, "unknown", "--format", "svg", "-o", picture)
    with open(picture) as svg:
        live.check("</svg>" in svg.read(), "no picture")


def check_tiny(source):
    info = live.ask("info", source)
    live.equal((info["totals"]["objects"], info["totals"]["references"]), (18, 18), "objects")
    live.equal(info["source"]["runtime"], "tiny 1.0", "runtime")
    live.equal([row["objects"] for row in info["generations"]["rows"]], [5, 6, 7, 0, 0],
               "generations")
    types = {row["type"]: row["count"] for row in live.ask("types", source)["types"]["rows"]}
    live.equal(types, {"tiny.string": 11, "tiny.table": 4, "tiny.closure": 2, "tiny.pair": 1},
               "types")
    cycles = live.ask("cycles", source)
    live.equal(sorted((row["objects_all"], row["garbage"]) for row in cycles["cycles"]["rows"]),
               [(2, False), (2, True)], "cycles")
    garbage = live.ask("garbage", source)
    live.equal((garbage["collectable"]["objects"], garbage["collectable"]["cycles"],
                garbage["unreached"]["objects"], garbage["hidden"]["objects"]), (5, 1, 0, 0),
               "garbage")
    chains = live.ask("why", source, "tiny.closure")["chains"]["rows"]
    live.equal([chain["path"] for chain in chains],
               ["<globals>['sessions']['alice']['on_close']"], "chains")
    live.check("close_session" in succeed("why", source, "tiny.closure").stdout, "no name")


def test_runtime(folder):
    """The example runtime, linked and printed: its leak is found, and both dumps agree"""
    snapshot, text = os.path.join(folder, "tiny.rgs"), os.path.join(folder, "tiny.ndjson")
    subprocess.run([TINY, snapshot], check=True)
    with open(text, "wb") as out:
        subprocess.run([TINY, "--ndjson"], check=True, stdout=out)
    for source in (snapshot, text):
        check_tiny(source)
    there_and_back(snapshot)
    live.equal(os.stat(snapshot).st_mode & 0o777, 0o600, "mode")
    done = subprocess.run([TINY, os.path.join(folder, "no", "where")], capture_output=True)
    live.equal(done.returncode, 1, "exit status where nothing can be written")
    with contextlib.suppress(FileNotFoundError), open("/dev/full", "wb") as full:
        live.equal(subprocess.run([TINY, "--ndjson"], stdout=full).returncode, 1,
                   "exit status where the disk is full")


live.main(test_workloads, test_text, test_written_text, test_pipe, test_sources, test_damage,
          test_near_ids, test_page, test_ids_only, test_runtime)
