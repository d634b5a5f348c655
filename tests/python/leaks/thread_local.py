"""A thread-local list that is filled at each request and emptied at none: the thread is a pool's.

Suspect: retainer SQL.
"""

import concurrent.futures
import threading

import traffic

SQL = threading.local()
POOL = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="web")


class Query:
    __slots__ = ("text", "parameters", "seconds")

    def __init__(self, text, parameters):
        self.text, self.parameters, self.seconds = text, parameters, 0.001


def execute(text, **parameters):
    if not hasattr(SQL, "queries"):
        SQL.queries = []
    SQL.queries.append(Query(text % parameters, parameters))


def page(number):
    execute("SELECT * FROM users WHERE id = %(id)d", id=number)
    execute("SELECT * FROM orders WHERE user_id = %(id)d ORDER BY placed LIMIT 20", id=number)


def serve(number):
    POOL.submit(page, number).result()


if __name__ == "__main__":
    traffic.run(serve)
