"""Heaps to measure with: build(name, n) makes one of about N objects, the same every time.

mix     a tree of records with parent pointers (one giant cycle), many small rings, a long chain,
        documents without cycles, closures that leak
ast     parsed sources of the standard library, parent pointers in half of them
app     many modules imported, parsed sources, documents, a DOM, an LRU: like a real program
deep    a list in a list in a list: N levels
fan     N lists that refer to one dict
star    one list of N objects
stdlib  every module of the standard library (N means nothing)
kinds   one or more objects of every builtin type, C container and iterator (N means nothing)
few     the same of what needs no imports but small ones, for a small heap (N means nothing)
"""

import contextlib
import gc
import io
import os
import random
import sys
import warnings


# mix

class Record:
    def __init__(self, number, name, parent):
        self.number = number
        self.name = name
        self.parent = parent
        self.children = []
        self.attrs = {"number": number, "tags": ("t", name),
                      "self": self if number % 16 == 0 else None}

    def touch(self):
        return self.number


class Slot:
    __slots__ = ("value", "next", "__weakref__")

    def __init__(self, value, following):
        self.value = value
        self.next = following


class Leaky:
    registry = []

    def __init__(self, number):
        self.payload = ["payload-%d" % number]

        def callback(unused=None):
            return self, number
        self.callback = callback
        self.bound = self.method
        Leaky.registry.append(callback)

    def method(self):
        return self.payload


def record_tree(count):
    records = []
    for i in range(count):
        parent = records[(i - 1) // 8] if i else None
        record = Record(100000 + i, "record-%d" % i, parent)
        if parent is not None:
            parent.children.append(record)
        records.append(record)
    return records[0] if records else None


def dict_rings(count):
    """Rings of 2 to 6 dicts, COUNT dicts in all."""
    rings, made = [], 0
    while made < count:
        size = 2 + made // 7 % 5
        nodes = [{"payload": ["ring-%d-%d" % (made, j)]} for j in range(size)]
        for node, following in zip(nodes, nodes[1:] + nodes[:1]):
            node["next"] = following
        rings.append(nodes[0])
        made += size
    return rings


def slot_chain(count):
    chain = None
    for i in range(count):
        chain = Slot("link-%d" % i, chain)
    return chain


def documents(count):
    return [{"id": "doc-%d" % i, "scores": [i * 1.5, i * 2.5, i * 3.5],
             "names": ["a%d" % i, "b%d" % i, ["n%d" % i, 10000 + i]]} for i in range(count)]


def build_mix(n):
    root = {"tree": record_tree(int(n * 0.40 / 6.6)), "rings": dict_rings(int(n * 0.20 / 3)),
            "chain": slot_chain(int(n * 0.15 / 2)), "docs": documents(int(n * 0.23 / 11))}
    for i in range(int(n * 0.02 / 9)):
        Leaky(i)
    return root


# ast, app

SKIPPED_FOLDERS = ("site-packages", "dist-packages", "lib2to3", "test", "tests", "idlelib",
                   "__pycache__")


def stdlib_files():
    for folder, folders, files in os.walk(os.path.dirname(os.__file__)):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
        for name in sorted(files):
            if name.endswith(".py"):
                yield os.path.join(folder, name)


def build_ast(n):
    import ast
    trees, made = [], 0
    while made < n:
        for path in stdlib_files():
            try:
                with open(path, "rb") as source:
                    tree = ast.parse(source.read())
            except (SyntaxError, ValueError, OSError):
                continue
            nodes = list(ast.walk(tree))
            if len(trees) % 2 == 0:
                for node in nodes:
                    for child in ast.iter_child_nodes(node):
                        child.parent = node
            trees.append((path, tree))
            made += len(nodes) * 5          # with their dicts, lists and leaves, about
            if made >= n:
                break
        if not trees:
            break
    return trees


APP_MODULES = """argparse asyncio ast base64 calendar collections concurrent.futures configparser
contextlib copy csv ctypes dataclasses datetime decimal difflib dis doctest email email.mime.text
enum filecmp fractions ftplib functools gettext glob graphlib gzip hashlib heapq hmac html
html.parser http.client http.server imaplib importlib.metadata inspect io ipaddress json locale
logging logging.config lzma mailbox mimetypes mmap multiprocessing netrc optparse pathlib pdb pickle
pickletools pkgutil platform plistlib poplib pprint profile pstats py_compile pyclbr pydoc queue
random re sched secrets selectors shelve shlex shutil signal smtplib socket socketserver sqlite3 ssl
statistics string struct subprocess symtable sysconfig tarfile tempfile textwrap threading timeit
tokenize trace traceback tracemalloc types typing unittest unittest.mock urllib.request uuid warnings
wave weakref wsgiref.simple_server xml.dom.minidom xml.etree.ElementTree xml.sax xmlrpc.client
xmlrpc.server zipapp zipfile zoneinfo""".split()


def import_all(names):
    """Import what there is of NAMES; what the modules print is dropped."""
    import importlib
    modules = []
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), \
            contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        for name in names:
            try:
                modules.append(importlib.import_module(name))
            except (Exception, SystemExit):
                pass
    return modules


