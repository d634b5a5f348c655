"""A listener that is never removed: each view hears of prices, and outlives its page.

Suspect: retainer PRICES.listeners
"""

import traffic


class Topic:
    def __init__(self):
        self.listeners = []

    def subscribe(self, listener):
        self.listeners.append(listener)

    def publish(self, price):
        for listener in self.listeners:
            listener(price)


class View:
    def __init__(self, user):
        self.user, self.prices = user, []
        self.template = "<p>%s</p>" % user * 10
        PRICES.subscribe(self.on_price)

    def on_price(self, price):
        self.prices = self.prices[-3:] + [price]


PRICES = Topic()


def serve(number):
    view = View("user %d" % number)
    if number % 50 == 0:
        PRICES.publish(number)
    return len(view.template)


if __name__ == "__main__":
    traffic.run(serve)
