"""A little program that leaks: what docs/coming-from.md asks about. A line on its standard input
makes it grow; so two snapshots differ."""

import gc
import sys
import tracemalloc

tracemalloc.start(5)            # so that the lines are known which allocated; costs time and memory


class Session:
    def __init__(self, user):
        self.user = user
        self.basket = []


class Order:
    def __init__(self, session):
        self.session = session
        session.basket.append(self)     # a cycle: a session and its orders


class Cache:
    def __init__(self):
        self.entries = {}               # never emptied: the leak


class Price:
    pass


class Link:
    def __init__(self, after):
        self.after = after


class Chain:
    def __init__(self, length):
        self.first = None
        for _ in range(length):
            self.first = Link(self.first)


class Wheel:
    def __init__(self, spokes):
        self.spokes = [Spoke(self) for _ in range(spokes)]


class Spoke:
    def __init__(self, wheel):
        self.wheel = wheel              # a cycle, and nothing else holds it


CACHE = Cache()
RECENT = []                             # some sessions are held here, too
PRICES = {}
CHAIN = Chain(1000)
WHEEL = Wheel(100)


def log_in(first, count):
    for number in range(first, first + count):
        session = CACHE.entries["user-%d" % number] = Session("user-%d" % number)
        if number % 10 == 0:
            RECENT.append(session)
            Order(session)


def main():
    gc.disable()
    log_in(0, 400)
    PRICES["tea"] = PRICES["coffee"] = Price()      # two keys, one value
    for _ in range(5):                              # garbage: wheels that nobody holds
        Wheel(3)
    print("ready", flush=True)
    while sys.stdin.readline():
        log_in(len(CACHE.entries), 100)
        print("ready", flush=True)


main()
