"""A list that was meant for each object, and is the class's: all objects append to the one.

Suspect: retainer Order.events
"""

import datetime

import traffic


class Event:
    def __init__(self, order, name):
        self.order, self.name = order, name
        self.at = datetime.datetime(2026, 1, 1, 12, 0, 0, order.number % 1000000)


class Order:
    events = []

    def __init__(self, number):
        self.number = number
        self.lines = ["line %d of order %d" % (i, number) for i in range(6)]

    def happened(self, name):
        self.events.append(Event(self, name))


def serve(number):
    order = Order(number)
    order.happened("placed")
    order.happened("paid")


if __name__ == "__main__":
    traffic.run(serve)