def build_app(n):
    import collections
    import json
    import xml.dom.minidom
    numbers = random.Random(42)
    root = {"modules": import_all(APP_MODULES), "ast": build_ast(int(n * 0.6)), "json": []}
    for i in range(int(n * 0.3 / 30)):
        document = {"id": i, "user": {"name": "user%d" % i, "mail": "u%d@example.org" % i,
                                      "roles": ["a", "b", "c%d" % (i % 9)]},
                    "items": [{"sku": "s%d" % numbers.randrange(10 ** 6),
                               "count": numbers.randrange(10),
                               "price": numbers.random()} for _ in range(4)]}
        root["json"].append(json.loads(json.dumps(document)))
    elements = "".join("<a id='%d'><b>t%d</b></a>" % (i, i) for i in range(int(n * 0.1 / 60)))
    root["dom"] = xml.dom.minidom.parseString("<r>%s</r>" % elements)
    root["lru"] = collections.OrderedDict((i, "v%d" % i) for i in range(1000))
    return root


# deep, fan, star

def build_deep(n):
    cell = None
    for _ in range(n):
        cell = [cell]
    return cell


def build_fan(n):
    hub = {"hub": []}
    return [hub, [[hub] for _ in range(n)]]


def build_star(n):
    return [Slot(i, None) for i in range(n)]


# stdlib

NOT_IMPORTED = {"antigravity", "this", "idlelib", "test", "turtledemo", "lib2to3", "__main__",
                "ensurepip"}


def top_level_names():
    """sys.stdlib_module_names, which is new in 3.10."""
    import pkgutil
    if hasattr(sys, "stdlib_module_names"):
        return sys.stdlib_module_names
    folder = os.path.dirname(os.__file__)
    return {found.name for found in pkgutil.iter_modules(
        [folder, os.path.join(folder, "lib-dynload")])} | set(sys.builtin_module_names)


def stdlib_names():
    import pkgutil
    for name in sorted(top_level_names() - NOT_IMPORTED):
        yield name
        module = sys.modules.get(name)
        if hasattr(module, "__path__"):
            for found in pkgutil.walk_packages(module.__path__, name + ".", lambda _: None):
                parts = found.name.split(".")
                if "__main__" not in parts and not set(parts) & NOT_IMPORTED:
                    yield found.name


def build_stdlib(_n):
    return import_all(stdlib_names())


# kinds

class Plain:
    pass


class Getter:
    def __getitem__(self, index):
        return index


class Slotted(list):
    __slots__ = ("one", "two", "__dict__")


class Tagged(dict):
    pass


def pair():
    return [object(), Plain()]


def raised():
    try:
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise ValueError(pair()) from error
    except ValueError as error:
        return error


def generator():
    held = pair()
    yield held
    yield held


async def coroutine():
    held = pair()
    await forever(held)


class forever:
    def __init__(self, held):
        self.held = held

    def __await__(self):
        yield self.held


async def async_generator():
    held = pair()
    yield held
    yield held


def started(made):
    next(made)
    return made


