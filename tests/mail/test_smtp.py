import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from adapters.mail.rendering import Renderer
from adapters.mail.smtp import SmtpMailer
from application.ports.mail import MailNotSent
from tests.mail.messages import TOKEN, VALUES, a_mail, renderer
from tests.mail.smtp_server import PASSWORD, USERNAME, Certificate, Inbox, password_required, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with serving(Inbox()) as inbox:
        yield inbox


def a_mailer(server: Inbox, **options: Any) -> SmtpMailer:
    usual = {"host": "127.0.0.1", "sender": "Portico <no-reply@portico.example>", "security": "none", "timeout": 5.0}
    return SmtpMailer(port=server.port, renderer=renderer, **{**usual, **options})


def refusal(mailer: SmtpMailer, **mail: str) -> str:
    with pytest.raises(MailNotSent) as caught:
        mailer.send(a_mail(**mail))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return str(caught.value)


def test_a_mail_arrives_with_text_and_html(inbox: Inbox) -> None:
    a_mailer(inbox).send(a_mail())
    [received] = inbox.received
    rendered = renderer.render(a_mail())
    assert received.message.get_content_type() == "multipart/alternative"
    text, html = received.message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().splitlines() == rendered.text.splitlines()
    assert html.get_content().splitlines() == rendered.html.splitlines()
    assert received.message["Subject"] == rendered.subject


def test_a_mail_goes_to_its_address_alone_in_envelope_and_header(inbox: Inbox) -> None:
    a_mailer(inbox).send(a_mail(to="o'brien+portico@xn--bcher-kva.example"))
    [received] = inbox.received
    assert received.recipients == ["o'brien+portico@xn--bcher-kva.example"]
    assert received.message["To"] == "o'brien+portico@xn--bcher-kva.example"
    assert received.sender == "no-reply@portico.example"
    assert received.message["From"] == "Portico <no-reply@portico.example>"


