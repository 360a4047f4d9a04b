"""200 hostile connections in a process of their own: slow headers, slow bodies and huge headers, in equal parts.

`python -m tests.benchmarks.hostile PORT` prints a line when all are open and continues until it is killed. A connection
that the server closes is opened again a second later.
"""

import asyncio
import itertools
import sys

CONNECTIONS = 200
_HEAD = b"POST /sign-in HTTP/1.1\r\nHost: hostile.localhost\r\n"
_BODY = _HEAD + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\n"
_HUGE = b"X: " + b"a" * 1_000_000


async def _send_slowly(port: int, head: bytes, opened: asyncio.Semaphore) -> None:
    """Send one byte per second after `head`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    opened.release()
    try:
        writer.write(head)
        while not reader.at_eof():
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(1)
    finally:
        writer.close()


async def _flood(port: int, opened: asyncio.Semaphore) -> None:
    """Send a header line of a megabyte as fast as the server reads it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    opened.release()
    try:
        writer.write(_HEAD + _HUGE)
        await writer.drain()
        await reader.read()
    finally:
        writer.close()


async def _again(number: int, port: int, opened: asyncio.Semaphore) -> None:
    while True:
        try:
            match number % 3:
                case 0:
                    await _send_slowly(port, _HEAD + b"X: ", opened)
                case 1:
                    await _send_slowly(port, _BODY, opened)
                case _:
                    await _flood(port, opened)
        except OSError:
            pass
        await asyncio.sleep(1)


async def main(port: int) -> None:
    opened = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(_again(number, port, opened)) for number in range(CONNECTIONS)]
    for _ in itertools.repeat(None, CONNECTIONS):
        await opened.acquire()
    print("open", flush=True)
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
