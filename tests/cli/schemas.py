"""The JSON that scripts rely on: schemas as published, answers as the schemas say.

The schemas in schemas/ are what the tool prints, byte for byte; the names and types that scripts
rely on are in them; real answers of every command obey them; keys are sorted, lists consistent;
--stable is the same for two captures of an idle process and free of what differs.

RG_UPDATE=1 writes the schemas anew.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    jsonschema = None

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("srcdir") or os.path.join(HERE, "..", "..")
BUILD = os.environ.get("builddir") or os.getcwd()
REFGRAPH = os.environ.get("REFGRAPH") or os.path.join(BUILD, "refgraph")
MAKE = os.path.join(BUILD, "tests", "cli", "make_snapshot")
COMMANDS = ("ps", "info", "types", "cycles", "generations", "garbage", "objects", "show", "refs",
            "backrefs", "why", "path", "audit", "retained", "diff", "leaks")
PUBLISHED = COMMANDS + ("watch",)       # of a process alone
# How often a command wants the selection behind its source.
SELECTIONS = {"objects": 1, "show": 1, "refs": 1, "backrefs": 1, "why": 1, "path": 2,
              "retained": 1}

# The names that are fixed: a changed or removed one is a new major version.
ENVELOPE = {"schema", "tool", "source", "policy", "totals"}
SOURCE_NAMES = {"kind", "name", "runtime", "pid", "captured", "complete", "snapshot",
                "fingerprint", "warnings"}
OBJECT = {"id", "address", "type", "type_id", "size", "footprint", "refcount", "generation",
          "tracked", "items", "folded", "value", "value_exact", "name", "site", "immortal"}
REFERENCE = {"from", "to", "kind", "label"}
CHAIN = {"root", "path", "steps"}
GRAPH = {"nodes", "edges", "left_out"}
NODE = OBJECT | {"role", "alike"}
EDGE = REFERENCE | {"alike"}
TYPE = {"type", "module", "type_id", "count", "size"}
GENERATION = {"generation", "objects", "size"}
FIXED = {
    "ps": {"processes": {"pid", "inner_pid", "runtime", "rss", "threads", "command", "attachable", "why_not"}},
    "info": {"": ENVELOPE, "source": SOURCE_NAMES, "source.warnings": {"code", "message"},
             "policy": {"edges", "raw"}, "totals": {"objects", "references", "size"},
             "runtime": {"version", "pid", "inner_pid", "argv", "rss", "gc"},
             "runtime.gc": {"enabled", "thresholds", "counts", "stats"},
             "generations": GENERATION, "roots": {"kind", "count"},
             "file": {"size", "bytes_per_object"}},
    "types": {"": ENVELOPE, "types": TYPE | {"share"}},
    "cycles": {"": ENVELOPE,
               "totals": {"objects", "references", "size", "cycles", "cyclic_objects",
                          "cyclic_size", "largest"},
               "cycles": {"signature", "pattern", "alike", "shapes", "objects_min", "objects_max",
                          "objects_all", "size_all", "types", "generations", "garbage",
                          "finalizers", "held_by", "break", "members"},
               "cycles.pattern": {"from_type", "kind", "label", "to_type"},
               "cycles.shapes": {"shape", "alike", "objects", "references", "size"},
               "cycles.types": TYPE, "cycles.generations": GENERATION, "cycles.held_by": CHAIN,
               "cycles.break": {"kind", "label", "from_type", "to_type", "count", "up", "leaves",
                                "example", "advice"},
               "cycles.break.example": REFERENCE, "cycles.members": OBJECT},
    "generations": {"": ENVELOPE,
                    "generations": GENERATION | {"cycles", "threshold", "count", "types"},
                    "generations.types": TYPE},
    "garbage": {"": ENVELOPE,
                "collectable": {"tracked", "objects", "size", "cycles"},
                "uncollectable": {"tracked", "objects", "size"},
                "may_resurrect": {"objects", "size"}, "hidden": {"objects", "size"},
                "unreached": {"objects", "size"}, "types": TYPE, "heads": OBJECT},
    "audit": {"": ENVELOPE | {"checked", "exact"},
              "excess": {"objects", "references"}, "deficit": {"objects", "references"},
              "types": {"type", "objects", "excess", "deficit"},
              "objects": OBJECT | {"found", "unexplained"}},
    "leaks": {"": ENVELOPE | {"triage", "suspects"},
              "suspects": {"signature", "kind", "retained", "share", "count", "type", "chain",
                           "accumulation", "break"},
              "suspects.chain": CHAIN},
    "diff": {"": ENVELOPE | {"sources", "matching"}, "sources": SOURCE_NAMES,
             "matching": {"certain", "likely", "new", "freed"},
             "types": {"type", "module", "before", "after", "delta", "new", "freed",
                       "size_before", "size_after", "size_delta"},
             "growth": {"signature", "path", "before", "after", "delta", "size_delta", "chain"},
             "survivors": TYPE},
    "watch": {"": ENVELOPE | {"every", "duration", "ended", "until", "growing", "rss"},
              "source": SOURCE_NAMES,
              "rss": {"first", "last", "delta", "per_minute", "trend", "p"},
              "samples": {"time", "rss", "objects", "size"},
              "types": {"type", "module", "first", "last", "delta", "per_minute", "size",
                        "size_delta", "trend", "p", "series"}},
    "why": {"": ENVELOPE, "chains": CHAIN | {"covers"},
            "chains.steps": {"object", "reference"}, "chains.steps.object": OBJECT,
            "chains.steps.reference": REFERENCE, "graph": GRAPH, "graph.nodes": NODE,
            "graph.edges": EDGE},
    "objects": {"": ENVELOPE, "objects": OBJECT},
    "retained": {"": ENVELOPE | {"reached", "unreached", "code", "selection"},
                 "objects": OBJECT | {"retained", "retained_objects", "share", "dominator",
                                      "count", "chain"},
                 "objects.chain": CHAIN, "drops": OBJECT | {"drop", "dominated", "mostly", "alike"},
                 "types": TYPE | {"retained", "share"}, "graph": GRAPH,
                 "reached": {"objects", "size"}, "unreached": {"objects", "size"},
                 "selection": {"objects", "size", "unreached", "retained", "retained_objects",
                               "share", "alone", "held_by", "types"},
                 "selection.alone": {"objects", "size"}, "selection.types": TYPE | {"share"}},
    "show": {"": ENVELOPE | {"object", "in", "out", "chain", "cycle"}, "object": OBJECT,
             "in": {"reference", "object"}, "in.reference": REFERENCE, "in.object": OBJECT,
             "out": {"reference", "object"}, "chain": CHAIN, "cycle": {"signature", "break"}},
    "refs": {"": ENVELOPE, "graph": GRAPH, "graph.nodes": NODE, "graph.edges": EDGE,
             "graph.left_out": {"objects", "references"}},
    "backrefs": {"": ENVELOPE, "graph": GRAPH, "graph.nodes": NODE, "graph.edges": EDGE},
    "path": {"": ENVELOPE | {"shortest"}, "paths": CHAIN, "paths.steps": {"object", "reference"},
             "graph": GRAPH, "graph.nodes": NODE, "graph.edges": EDGE},
}


def refgraph(*words, check=True):
    done = subprocess.run([REFGRAPH, *words], capture_output=True, text=True)
    if check and done.returncode != 0:
        raise AssertionError("refgraph %s: status %d: %s" % (
            " ".join(words), done.returncode, done.stderr))
    return done.stdout


def schema_of(command):
    return refgraph("help", command, "--schema")


# --- checks: each raises AssertionError ---------------------------------------------------------


def published(command):
    path = os.path.join(SOURCE, "schemas", "refgraph.%s.schema.json" % command)
    text = schema_of(command)
    if os.environ.get("RG_UPDATE") == "1":
        with open(path, "w") as out:
            out.write(text)
    with open(path) as file:
        assert file.read() == text, "%s differs: run with RG_UPDATE=1" % path


def inner(schema):
    """The record that a value of SCHEMA holds: through null, an array or a bounded list."""
    for option in schema.get("anyOf", ()):
        if option.get("type") != "null":
            return inner(option)
    if schema.get("type") == "array":
        return inner(schema["items"])
    properties = schema.get("properties", {})
    return inner(properties["rows"]) if set(properties) == {"shown", "of", "rows"} else schema


def fixed_names(command):
    schema = json.loads(schema_of(command))
    assert schema["properties"]["schema"]["const"] == "refgraph.%s/1" % command
    for path, names in FIXED[command].items():
        at = schema
        for name in path.split(".") if path else ():
            assert name in at["properties"], "no %s of %s" % (name, path)
            at = inner(at["properties"][name])
        missing = names - set(at["properties"])
        assert not missing, "%s lacks %s" % (path or "the answer", sorted(missing))


def walk(value, path=""):
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, path + "." + key)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item, path + "[]")


def consistent(answer, limit):
    for path, value in walk(answer):
        if not isinstance(value, dict):
            continue
        assert list(value) == sorted(value), "%s: keys are not sorted" % path
        if "rows" in value:
            assert set(value) == {"shown", "of", "rows"}, path
            assert value["shown"] == len(value["rows"]) <= value["of"], path
            whole = path == ".generations"  # there are five, always
            # a picture has a budget of its own, and so has a series
            whole = whole or path.startswith(".graph.") or path == ".samples"
            assert path.count(".") > 1 or whole or value["shown"] <= limit, path
        if "share" in value:
            assert 0 <= value["share"] <= 1, path
        if "address" in value:
            assert re.fullmatch("0x[0-9a-f]+", value["address"]), path
        if "generation" in value:
            assert value["generation"] in ("0", "1", "2", "permanent", "untracked"), path
        if "refcount" in value:
            assert (value["refcount"] is None) == bool(value.get("immortal")), path


def questions(snapshot, selection):
    """A command line for each command, and for each way of asking it."""
    yield ["ps"]
    for command in COMMANDS[1:]:
        words = [command, snapshot] + [selection] * SELECTIONS.get(command, 0)
        if command == "diff":           # against itself
            words.append(snapshot)
        yield words
        yield words + ["--stable"]
        if command != "info":
            yield words + ["--limit", "1"]
        if command not in ("info", "generations", "garbage", "audit", "leaks"):
            yield words + ["--raw"]
        if command in ("show", "why", "path"):
            yield words + ["--graph"]
        if command == "retained":
            yield words[:2]
            yield words[:2] + ["--limit", "1", "--stable"]
            yield words[:2] + ["--tree", "--raw"]


def answers(snapshot, selection):
    for words in questions(snapshot, selection):
        answer = json.loads(refgraph(*words, "--format", "json"))
        assert answer["schema"] == "refgraph.%s/1" % words[0]
        assert answer["tool"].startswith("refgraph ")
        consistent(answer, 1 if "--limit" in words else 1000)
        if jsonschema:
            jsonschema.validate(answer, json.loads(schema_of(words[0])))


def series(folder, pid):
    """A process that is watched; and the same of the file that was written."""
    path = os.path.join(folder, "series.json")
    refgraph("watch", str(pid), "Node", "--every", "100ms", "--count", "3", "-o", path)
    with open(path) as file:
        text = file.read()
    answer = json.loads(text)
    consistent(answer, 20)
    assert len(answer["samples"]["rows"]) == 3
    assert [row["series"] for row in answer["types"]["rows"]] == [[2, 2, 2]]
    if jsonschema:
        jsonschema.validate(answer, json.loads(schema_of("watch")))
    assert refgraph("watch", path, "--format", "json") == text


def totals_agree(snapshot):
    """The parts sum up to the whole."""
    info = json.loads(refgraph("info", snapshot, "--format", "json"))
    types = json.loads(refgraph("types", snapshot, "--format", "json", "--raw", "-n", "9999"))
    rows = types["types"]["rows"]
    assert sum(row["count"] for row in rows) == info["totals"]["objects"]
    assert sum(row["size"] for row in rows) == info["totals"]["size"]
    generations = info["generations"]
    rows = generations["rows"] if isinstance(generations, dict) else generations
    assert sum(row["objects"] for row in rows) == info["totals"]["objects"]


def idle_process():
    """A process that does nothing, with a cycle in it."""
    code = ("import ctypes, sys\n"
            "class Node: pass\n"
            "a, b = Node(), Node()\n"
            "a.other, b.other = b, a\n"
            "ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)\n"
            "print('READY', flush=True)\n"
            "sys.stdin.read()\n")
    process = subprocess.Popen([os.environ.get("PYTHON3") or sys.executable, "-c", code],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process


def stable(folder, pid):
    """Two captures of an idle process give the same stable answers, without what differs."""
    for name in ("one.rgs", "two.rgs"):
        refgraph("dump", str(pid), "-o", os.path.join(folder, name))
    for command in COMMANDS[1:]:
        words = [command, "%s", "--stable"] + ["Node"] * SELECTIONS.get(command, 0)
        words += ["%s"] if command == "diff" else []
        for form in ("json", "text"):
            texts = [refgraph(*[word.replace("%s", os.path.join(folder, name)) for word in words],
                              "--format", form) for name in ("one.rgs", "two.rgs")]
            pairs = zip(texts[0].split("\n"), texts[1].split("\n"))
            differ = [pair for pair in pairs if pair[0] != pair[1]]
            assert texts[0] == texts[1], "%s differs as %s: %s" % (command, form, differ[:3])
            found = re.search(r"0x[0-9a-f]{6,}|@\d|\b%d\b|\d\d:\d\d:\d\d" % pid, texts[0])
            assert not found, "%s as %s has %r" % (command, form, found.group())
            assert folder not in texts[0], "%s as %s has a path" % (command, form)
        for path, value in walk(json.loads(refgraph(*[word.replace(
                "%s", os.path.join(folder, "one.rgs")) for word in words], "--format", "json"))):
            if isinstance(value, dict):
                left = {"id", "address", "pid", "inner_pid", "captured", "fingerprint"} & set(value)
                assert not left, "%s: %s has %s" % (command, path, left)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    with tempfile.TemporaryDirectory(prefix="refgraph-schemas-") as folder:
        leak = os.path.join(folder, "leak.rgs")
        hostile = os.path.join(folder, "hostile.rgs")
        empty = os.path.join(folder, "empty.rgs")
        for path in (leak, hostile, empty):
            subprocess.run([MAKE, os.path.basename(path)[:-4], path], check=True)
        process = idle_process()
        probe = subprocess.run([REFGRAPH, "dump", str(process.pid), "-o",
                                os.path.join(folder, "probe.rgs")], capture_output=True, text=True)
        reason = "" if probe.returncode != 4 else " # SKIP " + probe.stderr.splitlines()[0]
        tests = [("published: " + name, published, (name,), "") for name in PUBLISHED]
        tests += [("names of " + name, fixed_names, (name,), "") for name in PUBLISHED]
        tests += [("answers on leak", answers, (leak, "Session"), ""),
                  ("answers on hostile", answers, (hostile, "evil*"), ""),
                  ("the parts sum up", totals_agree, (leak,), ""),
                  ("answers on a real heap", answers,
                   (os.path.join(folder, "probe.rgs"), "Node"), reason),
                  ("the parts of a real heap sum up", totals_agree,
                   (os.path.join(folder, "probe.rgs"),), reason),
                  ("series", series, (folder, process.pid), reason),
                  ("stable", stable, (folder, process.pid), reason)]
        print("1..%d" % (len(tests) + 1))
        print("ok 1 - jsonschema" + ("" if jsonschema else
              " # SKIP answers are not validated: no python3-jsonschema here"))
        try:
            for number, (name, test, words, skip) in enumerate(tests, 2):
                run(number, name, test, words, skip)
        finally:
            process.communicate("")


def run(number, name, test, words, skip):
    problem = None
    try:
        if not skip:
            test(*words)
    except Exception as error:  # of any kind: the answer was not what scripts rely on
        problem = "%s: %s" % (type(error).__name__, error)
    print("%s %d - %s%s" % ("not ok" if problem else "ok", number, name, skip))
    for line in (problem or "").splitlines()[:12]:
        print("# " + line)


main()
