"""Captures of a process whose threads never rest: it never notices, and each answer is whole.

Eight threads make and drop cycles, fill dicts and lists and hold their own counts against what
they did. Every interpreter is captured many times: 1,000 in all where RG_THOROUGH=1.
"""

import os
import random
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import rgs  # noqa: E402
import trusted  # noqa: E402

THREADS = 8
ALL = 1000


class Node:
    def __init__(self, number, following):
        self.number, self.following = number, following


def ring(length):
    """LENGTH nodes in a circle, whose numbers add up to what only a whole one can."""
    first = last = Node(0, None)
    for number in range(1, length):
        last.following = Node(number, None)
        last = last.following
    last.following = first
    return first


def check_ring(node, length):
    total, at = 0, node
    for _ in range(length):
        total, at = total + at.number, at.following
    assert at is node and total == length * (length - 1) // 2, "a ring is broken"


def work(number, rounds, failures):
    choice = random.Random(number)
    table, rows = {}, []
    try:
        while True:
            length = choice.randrange(1, 50)
            made = ring(length)
            table["%d-%d" % (number, rounds[number] % 500)] = made
            rows.append((length, made))
            check_ring(*choice.choice(rows)[::-1])
            assert len(table) == min(500, rounds[number] + 1), "a dict has lost a key"
            del rows[:-200]
            rounds[number] += 1
    except BaseException as error:
        failures.append(repr(error))


def mutating():
    rounds, failures = [0] * THREADS, []
    threads = [threading.Thread(target=work, args=(number, rounds, failures), daemon=True)
               for number in range(THREADS)]
    for thread in threads:
        thread.start()
    live.answer({"rounds": lambda: list(rounds), "failures": lambda: list(failures),
                 "alive": lambda: sum(thread.is_alive() for thread in threads)})


def check_whole(snapshot, what):
    """Nothing damaged, and nearly no pointer that led nowhere: some were being written."""
    live.equal(snapshot.damage, None, "damage of " + what)
    bad, objects = snapshot.facts.get("bad_pointers", 0), len(snapshot.address)
    live.check(int(bad) < 100, what, "pointers to no object:", bad)
    live.check(objects > 10000, what, "has few objects:", objects)
    live.check("__main__.Node" in {snapshot.type_name(i) for i in range(len(snapshot.types))}, what)


def test_every_version(folder):
    """On every interpreter: invariants hold, threads go on, no process stays, snapshots are whole"""
    found = trusted.interpreters()
    times = live.count(4, -(-ALL // len(found)))
    for version, python in found:
        with live.Target("mutating", python=python) as target:
            before = target.ask("rounds")
            for number in range(times):
                path = live.captured(target, folder)
                if number % 20 == 0:
                    check_whole(rgs.read(path), version)
            after = target.ask("rounds")
            live.check(all(b > a for a, b in zip(before, after)), "a thread stands still", version)
            live.equal(target.ask("failures"), [], "broken invariants in " + version)
            live.equal(target.ask("alive"), THREADS, "threads alive in " + version)
            live.equal(live.children(target.pid), [], "processes left in " + version)
        print("# %s: %d captures, %d rounds of 8 threads meanwhile" % (
            version, times, sum(after) - sum(before)), flush=True)


sys.argv[0] = os.path.abspath(sys.argv[0])
live.main(test_every_version)