def containers(keep):
    import array
    import collections
    import types
    Point = collections.namedtuple("Point", "x y")
    slotted = Slotted(pair())
    slotted.one, slotted.extra = pair(), pair()
    tagged = Tagged(a=pair())
    tagged.extra = pair()
    nested = []
    nested.append(nested)
    yield from (
        slotted, tagged, nested, [], (), {}, set(), frozenset(), pair(), tuple(pair()),
        {1: pair()}, {"a": pair(), "b": 2}, {(1, 2): pair()}, set(map(id, pair())), set(pair()),
        frozenset(pair()), Point(pair(), 2), collections.deque(pair()),
        collections.deque(range(1000), 300), collections.deque([pair() for _ in range(200)]),
        collections.OrderedDict({1: pair(), "a": pair()}), collections.defaultdict(list, a=pair()),
        collections.Counter("abca"), collections.ChainMap({1: 2}, {3: pair()}),
        collections.UserDict(a=1), collections.UserList(pair()), array.array("i", [1, 2]),
        types.MappingProxyType({1: pair()}), types.SimpleNamespace(a=pair()),
        types.CellType(pair()), types.CellType(), slice(pair(), 2, pair()), range(10 ** 30),
        range(5), {1: pair()}.items(), {1: pair()}.keys(), {1: pair()}.values(),
        bytearray(b"abc"), memoryview(b"abc"), memoryview(array.array("i", [1])),
        {k: k for k in range(1000)}, {str(k): [k] for k in range(300)}, list(range(1000)))
    emptied = {k: k for k in range(100)}
    for k in range(99):
        del emptied[k]
    yield emptied
    popped = [pair() for _ in range(100)]
    del popped[:90]
    yield popped
    holes = set(range(100))
    holes -= set(range(50))
    yield holes


def iterators(keep):
    import collections
    import itertools as it
    yield from (
        it.chain(pair(), pair()), it.chain.from_iterable([pair()]), it.cycle(pair()),
        it.islice(pair(), 5), it.count(10 ** 30, 10 ** 31), it.count(), it.repeat(pair(), 3),
        it.zip_longest(pair(), pair(), fillvalue=pair()), zip(pair(), pair()), map(len, pair()),
        filter(None, pair()), enumerate(pair()), enumerate(pair(), 10 ** 30), reversed(pair()),
        reversed((1, pair())), it.groupby(pair()), it.accumulate(pair(), max, initial=pair()),
        it.combinations(pair(), 2), it.permutations(pair(), 2), it.product(pair(), pair()),
        it.combinations_with_replacement(pair(), 2), it.starmap(len, pair()),
        it.takewhile(len, pair()), it.dropwhile(len, pair()), it.filterfalse(None, pair()),
        it.compress(pair(), [1, 1]), iter(pair()), iter(tuple(pair())),
        iter(set(pair())), iter({1: pair()}), iter({1: pair()}.items()),
        iter({1: pair()}.values()), reversed({1: pair()}), reversed({1: pair()}.items()),
        iter(range(3)), iter(range(10 ** 30, 10 ** 31)), iter("ab"), iter("\u20ac"), iter(b"ab"),
        iter(bytearray(b"ab")), iter(lambda: 1, 2), iter(Getter()), iter(collections.deque(pair())),
        reversed(collections.deque(pair())), iter(collections.OrderedDict({1: pair()})),
        iter(collections.OrderedDict({1: pair()}).items()), iter(memoryview(b"ab")),
        collections.OrderedDict({1: pair()}).items(), started(it.cycle(pair())),
        started(it.product(pair(), pair())), started(it.combinations(pair(), 2)),
        started(it.permutations(pair(), 2)), started(it.groupby(pair())),
        started(it.accumulate(pair(), lambda a, b: a)),
        started(it.combinations_with_replacement(pair(), 2)), started(zip(pair(), pair())),
        started(enumerate(pair())))
    tee = it.tee([pair() for _ in range(100)])
    next(tee[0])
    yield tee
    group = it.groupby([1, 1, 2])
    keep.append(next(group))
    yield group