def test_a_mail_says_when_and_by_what_it_was_made(inbox: Inbox) -> None:
    mailer = a_mailer(inbox)
    mailer.send(a_mail())
    mailer.send(a_mail())
    first, second = (received.message for received in inbox.received)
    assert first["Message-ID"].endswith("@portico.example>")
    assert first["Message-ID"] != second["Message-ID"]
    assert abs(parsedate_to_datetime(first["Date"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert first["Auto-Submitted"] == "auto-generated"


def test_letters_of_any_script_arrive(inbox: Inbox) -> None:
    replace(a_mailer(inbox), renderer=Renderer(product="Пóртико 門")).send(a_mail())
    [received] = inbox.received
    assert "Пóртико 門" in received.message["Subject"]
    assert all("Пóртико 門" in part.get_content() for part in received.message.iter_parts())


def test_a_link_of_any_length_arrives_whole(inbox: Inbox) -> None:
    link = "https://portico.example/verify#token=" + "a" * 3000
    a_mailer(inbox).send(a_mail(link=link))
    [received] = inbox.received
    text, html = received.message.iter_parts()
    assert link in text.get_content()
    assert f'href="{link}"' in html.get_content()
    assert max(len(line) for line in received.raw.splitlines()) <= 998  # RFC 5322 section 2.1.1


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\nBcc: eve@example.com",
        "ada@example.com, eve@example.com",
        "Ada <eve@example.com>",
        "=?utf-8?q?=0d=0abcc=3aeve=40e.co?=@example.com",
        "=?utf-8?q?eve=40example.com=2c?=@example.com",
        "",
    ],
)
def test_no_address_becomes_another_header_or_another_reader(inbox: Inbox, address: str) -> None:
    told = refusal(a_mailer(inbox), to=address)
    assert "example.com" not in told
    assert inbox.received == []


@pytest.mark.parametrize("sender", ["", "Portico", "no-reply@", "a@b.example\r\nBcc: eve@example.com", "a@b.example\0"])
def test_a_sender_that_is_no_address_is_refused_at_once(sender: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        a_mailer(Inbox(), sender=sender)


def test_a_password_is_not_given_to_a_server_without_tls() -> None:
    with pytest.raises(ValueError, match="TLS"):
        a_mailer(Inbox(), username=USERNAME, password=PASSWORD, security="none")


def test_mail_goes_over_starttls_with_a_password(certificate: Certificate) -> None:
    with serving(Inbox(), tls_context=certificate.served(), require_starttls=True, **password_required()) as inbox:
        a_mailer(inbox, security="starttls", username=USERNAME, password=PASSWORD, trust=certificate.trusted()).send(
            a_mail()
        )
    [received] = inbox.received
    assert received.over_tls
    assert received.login == USERNAME


def test_mail_goes_over_tls_from_the_first_byte(certificate: Certificate) -> None:
    with serving(Inbox(), ssl_context=certificate.served()) as inbox:
        a_mailer(inbox, security="tls", trust=certificate.trusted()).send(a_mail())
    [received] = inbox.received
    assert received.over_tls


def test_a_server_that_offers_no_tls_gets_nothing(inbox: Inbox) -> None:
    assert refusal(a_mailer(inbox, security="starttls")) == "SMTPNotSupportedError"
    assert inbox.received == []


@pytest.mark.parametrize(("security", "option"), [("starttls", "tls_context"), ("tls", "ssl_context")])
def test_a_certificate_that_nobody_vouches_for_is_refused_by_default(
    certificate: Certificate, security: str, option: str
) -> None:
    with serving(Inbox(), **{option: certificate.served()}) as inbox:
        assert refusal(a_mailer(inbox, security=security)) == "SSLCertVerificationError"
    assert inbox.received == []


@pytest.mark.parametrize(("security", "option"), [("starttls", "tls_context"), ("tls", "ssl_context")])
def test_a_certificate_of_another_host_is_refused(certificate: Certificate, security: str, option: str) -> None:
    with serving(Inbox(), **{option: certificate.served()}) as inbox:
        mailer = a_mailer(inbox, host="localhost", security=security, trust=certificate.trusted())
        assert refusal(mailer) == "SSLCertVerificationError"
    assert inbox.received == []


@pytest.mark.parametrize("password", ["wrong", "pässword", None])
def test_a_wrong_password_sends_nothing_and_is_not_told(certificate: Certificate, password: str | None) -> None:
    with serving(Inbox(), tls_context=certificate.served(), **password_required()) as inbox:
        told = refusal(
            a_mailer(inbox, security="starttls", username=USERNAME, password=password, trust=certificate.trusted())
        )
    assert told in {"SMTPAuthenticationError 535", "UnicodeEncodeError"}
    assert inbox.received == []


def test_a_server_that_is_down_sends_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert refusal(a_mailer(Inbox(port=port))) == "ConnectionRefusedError"


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mailer = a_mailer(Inbox(port=silent.getsockname()[1]), timeout=0.05)
        assert refusal(mailer) == "SMTPServerDisconnected"


@pytest.mark.parametrize(
    ("answer", "told"),
    [("550 no such reader:", "SMTPRecipientsRefused 550"), ("451 ada@example.com, later", "SMTPDataError 451")],
)
def test_what_a_server_refuses_is_told_by_its_code_only(inbox: Inbox, answer: str, told: str) -> None:
    inbox.answer = answer
    assert refusal(a_mailer(inbox)) == told


@pytest.mark.parametrize("goodbye", ["500 what?", "421 too busy to part"])
def test_a_mail_that_was_taken_stays_sent_whatever_the_server_says_at_parting(inbox: Inbox, goodbye: str) -> None:
    inbox.goodbye = goodbye
    a_mailer(inbox).send(a_mail())
    assert len(inbox.received) == 1


def test_a_mail_that_cannot_be_rendered_is_not_sent(inbox: Inbox) -> None:
    with pytest.raises(MailNotSent, match="lottery_won"):
        a_mailer(inbox).send(a_mail("lottery_won"))
    assert inbox.received == []


def test_mails_of_many_threads_all_arrive(inbox: Inbox) -> None:
    mailer = a_mailer(inbox)
    threads = [threading.Thread(target=mailer.send, args=[a_mail(to=f"r{n}@example.com")]) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {received.recipients[0] for received in inbox.received} == {f"r{n}@example.com" for n in range(16)}


def test_neither_password_nor_token_stands_in_a_repr(inbox: Inbox) -> None:
    mailer = a_mailer(inbox, username=USERNAME, password=PASSWORD, security="tls")
    assert PASSWORD not in repr(mailer)
    assert TOKEN not in repr(a_mail(**VALUES))
