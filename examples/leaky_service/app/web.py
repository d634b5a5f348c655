"""The web side: one Request for each GET, answered by a page function."""

import collections
import http.server
import threading
import urllib.parse

from app.bus import BUS, StockAlert
from app.cache import CACHE
from app.catalog import PRODUCTS, SHOP

RECENT = collections.deque(maxlen=50)

LogLine = collections.namedtuple("LogLine", "path status")


class Request:
    def __init__(self, target):
        url = urllib.parse.urlsplit(target)
        self.path = url.path
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.session = None
        self.on_done = None


class Fragment:
    """A piece of a page. It knows its parent, so that a page dropped is a cycle dropped: work
    for the collector, which does it well."""

    def __init__(self, text, parent=None):
        self.text = text
        self.parent = parent
        self.children = []
        if parent is not None:
            parent.children.append(self)

    def render(self):
        return self.text + "".join(child.render() for child in self.children)


def bind_session(request):
    """Ties the request to its user's session. The leak in the middle of it all: the session
    keeps its last request, the request keeps this callback, the callback keeps the session."""
    session = CACHE.session_of(request.query["user"])

    def on_done(status):
        if status == 200:
            session.answered += 1

    request.session = session
    request.on_done = on_done
    session.answer(request)


def health_page(request):
    return Fragment("ok\n")


def catalog_page(request):
    page = Fragment(f"{SHOP.name}\n")
    for category in SHOP.children:
        section = Fragment(f"{category.path()}\n", parent=page)
        for product in category.products:
            Fragment(f"  {product.title} {product.price}\n", parent=section)
    return page


def basket_page(request):
    bind_session(request)
    product = PRODUCTS.get(request.query.get("add"))
    if product is not None:
        request.session.basket.append(product)
    return Fragment(f"{len(request.session.basket)} in the basket\n")


def alert_page(request):
    bind_session(request)
    alert = StockAlert(request.query["user"], request.query.get("product"))
    BUS.subscribe("restock", alert.on_restock)
    return Fragment("we will tell you\n")


PAGES = {
    "/health": health_page,
    "/catalog": catalog_page,
    "/basket": basket_page,
    "/alert": alert_page,
}


def answer(target):
    """The status and the text of the page behind TARGET."""
    request = Request(target)
    page = PAGES.get(request.path)
    if page is None:
        return 404, "no such page\n"
    text = page(request).render()
    if request.on_done is not None:
        request.on_done(200)
    RECENT.append(LogLine(request.path, 200))
    return 200, text


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        try:
            status, text = answer(self.path)
        except KeyError as missing:
            status, text = 400, f"the query lacks {missing}\n"
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


def serve():
    """Serves on a free port of this machine, in a thread of its own."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="web", daemon=True).start()
    return server
