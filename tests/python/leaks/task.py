"""Tasks that nobody awaits: each waits for an answer that never comes, with all it has on hand.

Suspect: retainer PENDING
"""

import asyncio
import sys

import traffic

PENDING = {}


class Upload:
    def __init__(self, number):
        self.number, self.chunks = number, [b"%d" % number * 50]


async def answer_of(number):
    PENDING[number] = asyncio.get_running_loop().create_future()
    return await PENDING[number]


async def deliver(upload):
    status = await answer_of(upload.number)
    print(upload.number, status)


async def request(number):
    asyncio.create_task(deliver(Upload(number)))
    await asyncio.sleep(0)


async def main():
    loop, number = asyncio.get_running_loop(), 0
    for count in (traffic.BEFORE, traffic.MORE, traffic.MORE):
        for _ in range(count):
            number += 1
            await request(number)
        print("READY", flush=True)
        if not await loop.run_in_executor(None, sys.stdin.readline):
            break


if __name__ == "__main__":
    asyncio.run(main())
