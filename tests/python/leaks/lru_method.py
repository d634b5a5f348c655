"""lru_cache on a method: the cache is the class's, and its keys hold every self.

Suspect: retainer Report.total
"""

import functools

import traffic


class Report:
    def __init__(self, number):
        self.number = number
        self.rows = [(i, i * number, "row %d of %d" % (i, number)) for i in range(12)]

    @functools.lru_cache(maxsize=None)
    def total(self, column):
        return sum(row[column] for row in self.rows)


def serve(number):
    report = Report(number)
    return report.total(0) + report.total(1)


if __name__ == "__main__":
    traffic.run(serve)
