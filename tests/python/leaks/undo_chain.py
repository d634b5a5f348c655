"""A chain without an end: each state of a document keeps the one before it.

Suspect: retainer DOCUMENT.state
"""

import traffic


class State:
    def __init__(self, text, before):
        self.text, self.before = text, before
        self.marks = {"cursor": len(text)}


class Document:
    def __init__(self):
        self.state = State("", None)

    def type(self, text):
        self.state = State(self.state.text[-300:] + text, self.state)


DOCUMENT = Document()


def serve(number):
    DOCUMENT.type("word %d " % number)


if __name__ == "__main__":
    traffic.run(serve)
