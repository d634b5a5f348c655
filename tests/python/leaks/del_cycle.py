"""A cycle with a __del__, where the collector was switched off "for latency".

Suspect: garbage Cursor.connection|Connection.cursors
"""

import gc

import traffic


class Connection:
    def __init__(self, number):
        self.number, self.buffer = number, bytearray(600)
        self.cursors = []

    def cursor(self):
        self.cursors.append(Cursor(self))
        return self.cursors[-1]

    def __del__(self):
        self.buffer.clear()


class Cursor:
    def __init__(self, connection):
        self.connection, self.rows = connection, []

    def fetch(self):
        self.rows = [(self.connection.number, i) for i in range(5)]
        return self.rows


def serve(number):
    return len(Connection(number).cursor().fetch())


if __name__ == "__main__":
    gc.disable()
    traffic.run(serve)
