"""Pictures that take too long: simpler, with fewer nodes, at last as DOT, and never a partial file."""

import json
import os
import random
import subprocess
import sys
import tempfile

BUILD = os.environ.get("builddir") or os.getcwd()
REFGRAPH = os.environ.get("REFGRAPH") or os.path.join(BUILD, "refgraph")
WHOLE = ["--nodes", "500", "--breadth", "500", "--depth", "20", "--layout-time", "1"]


def heap(path, objects, references):
    """Objects that refer to one another at random: the more, the worse for any layout."""
    chance = random.Random(1)
    with open(path, "w") as out:
        for number in range(objects):
            out.write(json.dumps({"id": number, "type": "test.Node", "references": [
                {"to": chance.randrange(objects), "kind": "attr", "label": "attribute%d" % n}
                for n in range(references)]}) + "\n")


def draw(folder, source, name, *options):
    done = subprocess.run([REFGRAPH, "refs", source, "Node", "-n", "1", "-o",
                           os.path.join(folder, name), *WHOLE, *options], capture_output=True,
                          text=True, timeout=300)
    return done.returncode, done.stderr, set(os.listdir(folder)) - {"heap.ndjson"}


def test_easy(folder, source):
    heap(source, 20, 1)
    status, said, files = draw(folder, source, "easy.svg")
    assert status == 0 and files == {"easy.svg"}, (status, said, files)
    assert "took too long" not in said, said


def test_hopeless(folder, source):
    heap(source, 500, 8)
    status, said, files = draw(folder, source, "hopeless.svg")
    assert status == 5, (status, said)
    assert files == {"hopeless.svg.dot"}, files
    assert "hopeless.svg.dot" in said, said
    with open(os.path.join(folder, "hopeless.svg.dot")) as file:
        assert file.read().startswith("digraph"), "no DOT"


def test_ladder(folder, source):
    """Somewhere between the two there are heaps that are drawn with half their nodes."""
    seen = []
    for objects in (60, 90, 130, 180, 240, 320):
        heap(source, objects, 3)
        status, said, files = draw(folder, source, "ladder.svg")
        seen.append((objects, status, "took too long" in said))
        if status == 0:
            assert files == {"ladder.svg"}, files
        if status == 0 and "took too long" in said:
            return
        for name in files:
            os.unlink(os.path.join(folder, name))
    raise AssertionError("no heap was drawn with half its nodes: %s" % seen)


def main():
    tests = (test_easy, test_hopeless, test_ladder)
    print("1..%d" % len(tests))
    failed = 0
    for number, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory(prefix="refgraph-layout-") as folder:
            try:
                test(folder, os.path.join(folder, "heap.ndjson"))
                print("ok %d - %s" % (number, test.__name__))
            except Exception as error:  # of any kind
                failed += 1
                print("not ok %d - %s" % (number, test.__name__))
                print("# " + str(error).replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