def functions(keep):
    import functools
    import operator
    import types
    cached = functools.lru_cache(maxsize=10)(lambda *a, **k: pair())
    cached(1), cached(2), cached(3, a=5)
    unbounded = functools.lru_cache(maxsize=None)(lambda *a: pair())
    unbounded(1)
    key = functools.cmp_to_key(lambda a, b: 0)
    free = pair()

    def closure(a, b=pair(), *, c=pair()) -> "x":
        return free
    closure.extra = pair()
    single = functools.singledispatch(lambda x: x)
    single.register(int, lambda x: x)
    yield from (
        cached, unbounded, key, key(pair()), closure, closure.__code__, single, lambda: 1,
        functools.partial(len, pair(), z=1), functools.partialmethod(len, 1),
        functools.cached_property(len), operator.itemgetter(1, 2), operator.itemgetter("a"),
        operator.attrgetter("a.b", "c"), operator.attrgetter("a"),
        operator.methodcaller("a", pair(), k=1), property(len, len, len, "x"), classmethod(len),
        staticmethod(closure), super(Plain, Plain()), types.MethodType(len, pair()),
        pair().append, Plain().__repr__, [].__len__, types.DynamicClassAttribute(len),
        type.__dict__["__dict__"], type.__subclasses__, dict.fromkeys, str.join, Slot.value,
        Plain.__init__)


def executing(keep):
    """Frames, generators, coroutines, tracebacks."""
    wrapped = coroutine()
    fresh = [generator(), coroutine(), async_generator()]
    running = coroutine()
    running.send(None)
    waiting = wrapped.__await__()
    waiting.send(None)
    values = async_generator()
    with contextlib.suppress(StopIteration):
        values.__anext__().send(None)
    done = generator()
    for _ in done:
        pass
    keep.append(sys._getframe())
    yield from (started(generator()), started(i for i in pair()), running, wrapped, waiting, values,
                values.asend(1), values.__anext__(), values.aclose(), done, raised(),
                raised().__traceback__, sys._getframe(), *fresh)


def exceptions(keep):
    yield from (
        Exception(pair()), OSError(1, "a", "b"), UnicodeDecodeError("a", b"b", 1, 2, "c"),
        UnicodeEncodeError("a", "b", 1, 2, "c"), SyntaxError("a", ("f", 1, 2, "t")),
        ImportError("x", name="a", path="b"), StopIteration(pair()), SystemExit(pair()),
        KeyError(pair()),
        BlockingIOError(1, "a", 3), KeyboardInterrupt(), StopAsyncIteration(pair()))


def weak(keep):
    import weakref
    targets = [Plain() for _ in range(8)]
    keep.append(targets)
    yield from (
        weakref.ref(targets[0]), weakref.ref(targets[0], lambda r: 1), weakref.proxy(targets[1]),
        weakref.proxy(targets[1], lambda r: 1), weakref.WeakKeyDictionary({targets[2]: pair()}),
        weakref.WeakValueDictionary({1: targets[3]}), weakref.WeakSet(targets[:2]),
        weakref.finalize(targets[4], len, 1), weakref.WeakMethod(Record(1, "a", None).touch),
        weakref.ref(Plain()), weakref.KeyedRef(targets[5], None, "key"))


def classes(keep):
    import abc
    import dataclasses
    import enum
    import typing

    class Meta(type):
        pass

    class Made(metaclass=Meta):
        __slots__ = ("a",)

    class Base(abc.ABC):
        @abc.abstractmethod
        def must(self):
            pass

    class Child(Base):
        def must(self):
            return super().must()

    class Colour(enum.Enum):
        RED = 1

    class Number(enum.IntFlag):
        ONE = 1

    @dataclasses.dataclass
    class Data:
        a: int = 0
        b: list = dataclasses.field(default_factory=list)

    class Deep(Plain, Record):
        def __sizeof__(self):
            return 1000
    yield from (Made, Made(), Base, Child(), Colour, Colour.RED, Number.ONE, Data(), Data,
                Deep(1, "a", None), typing.TypeVar("T"), typing.List[int], typing.Union[int, str],
                typing.Callable[[int], str], typing.NewType("N", int),
                type("Old", (int,), {})(5), type("Str", (str,), {"x": 1})("abc"),
                type("Tuple", (tuple,), {})(pair()), type("Set", (set,), {})(pair()),
                type("Float", (float,), {})(1.5), type("Bytes", (bytes,), {})(b"abc"))


