"""Hands mail over to an SMTP server."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from typing import Literal

from adapters.mail.rendering import Renderer
from application.ports.mail import Mailer, MailNotSent, OutgoingMail

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpMailer(Mailer):
    """One connection a mail. `timeout` is in seconds, for each step of the conversation.

    `sender` is an address, or `Name <address>`. The server's certificate must be valid by `trust`; with `starttls`, a
    server that does not offer TLS gets nothing. Raise ValueError for settings that cannot work or are not safe.
    """

    host: str
    port: int
    sender: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    security: Security
    timeout: float = 10.0
    renderer: Renderer
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (self.sender.isprintable() and self._sender_domain):
            raise ValueError(f"Mail cannot be sent from {self.sender!r}: that is not an address.")
        if self.username and self.security == "none":
            raise ValueError("A mail server gets a password over TLS only.")

    def send(self, mail: OutgoingMail) -> None:
        try:
            self._deliver(self._compose(mail), to=mail.to.value)
        except (OSError, ValueError, MessageError) as error:
            # Without its cause: what a server answers, and so what smtplib raises, repeats addresses and content.
            raise MailNotSent(_described(error)) from None

    def check(self) -> None:
        try:
            with self._connected() as server:
                server.noop()
        except OSError as error:
            raise MailNotSent(_described(error)) from None

    def _compose(self, mail: OutgoingMail) -> EmailMessage:
        rendered = self.renderer.render(mail)
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = mail.to.value
        if [address.addr_spec for address in message["To"].addresses] != [mail.to.value]:
            raise ValueError("The header reads as another address than the envelope.")
        message["Subject"] = rendered.subject
        message["Date"] = datetime.now(UTC)
        message["Message-ID"] = make_msgid(domain=self._sender_domain)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office note comes back
        message.set_content(rendered.text)
        message.add_alternative(rendered.html, subtype="html")
        return message

    def _deliver(self, message: EmailMessage, *, to: str) -> None:
        with self._connected() as server:
            server.send_message(message, from_addr=self._sender_address, to_addrs=[to])

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._connect()
        try:
            if self.security == "starttls":
                server.starttls(context=self.trust)
            if self.username:
                server.login(self.username, self.password or "")
            yield server
        finally:
            # Once the server has taken the mail, a quarrel about goodbye must not send it again.
            with suppress(OSError):
                server.quit()

    def _connect(self) -> smtplib.SMTP:
        # Naming ourselves saves smtplib a look-up of this machine's name, which may take seconds where DNS has none.
        name = self._sender_domain
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, local_hostname=name, timeout=self.timeout, context=self.trust)
        return smtplib.SMTP(self.host, self.port, local_hostname=name, timeout=self.timeout)

    @property
    def _sender_address(self) -> str:
        return parseaddr(self.sender)[1]

    @property
    def _sender_domain(self) -> str:
        return self._sender_address.partition("@")[2]


def _described(error: Exception) -> str:
    """The kind of failure and the server's code, without its words."""
    match error:
        case smtplib.SMTPResponseException(smtp_code=code):
            return f"{type(error).__name__} {code}"
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            return " ".join([type(error).__name__, *(str(code) for code, _ in refused.values())])
        case _:
            return type(error).__name__
