"""What the leaking programs share: work to do, and a line of output when it is done."""

import ctypes
import sys

PR_SET_PTRACER, ANY = 0x59616D61, ctypes.c_ulong(-1)
BEFORE, MORE = 600, 200     # requests before the first READY, and for each line of input


def run(serve):
    """SERVE(number) for each request; READY, then more of them for each line of the input."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANY, 0, 0, 0)
    number = iter(range(10 ** 9))
    for _ in range(BEFORE):
        serve(next(number))
    print("READY", flush=True)
    for _ in sys.stdin:
        for _ in range(MORE):
            serve(next(number))
        print("READY", flush=True)
