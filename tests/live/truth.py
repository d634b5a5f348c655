"""Snapshots by pid, of a core and by the agent against what the process says of itself, and against
one another: small heaps of every kind.

tests/python/trusted.py does so for every interpreter that is here.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import trusted  # noqa: E402
import ways  # noqa: E402

ALL = ways.NAMES
CASES = [("mix", 20000, ALL), ("stdlib", 0, ALL), ("kinds", 0, ALL), ("ast", 20000, ["pid"]),
         ("app", 20000, ["pid"]), ("deep", 20000, ["pid"]), ("fan", 20000, ["pid"]),
         ("star", 20000, ["pid"])]


def main():
    reasons = {way: ways.why_not(way) for way in ways.NAMES}
    if reasons["pid"]:
        print("1..0 # SKIP " + reasons["pid"])
        return
    cases = [(name, n, [way for way in wanted if not reasons[way]]) for name, n, wanted in CASES]
    print("1..%d" % sum(len(wanted) for _, _, wanted in cases))
    for way in filter(reasons.get, ways.NAMES):
        print("# left out: %s: %s" % (way, reasons[way]))
    number = 0
    for name, n, wanted in cases:
        for way, report in trusted.compare(live.PYTHON3, name, n, wanted).items():
            number += 1
            good = not isinstance(report, str) and not report.failed
            print("%sok %d - truth of %s by %s" % ("" if good else "not ", number, name, way))
            if isinstance(report, str):
                print("# " + report)
            else:
                report.print(8, "# ")
            sys.stdout.flush()


main()
