"""Prints mail instead of sending it: for development."""

from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import TextIO

from adapters.mail.rendering import Renderer
from application.ports.environment import Clock
from application.ports.mail import Mailbox, Mailer, OutgoingMail, SentMail


@dataclass(slots=True, kw_only=True)
class ConsoleMailer(Mailer, Mailbox):
    """Writes each mail to `stream`, and keeps the newest `keep`."""

    renderer: Renderer
    clock: Clock
    stream: TextIO = field(repr=False)
    keep: int = 50
    _kept: deque[SentMail] = field(init=False, repr=False)
    _lock: Lock = field(init=False, repr=False, default_factory=Lock)

    def __post_init__(self) -> None:
        self._kept = deque(maxlen=self.keep)

    def send(self, mail: OutgoingMail) -> None:
        rendered = self.renderer.render(mail)
        sent = SentMail(
            to=mail.to,
            subject=rendered.subject,
            text=rendered.text,
            token=mail.values.get("token"),
            at=self.clock.now(),
        )
        with self._lock:
            self._kept.appendleft(sent)
            self.stream.write(_printed(sent))
            self.stream.flush()

    def check(self) -> None:
        """The console takes every mail."""

    def newest(self) -> list[SentMail]:
        with self._lock:
            return list(self._kept)


def _printed(mail: SentMail) -> str:
    body = "".join(f"| {line}".rstrip() + "\n" for line in mail.text.splitlines())
    return f"\n+-- Mail to {mail.to.value}\n| Subject: {mail.subject}\n|\n{body}+--\n"
