"""Who wants to hear what happens in the shop."""

import collections


class EventBus:
    """Listeners by topic. The second leak: nothing ever unsubscribes."""

    def __init__(self):
        self._listeners = collections.defaultdict(list)

    def subscribe(self, topic, listener):
        self._listeners[topic].append(listener)

    def publish(self, topic, event):
        for listener in self._listeners[topic]:
            listener(event)


class StockAlert:
    """Tells a user when a product is back. A bound method on the bus keeps it alive."""

    __slots__ = ("user", "product", "raised")

    def __init__(self, user, product):
        self.user = user
        self.product = product
        self.raised = False

    def on_restock(self, product):
        if product == self.product:
            self.raised = True


BUS = EventBus()
