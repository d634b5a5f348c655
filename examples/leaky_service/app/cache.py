"""What the shop remembers between requests."""

import collections
import time


class Cache:
    """Sessions by user. The first leak: there is a limit, and nobody enforces it."""

    def __init__(self, limit):
        self.limit = limit
        self._entries = {}

    def session_of(self, user):
        key = f"u:{user}"
        if key not in self._entries:
            self._entries[key] = Session(user)
        return self._entries[key]

    def __len__(self):
        return len(self._entries)


class Session:
    """One user's visit: the basket, the pages seen, and the request being answered."""

    def __init__(self, user):
        self.user = user
        self.started = time.time()
        self.basket = []
        self.seen = collections.deque(maxlen=8)
        self.request = None
        self.answered = 0

    def answer(self, request):
        self.request = request
        self.seen.append(request.path)


CACHE = Cache(limit=100)
