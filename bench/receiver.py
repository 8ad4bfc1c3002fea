"""A receiver of webhooks that only counts: cheap, so that who sends is what is measured."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

_ANSWER = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


class Receiver:
    def __init__(self) -> None:
        self.times: list[float] = []
        self.port = 0

    def rate(self, count: int, *, patience: float) -> float:
        """Calls a second, over the next `count` of them. Raise TimeoutError."""
        deadline = time.monotonic() + patience
        while len(self.times) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.times)} calls came of {count}.")
            time.sleep(0.01)
        heard, self.times = self.times[:count], []
        return (count - 1) / (heard[-1] - heard[0])

    async def _serve(self, ready: threading.Event, stopping: asyncio.Event) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await stopping.wait()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.partition(b":")[2])
                    for line in head.lower().split(b"\r\n")
                    if line[:15] == b"content-length:"
                )
                await reader.readexactly(length)
                self.times.append(time.perf_counter())
                writer.write(_ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver, ready = Receiver(), threading.Event()
    loop, stopping = uvloop.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(receiver._serve(ready, stopping)))
    thread.start()
    ready.wait()
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