def waiting_things(keep):
    """Threads, queues, futures, contexts."""
    import asyncio
    import contextvars
    import queue
    import threading
    local = threading.local()
    local.x = pair()
    simple = queue.SimpleQueue()
    simple.put(pair())
    full = queue.Queue()
    full.put(pair())
    context = contextvars.copy_context()
    for i in range(40):
        variable = contextvars.ContextVar("v%d" % i, default=pair())
        keep.append(variable)
        keep.append(context.run(variable.set, pair()))
    loop = asyncio.new_event_loop()
    keep.append(loop)

    async def sleeping():
        held = pair()
        await asyncio.sleep(1000)
        return held

    async def run():
        task = asyncio.ensure_future(sleeping())
        task.add_done_callback(len)
        task.add_done_callback(id)
        future = loop.create_future()
        future.add_done_callback(len)
        failed = loop.create_future()
        failed.set_exception(ValueError(pair()))
        finished = loop.create_future()
        finished.set_result(pair())
        keep.extend((task, future, failed, finished, future.__await__(), iter(future),
                     asyncio.gather(task, future), asyncio.Lock(), asyncio.Queue()))
        for _ in range(3):
            await asyncio.sleep(0)
    loop.run_until_complete(run())
    yield from (local, simple, full, context, contextvars.Context(), threading.Lock(),
                threading.RLock(), threading.Condition(), threading.Event(),
                threading.Thread(target=len, args=pair()), threading.Semaphore(),
                threading.Barrier(2), threading.Timer(100, len))


def files(keep):
    import mmap
    import select
    import socket
    import tempfile
    raw = open("/dev/null", "rb", 0)
    keep.append(raw)
    scan = os.scandir("/")
    yield from (
        io.StringIO("abc"), io.BytesIO(b"abc"), io.BytesIO(b"abc").getbuffer(), raw,
        open("/dev/null"), open("/dev/null", "rb"), open("/dev/null", "wb"),
        open("/dev/zero", "r+b"), io.IncrementalNewlineDecoder(None, True),
        io.BufferedRWPair(open("/dev/null", "rb", 0), open("/dev/null", "wb", 0)),
        mmap.mmap(-1, 4096), socket.socket(), select.epoll(), select.poll(), next(scan), scan,
        tempfile.SpooledTemporaryFile(), os.stat("/"), os.times())


def codecs(keep):
    import bz2
    import csv
    import hashlib
    import hmac
    import json
    import lzma
    import pickle
    import random as numbers
    import re
    import struct
    import zlib
    memo = pickle.Pickler(io.BytesIO())
    memo.dump([pair(), "a"])
    yield from (
        zlib.compressobj(), zlib.decompressobj(), bz2.BZ2Compressor(), bz2.BZ2Decompressor(),
        lzma.LZMACompressor(), lzma.LZMADecompressor(), csv.reader(pair()),
        csv.writer(io.StringIO()), csv.get_dialect("excel"), memo,
        pickle.Unpickler(io.BytesIO(b"")), json.JSONDecoder(), json.JSONEncoder().iterencode([1]),
        json.scanner.make_scanner(json.JSONDecoder()), struct.Struct("ii"),
        struct.iter_unpack("i", b"abcd"), hashlib.md5(), hashlib.blake2b(b"x"), hashlib.sha3_256(),
        hmac.new(b"k", b"m", "sha256"), numbers.Random(), re.compile("a(b)(?P<n>c)"),
        re.match("a", "ab"), re.finditer("a", "ab"), re.compile("a").scanner("b"),
        re.compile(b"x"), re.match("(?P<n>a)", "ab"))


def numbers(keep):
    import datetime
    import decimal
    import fractions
    zone = datetime.timezone(datetime.timedelta(0, 60), "n")
    yield from (
        0, 1, -1, 2 ** 30, -2 ** 30, 2 ** 60 + 1, 10 ** 100, True, 1.5, 1j, "", "a", "\xe9",
        "\u20ac", "\U0001f40d", "x" * 1000, "\u20ac" * 100, b"", b"a", b"x" * 1000, None, ...,
        NotImplemented, decimal.Decimal("1.5"), decimal.Decimal(10) ** 100, decimal.Context(),
        decimal.getcontext(), fractions.Fraction(1, 3), datetime.datetime.now(zone),
        datetime.datetime(2020, 1, 1), datetime.time(1, tzinfo=zone), datetime.date(2020, 1, 1),
        datetime.timedelta(1), zone)
    with contextlib.suppress(Exception):
        import zoneinfo
        yield zoneinfo.ZoneInfo("Europe/Berlin")
        yield datetime.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Paris"))


