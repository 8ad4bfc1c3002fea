"""HTTP/1.1 as uvicorn speaks it, with what uvicorn lacks: a limit on the head of a request, and a word to whoever makes
a client wait when the server ends."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from entrypoints.http.problems import HEAD_TOO_LARGE, own_problem

MOST_HEAD_BYTES = 64 * 1024
ON_SHUTDOWN = "on_shutdown"
"""In the state of the lifespan: what is called when the server begins to end. The lifespan's own end comes after the
last answer, and so too late for whoever puts an answer off."""


class _HeadTooLarge(Exception):
    pass


def _nothing() -> None:
    """An application that makes nobody wait."""


class BoundedHeads(HttpToolsProtocol):
    """Answers 431 (RFC 6585 section 5) to a head of more than 64 KiB, and closes.

    It counts whatever arrives without bringing a request on, for the parser keeps that as well: a header without an
    end, trailers, the extension of a chunk.
    """

    _idle_bytes = 0
    _unread_bytes = 0
    _has_advanced = False
    _is_head_too_large = False

    def data_received(self, data: bytes) -> None:
        self._has_advanced = False
        self._unread_bytes = self._idle_bytes + len(data)
        super().data_received(data)
        # A read that ends one thing may begin the next. It does not count then, but a read has an end of its own.
        self._idle_bytes = 0 if self._has_advanced else self._idle_bytes + len(data)
        if self._idle_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse_head()

    def on_headers_complete(self) -> None:
        self._has_advanced = True
        # It may have come in one read, with more behind it, so where it can be too large it is measured.
        if self._unread_bytes > MOST_HEAD_BYTES and self._head_bytes() > MOST_HEAD_BYTES:
            self._is_head_too_large = True
            raise _HeadTooLarge  # the parser stops, and the request is refused below
        super().on_headers_complete()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        self._has_advanced = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._has_advanced = True
        super().on_message_complete()

    def shutdown(self) -> None:
        super().shutdown()
        self.app_state.get(ON_SHUTDOWN, _nothing)()

    def send_400_response(self, msg: str) -> None:
        if self._is_head_too_large:
            self._refuse_head()
        else:
            super().send_400_response(msg)

    def _refuse_head(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # else it would stand within another answer
            refusal = own_problem("", HEAD_TOO_LARGE, headers={"Connection": "close"})
            headers = [*self.server_state.default_headers, *refusal.raw_headers]
            lines = b"".join(b"%b: %b\r\n" % header for header in headers)
            self.transport.write(STATUS_LINE[HEAD_TOO_LARGE.status] + lines + b"\r\n" + bytes(refusal.body))
        self.transport.close()
