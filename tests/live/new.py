"""What is new since an earlier snapshot: exactly what the process made, and did not free again."""

import gc
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))
import live  # noqa: E402


class Job:
    def __init__(self, number):
        self.number = number
        self.text = "job %d" % number


class Result:
    def __init__(self, job):
        self.job = job
        self.lines = [str(job.number)] * 2


# targets

def working(count):
    """Each `work` frees the older half of the jobs and makes COUNT others; results are kept."""
    jobs = globals()["jobs"] = [Job(number) for number in range(count)]
    results = globals()["results"] = []
    gc.collect()
    made = [count]

    def work():
        del jobs[::2]
        new = [Job(made[0] + number) for number in range(count)]
        made[0] += count
        jobs.extend(new)
        results.extend(Result(job) for job in new[:count // 4])
        gc.collect()
        return [sorted(map(id, new)), sorted(map(id, results[-(count // 4):])), len(jobs)]
    live.answer({"work": work})


def count_of(rows, name):
    return {row["type"]: row["count"] for row in rows}.get(name, 0)


def addresses(*words):
    rows = live.ask("objects", *words, "-n", 100000)["objects"]["rows"]
    return sorted(int(row["address"], 16) for row in rows)


# tests

def test_counts(folder):
    """types --new-since counts exactly the objects that were made between two snapshots"""
    with live.Target("working", 1000) as target:
        before = os.path.join(folder, "before.rgs")
        live.dump(target.pid, before)
        new, results, alive = target.ask("work")
        after = live.captured(target, folder)
        rows = live.ask("types", after, "--new-since", before, "-n", 10000)["types"]["rows"]
        live.equal(count_of(rows, "__main__.Job"), 1000, "new jobs")
        live.equal(count_of(rows, "__main__.Result"), 250, "new results")
        rows = live.ask("types", after, "Job")["types"]["rows"]
        live.equal(count_of(rows, "__main__.Job"), alive, "jobs in all")
        # one by one, by the option and by the flag
        live.equal(addresses(after, "Job", "--new-since", before), new, "which jobs")
        live.equal(addresses(after, "new and Result", "--new-since", before), results, "results")
        live.equal(len(addresses(after, "Job and not new", "--new-since", before)), alive - 1000,
                   "old jobs")


def test_commands(folder):
    """Every command that takes a selection takes what is new"""
    with live.Target("working", 100) as target:
        before = os.path.join(folder, "before.rgs")
        live.dump(target.pid, before)
        target.ask("work")
        since = ("--new-since", before)
        # of the process itself, as it is now
        found = live.ask("why", target.pid, "Job", *since, "--save", os.path.join(folder, "a.rgs"))
        live.equal(found["selected"], 100, "selected by why")
        after = os.path.join(folder, "a.rgs")
        live.equal(live.ask("why", after, "new and Job", *since)["selected"], 100, "by the flag")
        found = live.ask("retained", after, "Job", *since)["selection"]
        live.equal(found["objects"], 100, "selected by retained")
        found = live.ask("path", after, "Result and new", "Job and not new",
                         "--edges", "data", *since)
        live.equal(found["shortest"], 0, "paths from new results to old jobs")
        for command in ("objects", "show", "refs", "backrefs", "cycles", "audit"):
            done = live.refgraph(command, after, "Job", *since)
            live.equal(done.returncode, 0, command)
        # on top of the selection of a list
        ids = live.refgraph("objects", after, "Job", "--format", "ids", "-n", "1000").stdout
        with open(os.path.join(folder, "ids"), "w") as out:
            out.write(ids if isinstance(ids, str) else ids.decode())
        live.equal(len(addresses(after, "--from", os.path.join(folder, "ids"), *since)), 100,
                   "of a list")


def test_refused(folder):
    """What is no earlier snapshot of the process is refused, before it is stopped"""
    with live.Target("working", 10) as target, live.Target("working", 10) as other:
        path = os.path.join(folder, "other.rgs")
        live.dump(other.pid, path)
        for words, said in (
                (("types", target.pid, "--new-since", other.pid), "is a process, not a snapshot"),
                (("types", target.pid, "--new-since", path), "is of another process"),
                (("objects", target.pid, "new"), "--new-since, which is missing"),
                (("path", path, "Job", "str", "--new-since", path), "neither FROM nor TO")):
            done = live.refgraph(*words, "--no-save")
            live.equal(done.returncode, 2, "status of %s" % (words,))
            live.check(said in done.stderr, words, "said:", done.stderr)


if __name__ == "__main__":
    live.main(test_counts, test_commands, test_refused)
