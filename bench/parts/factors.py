"""Signing in with a passkey, which hashes nothing, and with a code of an app, which hashes no more than without."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from statistics import median

import pyotp

from application.second_factors import totp_row
from bench.bench import Bench
from bench.database import address_of
from bench.figures import Figure, Part
from bench.installation import PASSWORD, Installation, SignedIn
from bench.machine import Server
from bench.visitor import Visitor
from domain.accounts import EmailAddress
from domain.second_factors import Totp
from entrypoints.container import Container
from tests.security.authenticator import Authenticator

_PASSKEY_SIGN_INS = 50
"""In a round: the kernel counts processor time in hundredths of a second."""
_SIGN_INS = 4
"""In a round, each with an app of its own: a code is taken once."""


def measure(bench: Bench) -> Part:
    with bench.portico.serving() as portico:
        return Part(name="factors", figures=[_passkeys(bench, portico), _apps(bench, portico)])


# ---- Passkeys


def _passkeys(bench: Bench, portico: Server) -> Figure:
    [owner] = bench.portico.sign_in(1)
    with Visitor(portico.port, _unheard) as visitor:
        device = _registered(visitor, owner, origin=bench.portico.settings.relying_party_origins[0])

        def milliseconds() -> float:
            """Of the server's processor, for one sign-in: the question and the answer."""
            before = portico.cpu_seconds
            for _ in range(_PASSKEY_SIGN_INS):
                asked = visitor.call("POST", "/v1/passkey-sessions/options")
                answer = {"challenge": asked["challenge"], "passkey": device.get(asked["options"])}
                visitor.call("POST", "/v1/passkey-sessions", body=answer)
            return (portico.cpu_seconds - before) / _PASSKEY_SIGN_INS * 1000

        rounds = [milliseconds() for _ in bench.progress.track(range(bench.pairs), description="passkeys")]
    return Figure(name="processor of a passkey sign-in", rounds=rounds, target=("at most", 15), unit="ms")


def _registered(visitor: Visitor, owner: SignedIn, *, origin: str) -> Authenticator:
    device = Authenticator(origin=origin)
    asked = visitor.call("POST", "/v1/me/passkeys/options", token=owner.access_token)
    made = {"challenge": asked["challenge"], "passkey": device.create(asked["options"]), "name": "bench"}
    visitor.call("POST", "/v1/me/passkeys", token=owner.access_token, body=made)
    return device


# ---- Authenticator apps


@dataclass(frozen=True, slots=True)
class _Person:
    email: str
    secret: str | None = None
    """Of the authenticator app."""


def _apps(bench: Bench, portico: Server) -> Figure:
    needed = bench.pairs * _SIGN_INS
    enrolled = iter(_enrolled(bench.portico, needed))
    plain = iter([_Person(address_of(number)) for number in range(2 + needed, 2 + 2 * needed)])
    with Visitor(portico.port, _unheard) as visitor:

        def milliseconds(people: Iterator[_Person]) -> float:
            """Of the server's processor, for one sign-in."""
            before = portico.cpu_seconds
            for person in islice(people, _SIGN_INS):
                _sign_in(visitor, person)
            return (portico.cpu_seconds - before) / _SIGN_INS * 1000

        pairs = bench.interleaved("apps", lambda: milliseconds(enrolled), lambda: milliseconds(plain))
    return Figure(
        name="processor of a sign-in with an app, against one without",
        rounds=[ours / theirs for ours, theirs in pairs],
        target=("at most", 1.1),
        of={
            "with an app, ms": median(ours for ours, _ in pairs),
            "without, ms": median(theirs for _, theirs in pairs),
        },
    )


def _sign_in(visitor: Visitor, person: _Person) -> None:
    answer = visitor.call("POST", "/v1/sessions", body={"email": person.email, "password": PASSWORD})
    if person.secret is not None:
        proof = {"challenge": answer["challenge"], "code": pyotp.TOTP(person.secret).now()}
        visitor.call("POST", "/v1/sessions/second-factor", body=proof)


def _enrolled(installation: Installation, number: int) -> list[_Person]:
    """The accounts after the first, with an app as if it had long been confirmed."""
    with installation.container() as container:
        return [_enrol(container, address_of(each)) for each in range(2, 2 + number)]


def _enrol(container: Container, email: str) -> _Person:
    secret, now = pyotp.random_base32(), container.clock().now()
    with container.persistence().unit_of_work() as uow:
        found = uow.accounts.find_by_email(EmailAddress.parse(email))
        if found is None:
            raise LookupError(f"There is no account {email}.")
        account = uow.accounts.lock(found.id)
        sealed = container.vault().seal(secret, row=totp_row(account.id))
        totp = Totp(sealed_secret=sealed, enrolled_at=now, last_step=0)
        uow.second_factors.save(replace(uow.second_factors.lock(account.id), totp=totp))
        uow.accounts.save(account.note_second_factor(is_enrolled=True))
    return _Person(email, secret)


def _unheard(call: str, seconds: float) -> None:
    """Its processor time is measured, not how long it took."""
