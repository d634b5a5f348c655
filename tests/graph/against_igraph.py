"""Dominators of large graphs, equal to those that igraph finds: another algorithm, by others.

igraph is under the GPL, so nothing of refgraph links it. Where $PYTHON3 has no igraph, Debian's
python3 may (python3-igraph); without it this is skipped.
"""

import array
import importlib.util
import os
import random
import subprocess
import sys
import tempfile

BUILD = os.environ.get("builddir") or os.getcwd()
IDOMS = os.path.join(BUILD, "tests", "graph", "idoms")
DEBIAN = "/usr/bin/python3"
VERTICES = int(os.environ.get("RG_VERTICES", "1000000"))
NONE, UNREACHED = 2 ** 32 - 1, 2 ** 32 - 2


def heap_like(n, numbers):
    """Vertex -> targets: most are leaves, some hubs have many referrers, chains run deep."""
    hubs = [numbers.randrange(n) for _ in range(n // 1500 + 1)]
    edges = [[] for _ in range(n)]
    for v in range(n):
        kind = numbers.random()
        if kind < 0.55:
            continue
        for _ in range(numbers.randrange(1, 11)):
            far = numbers.random()
            if far < 0.25:
                edges[v].append(hubs[numbers.randrange(len(hubs))])
            elif far < 0.85:
                edges[v].append(min(n - 1, v + numbers.randrange(1, 200)))
            elif far < 0.95:
                edges[v].append(max(0, v - numbers.randrange(200)))
            else:
                edges[v].append(numbers.randrange(n))
    return edges


def deep(n, numbers):
    """A chain through all, with leaps ahead and ways back."""
    edges = [[v + 1] if v + 1 < n else [] for v in range(n)]
    for _ in range(n // 2):
        v = numbers.randrange(n)
        edges[v].append(max(0, min(n - 1, v + numbers.randrange(-3000, 4))))
    return edges


def garbage(n, numbers):
    """Half of it is not reached and points into the other half."""
    edges = heap_like(n, numbers)
    for v in range(n // 2):
        edges[v] = [to if to < n // 2 else to - n // 2 for to in edges[v]]
    return edges


def ours(edges, sources, folder):
    path = os.path.join(folder, "graph")
    offsets, targets = array.array("I", [0]), array.array("I")
    for row in edges:
        targets.extend(row)
        offsets.append(len(targets))
    with open(path, "wb") as out:
        for numbers in (array.array("I", [len(edges), len(targets), len(sources)]), offsets,
                        targets, array.array("I", sources)):
            numbers.tofile(out)
    subprocess.run([IDOMS, path, path + ".idoms"], check=True)
    found = array.array("I")
    with open(path + ".idoms", "rb") as data:
        found.fromfile(data, len(edges))
    return found.tolist()


def theirs(edges, sources):
    """The same by igraph: it wants a root, and what cannot be reached to have no edges."""
    import igraph
    n = len(edges)
    pairs = [(v, to) for v, row in enumerate(edges) for to in row]
    pairs += [(n, to) for to in set(sources)]
    graph = igraph.Graph(n=n + 1, edges=pairs, directed=True)
    reached = set(graph.subcomponent(n, mode="out"))
    found = graph.dominator(n, mode="out")
    return [UNREACHED if v not in reached else NONE if found[v] == n else int(found[v])
            for v in range(n)]


def compare(make, seed):
    numbers = random.Random(seed)
    edges = make(VERTICES, numbers)
    half = VERTICES // 2 if make is garbage else VERTICES
    sources = [0] + [numbers.randrange(half) for _ in range(40)]
    with tempfile.TemporaryDirectory(prefix="refgraph-igraph-") as folder:
        found = ours(edges, sources, folder)
    expected = theirs(edges, sources)
    wrong = [v for v in range(VERTICES) if found[v] != expected[v]]
    said = "%d vertices, %d edges, %d reached, %d dominated by no source" % (
        VERTICES, sum(map(len, edges)), sum(d != UNREACHED for d in found),
        sum(d == NONE for d in found))
    print("# %s: %s" % (make.__name__, said))
    if wrong:
        v = wrong[0]
        return "%d differ, first %d: %d, igraph %d" % (len(wrong), v, found[v], expected[v])
    return None


def main():
    if importlib.util.find_spec("igraph") is None:
        if sys.executable != DEBIAN and os.path.exists(DEBIAN) and "RG_IGRAPH" not in os.environ:
            os.environ["RG_IGRAPH"] = "tried"
            os.execv(DEBIAN, [DEBIAN, os.path.abspath(__file__)])
        print("1..0 # SKIP no igraph here (Debian: python3-igraph)")
        return 0
    sys.stdout.reconfigure(line_buffering=True)
    tests = (heap_like, deep, garbage)
    print("1..%d" % len(tests))
    failed = 0
    for number, make in enumerate(tests, 1):
        problem = compare(make, number)
        failed += bool(problem)
        print("%s %d - %s" % ("not ok" if problem else "ok", number, make.__doc__))
        if problem:
            print("# " + problem)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