def foreign(keep):
    """ctypes, expat, ElementTree."""
    import ctypes
    import xml.etree.ElementTree as etree
    import xml.parsers.expat
    Structure = type("Structure", (ctypes.Structure,),
                     {"_fields_": [("a", ctypes.c_int), ("b", ctypes.c_char_p)]})
    element = etree.fromstring('<a b="c">x<d/>t</a>')
    yield from (
        ctypes.c_int(1), (ctypes.c_int * 3)(), ctypes.pointer(ctypes.c_int(1)),
        ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1), ctypes.py_object(pair()), Structure(1, b"x"),
        ctypes.CDLL(None).malloc, ctypes.c_char_p(b"abc"), ctypes.byref(ctypes.c_int(1)),
        (ctypes.py_object * 2)(pair(), pair()), element, element[0], element.iter(), element.attrib,
        etree.XMLParser(), etree.TreeBuilder(), etree.ElementTree(element),
        xml.parsers.expat.ParserCreate())


def databases(keep):
    import sqlite3
    connection = sqlite3.connect(":memory:", detect_types=1)
    connection.row_factory = sqlite3.Row
    connection.create_function("f", 1, lambda x: x)
    keep.append(connection)
    cursor = connection.execute("select 1 as a, 'b' as b union select 2, 'c'")
    yield from (cursor, cursor.fetchone(), connection.cursor(), sqlite3.connect(":memory:"))


def secure(keep):
    import ssl
    context = ssl.create_default_context()
    yield context
    yield context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")


def template():
    """A t-string: its literal is no syntax before 3.14."""
    return eval("t'a{pair()!r:>{10}}b'", {"pair": pair})


def generic():
    """What 3.12's syntax for type parameters makes."""
    space = {}
    exec("type Alias[T: int, *Ts, **P] = dict[T, list]\n"
         "class Generic[T]:\n    def method[S](self, value: S) -> T: return value\n"
         "def function[T: (int, str)](value: T) -> Alias[T]: return value\n"
         "Alias.__value__, Alias.__type_params__", space)
    return space


def newer(keep):
    """What not every version has."""
    import functools
    import itertools as it
    import types
    import typing
    for make in (
            lambda: it.pairwise(pair()), lambda: started(it.pairwise(pair())),
            lambda: started(it.batched([1, 2, 3], 2)), lambda: types.GenericAlias(list, (int,)),
            lambda: list[int], lambda: iter(list[int]), lambda: int | str,
            lambda: typing.ParamSpec("P"), lambda: typing.TypeVarTuple("Ts"),
            lambda: typing.ParamSpec("P").args, lambda: typing.Unpack[tuple[int]],
            lambda: AttributeError("x", name="a", obj=pair()), lambda: NameError("x", name="a"),
            lambda: ExceptionGroup("several", [ValueError(pair())]), template, generic,
            lambda: functools.partial(len, functools.Placeholder, 1),
            lambda: frozendict(a=pair(), b=1), lambda: frozendict({(1, 2): pair()}),
            lambda: types.FrameType.f_locals.__get__(sys._getframe()), lambda: sys.monitoring):
        with contextlib.suppress(AttributeError, NameError, TypeError, SyntaxError):
            yield make()


FAMILIES = (containers, iterators, functions, executing, exceptions, weak, classes, waiting_things,
            files, codecs, numbers, foreign, databases, secure, newer)


def build_kinds(_n):
    """What each family yields; a module that is missing here costs its family only."""
    keep = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for family in FAMILIES:
            try:
                for made in family(keep):
                    keep.append(made)
            except (ImportError, AttributeError, TypeError) as error:
                print("kinds: %s is cut short: %s" % (family.__name__, error), file=sys.stderr)
    return keep


def build_few(_n):
    keep = []
    for family in (containers, iterators, functions, executing, exceptions, newer):
        try:
            for made in family(keep):
                keep.append(made)
        except (ImportError, AttributeError, TypeError) as error:
            print("few: %s is cut short: %s" % (family.__name__, error), file=sys.stderr)
    return [keep, build_mix(300)]


NAMES = ("mix", "ast", "app", "deep", "fan", "star", "stdlib", "kinds", "few")


def build(name, n):
    if name not in NAMES:
        raise ValueError("no workload %r, expected one of: %s" % (name, ", ".join(NAMES)))
    enabled = gc.isenabled()
    gc.disable()
    try:
        return globals()["build_" + name](n)
    finally:
        if enabled:
            gc.enable()
