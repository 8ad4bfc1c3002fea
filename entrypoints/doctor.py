"""What `portico doctor` looks at."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from application.ports.mail import MailNotSent
from application.ports.security import SealBroken
from application.ports.unit_of_work import Unavailable
from domain.signing_keys import KeyState, the_one
from entrypoints.container import Container
from entrypoints.settings import unknown_names

_MOST_CLOCK_SKEW = timedelta(seconds=2)
_EARLIEST = datetime(2026, 11, 1, tzinfo=UTC)


class Mark(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Nothing is broken, and somebody should see to it."""
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    mark: Mark
    subject: str
    text: str


def examine(container: Container) -> Iterator[Finding]:
    """Look at one thing after the other; each finding says what to do unless all is well."""
    settings = container.settings()
    yield Finding(Mark.OK, "settings", f"{settings.environment}, {settings.workers} worker(s), {settings.public_url}")
    for name in unknown_names():
        yield Finding(Mark.FAIL, "settings", f"{name} in .env is no setting: see .env.example for how it is written")
    persistence = container.persistence()
    problem = persistence.problem()
    if problem == "database":
        yield Finding(
            Mark.FAIL, "database", "it cannot be reached: check DATABASE_URL, and that the database is running"
        )
    else:
        yield Finding(Mark.OK, "database", "it answers")
        if problem == "schema":
            yield Finding(Mark.FAIL, "schema", "it is not at head: run `portico migrate up`")
        else:
            yield Finding(Mark.OK, "schema", "it is at head")
            yield _keys(container)
            yield from _operators(container)
            for text in persistence.findings():
                yield Finding(Mark.FAIL, "data", text)
    yield _mail(container)
    yield _clock(container, database_answers=problem is None)


def _operators(container: Container) -> Iterator[Finding]:
    """Those who cannot act as such, for want of a second factor."""
    if not container.settings().operators_need_second_factor:
        return
    with container.persistence().autocommit() as database:
        operators = database.accounts.some(database.operators.all()).values()
    for operator in operators:
        if not operator.has_second_factor:
            yield Finding(
                Mark.NOTE, "operators", f"{operator.email.value} has no second factor, and cannot act without one"
            )


def _keys(container: Container) -> Finding:
    keys = container.list_keys()()
    if the_one(KeyState.ACTIVE, keys) is None:
        return Finding(Mark.OK, "signing keys", "none yet: the first `portico serve` makes them")
    try:
        container.key_ring().active()
    except (SealBroken, Unavailable) as error:
        return Finding(Mark.FAIL, "signing keys", f"{error} Put the secret they were made under into SECRET_KEYS_OLD.")
    return Finding(Mark.OK, "signing keys", "one signs, and it can be opened")


def _mail(container: Container) -> Finding:
    if container.settings().mail == "console":
        return Finding(Mark.OK, "mail", "printed to the console, not sent: development only")
    try:
        container.mailer().check()
    except MailNotSent as error:
        return Finding(
            Mark.FAIL, "mail", f"the mail server does not take mail: {error}. Check SMTP_HOST and the others."
        )
    return Finding(Mark.OK, "mail", "the mail server answers")


def _clock(container: Container, *, database_answers: bool) -> Finding:
    now = container.clock().now()
    if now < _EARLIEST:
        return Finding(Mark.FAIL, "clock", f"it shows {now:%Y-%m-%d}, before this version was made: set it")
    theirs = container.persistence().now() if database_answers else now
    if abs(theirs - now) > _MOST_CLOCK_SKEW:
        seconds = (theirs - now).total_seconds()
        return Finding(Mark.FAIL, "clock", f"the database's clock differs by {seconds:.0f} s: run NTP on both machines")
    return Finding(Mark.OK, "clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")
