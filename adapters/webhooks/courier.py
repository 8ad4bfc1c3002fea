"""Webhook calls over HTTP, on a thread of their own."""

import asyncio
import logging
import ssl
import threading
from collections.abc import Collection
from queue import Empty, SimpleQueue

from adapters.webhooks.connections import Connections, Refused, Unresolved, system_trust
from adapters.webhooks.exchange import BadAnswer
from adapters.webhooks.resolving import Resolve, Resolver
from adapters.webhooks.signatures import signed_headers
from adapters.webhooks.targets import Target
from application.ports.webhooks import Courier, Parcel, Receipt

_log = logging.getLogger(__name__)

AT_ONCE = 64
"""Calls under way: more wait with the relay, where others can take them."""


class HttpCourier(Courier):
    """POSTs as Standard Webhooks has it; each call with all that belongs to it takes at most `timeout` seconds.

    `allowed` are hosts that may be private and unencrypted (`WEBHOOK_ALLOWED_HOSTS`). No redirect is followed; nothing
    comes from the environment, and nothing of an answer is kept but its status. It serves one thread.
    """

    def __init__(
        self,
        *,
        allowed: Collection[str] = (),
        timeout: float = 5.0,
        at_once: int = AT_ONCE,
        trust: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._timeout = timeout
        self._free = at_once
        self._returned: SimpleQueue[Receipt] = SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._connections = Connections(
            resolve=resolve or Resolver(), allowed=allowed, trust=trust or system_trust(), most_idle=at_once
        )
        self._calls: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="courier", daemon=True)
        self._thread.start()

    def free(self) -> int:
        return self._free

    def send(self, parcel: Parcel) -> None:
        self._free -= 1
        self._loop.call_soon_threadsafe(self._begin, parcel)

    def returned(self, *, wait: float) -> list[Receipt]:
        receipts: list[Receipt] = []
        try:
            receipts.append(self._returned.get(timeout=wait) if wait > 0 else self._returned.get_nowait())
            while True:
                receipts.append(self._returned.get_nowait())
        except Empty:
            self._free += len(receipts)
            return receipts

    def close(self) -> None:
        """What is under way is given up, and no receipt tells of it."""
        asyncio.run_coroutine_threadsafe(self._give_up(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _give_up(self) -> None:
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        self._connections.close()
        await asyncio.sleep(0)  # for the connections to take note

    def _begin(self, parcel: Parcel) -> None:
        call = self._loop.create_task(self._call(parcel))
        self._calls.add(call)  # a task that nobody holds may vanish
        call.add_done_callback(self._calls.discard)

    async def _call(self, parcel: Parcel) -> None:
        status, error = None, ""
        try:
            async with asyncio.timeout(self._timeout):
                status = await self._post(parcel)
            if 300 <= status < 400:
                error = "redirect"
        except TimeoutError:
            error = "timeout"
        except Refused:
            error = "refused_address"
        except Unresolved:
            error = "unresolved"
        except ssl.SSLError:
            error = "tls"
        except OSError:
            error = "connection"
        except BadAnswer:
            error = "bad_answer"
        except ValueError:
            error = "bad_url"
        except Exception:
            # Ours, not the receiver's. Told, and tried again like any other: a lane must not stop for it.
            _log.exception("A webhook call broke.")
            error = "internal"
        self._returned.put(Receipt(parcel=parcel, status=status, error=error))

    async def _post(self, parcel: Parcel) -> int:
        target = Target.parse(parcel.url)
        head = _head(target, parcel)
        connection = await self._connections.take(target.origin)
        status = await connection.post(head, parcel.body)
        self._connections.give_back(target.origin, connection)
        return status


def _head(target: Target, parcel: Parcel) -> bytes:
    headers = {
        "host": target.origin.authority,
        "user-agent": "Portico-Webhooks",
        "accept": "*/*",
        "content-type": "application/json",
        "content-length": str(len(parcel.body)),
        **signed_headers(parcel),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {target.path} HTTP/1.1\r\n{lines}\r\n".encode()
