"""Selections of a running process are what it says of itself: sizes, lengths, generations, garbage."""

import gc
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402
import trusted  # noqa: E402


class Sized(list):
    pass


class Keyed(dict):
    pass


class Slotted:
    __slots__ = ("one", "__weakref__")


class Ring:
    def __init__(self):
        self.me = self


def selected_one():
    pass


def selected_two():
    return lambda: None


# targets

def make(count):
    made = [Sized(range(i % 40)) for i in range(count)]
    made += [Keyed((j, None) for j in range(i % 23)) for i in range(count)]
    made += [Slotted() for i in range(count)]
    made += ["selected %d" % i for i in range(count)]
    made += [type("Model[int, str]", (), {"__slots__": ()})() for _ in range(3)]
    made += [type("vector<int>", (), {"__slots__": ()})() for _ in range(3)]
    made += [tuple([i] * 77) for i in range(count)]
    made += [Ring() for _ in range(5)]
    return made


def generations():
    """{id: its generation, as gc tells it} of what is in one."""
    return {id(o): str(g) for g in range(3) for o in gc.get_objects(generation=g)}


def several(count):
    gc.collect()
    gc.disable()
    kept = make(count)
    gc.freeze()
    kept += make(count)
    gc.collect()
    kept += make(count)
    dead = [id(ring) for ring in [Ring() for _ in range(count)]]
    found = [selected_one, selected_two, selected_two()]

    def said():
        """Each selection, and the addresses of what it must select."""
        where = generations()

        def gen(o):
            return where.get(id(o), "permanent" if gc.is_tracked(o) else "untracked")

        def of(*types):
            return [o for o in kept if isinstance(o, types)]

        def long(o):
            return isinstance(o, (Sized, Keyed)) and len(o) >= 10

        sizes = sorted(map(sys.getsizeof, of(Sized, Keyed)))
        middle = sizes[len(sizes) // 2]
        answers = {
            "Sized": of(Sized),
            "Sized and size>200": [o for o in of(Sized) if sys.getsizeof(o) > 200],
            "(Sized or Keyed) and size<=%d" % middle:
                [o for o in of(Sized, Keyed) if sys.getsizeof(o) <= middle],
            "type=Sized and items>=10 or Keyed and items>=10": list(filter(long, kept)),
            "type=Sized and not items!=3": [o for o in of(Sized) if len(o) == 3],
            "Keyed and gen=0": [o for o in of(Keyed) if gen(o) == "0"],
            "Keyed and gen<2": [o for o in of(Keyed) if gen(o) in ("0", "1")],
            "Slotted and gen>=1": [o for o in of(Slotted) if gen(o) in ("1", "2")],
            "Slotted and generation=permanent": [o for o in of(Slotted) if gen(o) == "permanent"],
            "tuple and items=77 and not tracked":
                [o for o in of(tuple) if not gc.is_tracked(o)],
            "tuple and items=77 and gen=0": [o for o in of(tuple) if gen(o) == "0"],
            "value='selected *' and value!='*%%*' and size>=%d" % sys.getsizeof("x" * 11):
                [o for o in of(str) if len(o) >= 11],
            "value='selected 1*9' and type=str":
                [o for o in of(str) if o[9] == "1" and o[-1] == "9" and len(o) > 10],
            "name=selected_* and not name=*.* and function": found[:2],
            "name=<lambda> and name=selected_two.* and site=*selections.py* and function and not root": found[2:],
            "Model[int, str]": [o for o in kept if type(o).__name__ == "Model[int, str]"],
            "type='vector<int>'": [o for o in kept if type(o).__name__ == "vector<int>"],
            "Ring and not garbage": of(Ring),
            "root=module and type=module":
                [m for m in sys.modules.values() if type(m) is type(sys)],
            "address=0x%x or address=%d" % (id(kept), id(found)): [kept, found],
        }
        result = {text: sorted(set(map(id, objects))) for text, objects in answers.items()}
        result["Ring and garbage"] = sorted(dead)
        result["Ring and cycle"] = sorted(dead + [id(o) for o in of(Ring)])
        return result
    live.answer({"said": said})


# tests

def test_every_interpreter(folder):
    """What each selection selects of a running process is what the process says"""
    for version, python in trusted.interpreters():
        with live.Target("several", 150, python=python) as target:
            said = target.ask("said")
            path = os.path.join(folder, "kept.rgs")
            for number, (text, wanted) in enumerate(said.items()):
                # the first few ask the process itself, the others what was kept of it
                source = [target.pid, "--save", path] if number < 3 else [path]
                rows = live.ask("objects", *source, text, "--raw", "-n", 100000)["objects"]["rows"]
                found = sorted(int(row["address"], 16) for row in rows)
                live.check(wanted, "nothing is asked by", text)
                live.check(found == wanted, version, text, "found too much:",
                           len(set(found) - set(wanted)), "too little:",
                           len(set(wanted) - set(found)), "of", len(wanted))
        print("# %s: %d selections" % (version, len(said)))


def test_mistake(folder):
    """A selection that cannot be read, or has a number, is refused before the process is stopped"""
    with live.Target("several", 10) as target:
        for text in ("gen=2 annd cycle", "gen=2 and @5", "id<5"):
            for words in ((text,), ("Sized", "--avoid", text)):
                path = os.path.join(folder, "not.rgs")
                done = live.refgraph("refs", target.pid, *words, "--save", path)
                live.equal(done.returncode, 2, "exit status")
                live.check(not os.path.exists(path), "captured for", text)


if __name__ == "__main__":
    live.main(test_every_interpreter, test_mistake)
