"""An unbounded cache: thumbnails by URL, and each URL has a token of its own.

Suspect: retainer THUMBNAILS.rendered
Beside: a catalog that is larger, loaded once and never changed.
"""

import traffic


class Thumbnail:
    def __init__(self, url, size):
        self.url, self.size = url, size
        self.pixels = bytes(256) + url.encode()
        self.headers = {"content-type": "image/png", "length": len(self.pixels)}


class Thumbnails:
    def __init__(self):
        self.rendered = {}

    def of(self, url):
        if url not in self.rendered:
            self.rendered[url] = Thumbnail(url, (64, 64))
        return self.rendered[url]


CATALOG = {"sku-%05d" % i: ("product %d" % i, i * 1.5) for i in range(3000)}
THUMBNAILS = Thumbnails()


def serve(number):
    THUMBNAILS.of("https://shop.example/p/%d.png?token=%032x" % (number % 7, number * 7919))


if __name__ == "__main__":
    traffic.run(serve)
