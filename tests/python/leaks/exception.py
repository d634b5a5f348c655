"""Exceptions that are kept: each has a traceback, that has frames, and those have all locals.

Suspect: retainer ERRORS
"""

import collections

import traffic

Failure = collections.namedtuple("Failure", "order error")
ERRORS = []


class Rejected(Exception):
    pass


def parse(document):
    fields = dict(line.split("=") for line in document.splitlines())
    if "amount" not in fields:
        raise Rejected("no amount")
    return fields


def serve(number):
    document = "\n".join("field%d=%d" % (i, i * number) for i in range(30))
    try:
        parse(document)
    except Rejected as error:
        ERRORS.append(Failure(number, error))


if __name__ == "__main__":
    traffic.run(serve)
