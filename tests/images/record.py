"""Record an image of each CPython found here, with what it says of its own heap: see image.c.

`make images` runs it. The interpreters are those of tests/python/trusted.py.
"""

import lzma
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
import truth  # noqa: E402
import trusted  # noqa: E402

WORKLOAD, N = "few", 0
LIMIT = 2 << 20         # bytes of one image


def record(program, version, path, folder):
    """Without site-packages, environment and folders of this machine, and without docstrings."""
    said = os.path.join(folder, "truth")
    image = os.path.join(HERE, version + ".image.zst")
    for name in ("truth_target.py", "workloads.py"):
        shutil.copy(os.path.join(truth.HERE, name), folder)
    truth.take([program, "record", "%d", image], ["env", "-i", path, "-s", "-S", "-OO"],
               WORKLOAD, N, said, folder)
    with open(said, "rb") as stream, lzma.open(
            os.path.join(HERE, version + ".truth.xz"), "wb", preset=9) as out:
        out.write(stream.read())
    return os.path.getsize(image)


def main():
    program = os.path.join(os.environ.get("builddir", "."), "tests", "images", "image")
    for version, path in trusted.interpreters():
        with tempfile.TemporaryDirectory(prefix="refgraph-images-") as folder:
            size = record(program, version, path, folder)
        print("%-9s %7d bytes%s" % (version, size, "" if size <= LIMIT else ": too large"))


main()
