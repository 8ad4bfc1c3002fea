"""Receivers on the loopback interface, that answer byte by byte what a test wants."""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Received:
    connection: int
    line: str
    headers: dict[str, str]
    """By their names in small letters, however they were written."""
    body: bytes


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def says(answer: bytes, *, and_hangs_up: bool = False) -> Answer:
    async def answering(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        if and_hangs_up:
            writer.close()

    return answering


def drips(beginning: bytes, again_and_again: bytes, *, every: float = 0.0) -> Answer:
    """Without an end, as long as anybody listens."""

    async def answering(writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        while True:
            writer.write(again_and_again)
            await writer.drain()
            await asyncio.sleep(every)

    return answering


@dataclass
class Receiver:
    answer: Answer = field(default=says(NO_CONTENT))
    received: list[Received] = field(default_factory=list)
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def connections(self) -> int:
        """How many there have been."""
        return len(self.writers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        connection = self.connections
        with suppress(OSError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                line, *headers = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
                named = {name.lower(): value for name, _, value in (header.partition(": ") for header in headers)}
                body = await reader.readexactly(int(named["content-length"]))
                self.received.append(Received(connection, line, named, body))
                await self.answer(writer)
        writer.close()


@contextmanager
def receiving(receiver: Receiver, *, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> asyncio.Server:
        server = await asyncio.start_server(receiver.converse, "127.0.0.1", 0, ssl=tls)
        receiver.port = server.sockets[0].getsockname()[1]
        return server

    async def stop() -> None:
        server.close()
        for writer in receiver.writers:
            writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield receiver
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
