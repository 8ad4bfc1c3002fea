import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from adapters.mail.console import ConsoleMailer
from tests.mail.messages import TOKEN, VALUES, a_mail, renderer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class TickingClock:
    time: datetime = NOON

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


def a_console_mailer(*, stream: io.StringIO | None = None, keep: int = 50) -> ConsoleMailer:
    return ConsoleMailer(renderer=renderer, clock=TickingClock(), stream=stream or io.StringIO(), keep=keep)


def test_a_mail_is_printed_with_all_that_its_reader_needs() -> None:
    stream = io.StringIO()
    a_console_mailer(stream=stream).send(a_mail())
    printed = stream.getvalue()
    assert "ada@example.com" in printed
    assert "Subject: Confirm your e-mail address" in printed
    assert f"| {VALUES['link']}\n" in printed
    assert f"| {TOKEN}\n" in printed
    assert "<" not in printed


def test_the_mailbox_shows_what_the_reader_would_see() -> None:
    mailer = a_console_mailer()
    mailer.send(a_mail())
    [mail] = mailer.newest()
    rendered = renderer.render(a_mail())
    assert mail.to == a_mail().to
    assert (mail.subject, mail.text, mail.token) == (rendered.subject, rendered.text, TOKEN)
    assert mail.at == NOON + timedelta(seconds=1)


def test_a_notice_has_no_token() -> None:
    mailer = a_console_mailer()
    mailer.send(a_mail("password_changed"))
    [mail] = mailer.newest()
    assert mail.token is None


def test_the_mailbox_keeps_the_newest_only_and_shows_them_first() -> None:
    mailer = a_console_mailer(keep=3)
    for number in range(5):
        mailer.send(a_mail(to=f"reader{number}@example.com"))
    assert [mail.to.local_part for mail in mailer.newest()] == ["reader4", "reader3", "reader2"]


def test_the_mailbox_is_given_away_as_a_copy() -> None:
    mailer = a_console_mailer()
    mailer.send(a_mail())
    mailer.newest().clear()
    assert len(mailer.newest()) == 1


def test_mails_of_many_threads_are_printed_one_after_the_other() -> None:
    stream = io.StringIO()
    mailer = a_console_mailer(stream=stream, keep=200)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: mailer.send(a_mail(to=f"r{number}@example.com")), range(100)))
    assert {mail.to.local_part for mail in mailer.newest()} == {f"r{number}" for number in range(100)}
    borders = [line for line in stream.getvalue().splitlines() if line.startswith("+--")]
    assert all(border.startswith("+-- Mail to") for border in borders[::2])
    assert borders[1::2] == ["+--"] * 100


def test_neither_the_mailer_nor_a_kept_mail_shows_a_token_in_its_repr() -> None:
    mailer = a_console_mailer()
    mailer.send(a_mail())
    assert TOKEN not in repr(mailer)
    assert TOKEN not in repr(mailer.newest())
