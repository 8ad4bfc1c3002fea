"""HTTP/1.1 from the calling side, as far as a webhook needs it: one POST at a time, of whose answer the status counts.

httptools, uvicorn's parser, reads the answer. The body is never looked at, nor is any header but those of framing.
"""

import asyncio
from typing import cast

import httptools

MOST_READ = 64 * 1024
"""Bytes of an answer, its head included."""


class BadAnswer(Exception):
    """What came is no HTTP, or more than is read before there is a status."""


class Exchange(asyncio.BufferedProtocol):
    """One connection, which is reused as long as every answer ended where it said it would."""

    _transport: asyncio.Transport
    _parser: httptools.HttpResponseParser

    def __init__(self) -> None:
        self._buffer = bytearray(16 * 1024)
        self._answer: asyncio.Future[int] | None = None
        self._status: int | None = None
        self._unread = 0
        self._is_complete = False
        self.is_reusable = False

    async def post(self, head: bytes, body: bytes) -> int:
        """Send, and return the status once the answer is over, or as much of it was read as ever is.

        Raise BadAnswer, and OSError if the connection ends without a status. Cancelling closes it.
        """
        self._parser = httptools.HttpResponseParser(self)
        self._status, self._unread = None, MOST_READ
        self._is_complete = self.is_reusable = False
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            raise ConnectionResetError
        self._transport.write(head + body)
        try:
            return await self._answer
        finally:
            self._answer = None
            if not self.is_reusable:
                self.close()

    def close(self) -> None:
        """At once: whoever does not read what was sent, or never says goodbye, is not waited for."""
        self.is_reusable = False
        self._transport.abort()

    # ---- what the connection tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, _sizehint: int) -> memoryview:
        return memoryview(self._buffer)[: max(1, self._unread)]  # an empty one is not allowed

    def buffer_updated(self, nbytes: int) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # nothing was asked
            return
        self._unread -= nbytes
        try:
            self._parser.feed_data(memoryview(self._buffer)[:nbytes])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(BadAnswer())
            return
        if self._is_complete:
            self._finish(is_reusable=self.is_reusable)
        elif self._unread <= 0:
            self._finish(is_reusable=False)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._finish(is_reusable=False)

    # ---- what the parser tells

    def on_message_begin(self) -> None:
        if self._is_complete:  # a second answer to one question: whose is the next?
            raise BadAnswer

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        self._status = status if status >= 200 else None  # below: only provisional (RFC 9110 section 15.2)

    def on_message_complete(self) -> None:
        if self._status is not None:
            self._is_complete = True
            self.is_reusable = self._parser.should_keep_alive()

    def _finish(self, *, is_reusable: bool) -> None:
        if self._answer is None or self._answer.done():
            self.is_reusable = False
        elif self._status is None:
            self._fail(BadAnswer() if self._unread <= 0 else ConnectionResetError())
        else:
            self.is_reusable = is_reusable
            self._answer.set_result(self._status)

    def _fail(self, error: Exception) -> None:
        self.is_reusable = False
        if self._answer and not self._answer.done():
            self._answer.set_exception(error)
