"""The traffic: visitors of the shop, most of whom never come back."""

import http.client
import random

from app.catalog import PRODUCTS


class Visitors:
    def __init__(self, port):
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._random = random.Random(81)
        self._newest = 0

    def visit(self):
        """One request of one visitor."""
        page = self._random.choices(
            ("/health", "/catalog", "/basket", "/alert"), weights=(1, 3, 5, 1)
        )[0]
        if page == "/basket":
            self._get(f"{page}?user={self._user()}&add={self._product()}")
        elif page == "/alert":
            self._get(f"{page}?user={self._user()}&product={self._product()}")
        else:
            self._get(page)

    def leave(self):
        self._http.close()

    def _get(self, target):
        self._http.request("GET", target)
        self._http.getresponse().read()

    def _user(self):
        if self._newest and self._random.random() < 0.3:
            return self._random.randint(1, self._newest)
        self._newest += 1
        return self._newest

    def _product(self):
        return self._random.choice(list(PRODUCTS))
