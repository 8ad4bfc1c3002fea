"""Asking the system for the addresses of a host, without anybody waiting for it at the end."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

LookUp = Callable[[str, int], Sequence[str]]
"""The same of a host and port, and the caller waits."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses behind a host and port. Raise OSError or UnicodeError if there are none."""


class Resolver:
    """The system's, with a thread for each question: `getaddrinfo` blocks, for half a minute where a name's servers are
    silent. An executor would have the process wait for that before it ends."""

    def __init__(self, *, look_up: LookUp | None = None, at_once: int = 256) -> None:
        """More than calls at once: a question outlives the call that gave it up, and is not to hold up others."""
        self._look_up = look_up or _addresses
        self._turns = asyncio.Semaphore(at_once)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        await self._turns.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str] | Exception] = loop.create_future()

        def tell(found: Sequence[str] | Exception) -> None:
            self._turns.release()
            if not answer.done():
                answer.set_result(found)

        def ask() -> None:
            with suppress(RuntimeError):  # the loop is closed meanwhile
                loop.call_soon_threadsafe(tell, self._found(host, port))

        threading.Thread(target=ask, name="resolver", daemon=True).start()
        found = await answer
        if isinstance(found, Exception):
            raise found
        return found

    def _found(self, host: str, port: int) -> Sequence[str] | Exception:
        """Never raise: who asked would wait for ever."""
        try:
            return self._look_up(host, port)
        except (OSError, ValueError) as error:
            return error


def _addresses(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
