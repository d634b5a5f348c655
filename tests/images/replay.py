"""Every recorded image, walked here: each CPython's heap is read as it says itself that it is."""

import glob
import itertools
import lzma
import os
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.join(os.environ.get("srcdir", "."), "tests", "images")
sys.path.insert(0, os.path.join(HERE, "..", "python"))
import rgs  # noqa: E402
import truth  # noqa: E402

LIMIT = 2 << 20         # bytes of one image
PROGRAM = os.path.join(os.environ.get("builddir", "."), "tests", "images", "image")


def replay(version, way, folder):
    """The report on the image of VERSION walked this WAY, or the text of what went wrong."""
    image = os.path.join(HERE, version + ".image.zst")
    said, saved = os.path.join(folder, "truth"), os.path.join(folder, "a.rgs")
    if os.path.getsize(image) > LIMIT:
        return "%d bytes: too large" % os.path.getsize(image)
    with lzma.open(os.path.join(HERE, version + ".truth.xz")) as stream, open(said, "wb") as out:
        out.write(stream.read())
    done = subprocess.run([*shlex.split(PROGRAM), way, image, saved], capture_output=True,
                          text=True, timeout=120)
    if done.returncode != 0:
        return "exit status %d: %s" % (done.returncode, done.stderr)
    return truth.compare(truth.Truth(said), rgs.read(saved))


def main():
    versions = sorted((os.path.basename(path)[:-len(".image.zst")]
                       for path in glob.glob(os.path.join(HERE, "*.image.zst"))),
                      key=lambda version: tuple(map(int, version.split("."))))
    print("1..%d" % (2 * len(versions)))
    for number, (version, way) in enumerate(itertools.product(versions, ("walk", "walk2")), 1):
        with tempfile.TemporaryDirectory(prefix="refgraph-images-") as folder:
            report = replay(version, way, folder)
        good = not isinstance(report, str) and not report.failed
        print("%sok %d - CPython %s as it was recorded%s" % (
            "" if good else "not ", number, version, ", by two threads" * (way == "walk2")))
        if isinstance(report, str):
            print("# " + report)
        elif not good:
            report.print(8, "# ")
        sys.stdout.flush()


main()
