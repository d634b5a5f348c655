"""A reference that C code took and forgets to give back, as for want of a Py_DECREF.

Suspect: held-from-c Frame
"""

import ctypes

import traffic

take = ctypes.pythonapi.Py_IncRef
take.argtypes = [ctypes.py_object]


class Frame:
    def __init__(self, number):
        self.number, self.samples = number, [number * i for i in range(40)]


def encode(frame):
    """Stands for the extension's function."""
    take(frame)
    return len(frame.samples)


def serve(number):
    return encode(Frame(number))


if __name__ == "__main__":
    traffic.run(serve)
