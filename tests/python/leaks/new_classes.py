"""A class made anew at each call: a namedtuple for the columns of a result.

Suspect: classes Row
"""

import collections

import traffic

LAST = {}


def table(columns, values):
    Row = collections.namedtuple("Row", columns)
    return [Row(*line) for line in values]


def serve(number):
    rows = table("id name price", [(number, "tea", 4.5), (number + 1, "cup", 7.0)])
    LAST["query %d" % number] = rows[0]


if __name__ == "__main__":
    traffic.run(serve)
