"""A web shop that leaks, to try refgraph on.

    python3 examples/leaky_service [--until-eof]

Serves HTTP on a free port of 127.0.0.1 and visits itself. Prints READY when some hundred sessions
are open, then grows slowly until SIGTERM, Ctrl-C or, with --until-eof, the end of its input.
"""

import argparse
import ctypes
import os
import signal
import sys
import threading

from app import visitors, web

PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)

VISITS_BEFORE_READY = 1000
SECONDS_BETWEEN_VISITS = 0.05


def allow_tracer():
    """Lets any process of this user read this one, where the system would else let only a
    parent (yama's ptrace_scope 1). Where there is no yama the call fails and is not needed."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)


def stop_at_eof(stop):
    def wait_for_eof():
        while os.read(0, 4096):
            pass
        stop.set()

    threading.Thread(target=wait_for_eof, name="until-eof", daemon=True).start()


def main():
    parser = argparse.ArgumentParser(prog="leaky_service", description=__doc__.split("\n")[0])
    parser.add_argument("--until-eof", action="store_true", help="stop at the end of the input")
    options = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    allow_tracer()
    if options.until_eof:
        stop_at_eof(stop)

    server = web.serve()
    traffic = visitors.Visitors(server.server_port)
    for _ in range(VISITS_BEFORE_READY):
        traffic.visit()
    print(f"READY pid={os.getpid()} port={server.server_port}", flush=True)

    while not stop.wait(SECONDS_BETWEEN_VISITS):
        traffic.visit()
    traffic.leave()
    server.shutdown()
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
