"""A closure over a request: one field is needed, and the whole request stays.

Suspect: retainer AUDIT
"""

import traffic

AUDIT = []


class Request:
    def __init__(self, number):
        self.path = "/orders/%d" % number
        self.body = b"x" * 700 + self.path.encode()
        self.headers = {"host": "shop.example", "cookie": "session=%d" % number}


def audited(request):
    def line():
        return "GET " + request.path
    AUDIT.append(line)


def serve(number):
    request = Request(number)
    audited(request)
    return len(request.body)


if __name__ == "__main__":
    traffic.run(serve)
