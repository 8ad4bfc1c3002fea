"""Small honest stand-ins: they do what the port says, at once, and note that they were asked."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from application.ports.environment import Ids
from application.ports.factors import Json, PasskeyVerifier, TotpCodes
from application.ports.mail import Mailer, MailNotSent, OutgoingMail
from application.ports.security import AccessTokens, CommonPasswords, PasswordHasher, PasswordStrength
from application.ports.unit_of_work import Begin, UnitOfWork
from application.ports.webhooks import Courier, Parcel, Receipt
from domain.access import AccessClaims, AccessTokenInvalid
from domain.kernel import AccountId, SessionId
from domain.passkeys import NewPasskey, Passkey, PasskeyRefused, PasskeyWrong

Journal = list[str]
"""What was done, in its order: `begin`, `accounts.find_by_email`, `verify`, `commit`, …"""


def nothing() -> None:
    """What happens meanwhile, mostly."""


@dataclass(slots=True)
class FastHasher(PasswordHasher):
    """A hash is the password with a tag in front of it. `meanwhile` happens once, while a password is verified, and
    `meanwhile_hashing` while one is hashed."""

    journal: Journal = field(default_factory=list)
    scheme: str = "fast"
    meanwhile: Callable[[], object] = nothing
    meanwhile_hashing: Callable[[], object] = nothing

    def hash(self, password: str) -> str:
        self.journal.append("hash")
        meanwhile, self.meanwhile_hashing = self.meanwhile_hashing, nothing
        meanwhile()
        return f"{self.scheme}${password}"

    def verify(self, password: str, hash: str) -> bool:
        self.journal.append("verify")
        meanwhile, self.meanwhile = self.meanwhile, nothing
        meanwhile()
        return hash.partition("$")[2] == password

    def verify_nothing(self, password: str) -> None:
        self.journal.append("verify")

    def is_outdated(self, hash: str) -> bool:
        return not hash.startswith(f"{self.scheme}$")


class FewCommonPasswords(CommonPasswords):
    def contains(self, password: str) -> bool:
        return password.lower() == "correct horse battery staple"


class EasyStrength(PasswordStrength):
    """What repeats one character is easy to guess; a personal word adds nothing."""

    def score(self, password: str, *, personal: Sequence[str]) -> int:
        for word in personal:
            password = password.replace(word, "") if word else password
        return 3 if len(set(password)) > 5 else 2


class JsonAccessTokens(AccessTokens):
    """Anybody can forge one, and no test tries: that is for the tests of the adapters."""

    def issue(self, claims: AccessClaims) -> str:
        organization = claims.organization
        return json.dumps(
            {
                "sub": str(claims.account_id),
                "sid": str(claims.session_id),
                "jti": str(claims.token_id),
                "times": [t.isoformat() for t in (claims.issued_at, claims.expires_at, claims.authenticated_at)],
                "amr": claims.amr,
                "acr": claims.acr,
                "scope": claims.scope,
                "aud": claims.audience,
                "org": organization
                and {
                    "id": str(organization.id),
                    "roles": organization.roles,
                    "permissions": organization.permissions,
                },
            }
        )

    def verify(self, token: str, *, at: datetime) -> AccessClaims:
        try:
            said = json.loads(token)
            issued_at, expires_at, authenticated_at = map(datetime.fromisoformat, said["times"])
        except (ValueError, KeyError):
            raise AccessTokenInvalid from None
        if at >= expires_at or said["aud"]:  # what is for a backend is not for Portico
            raise AccessTokenInvalid
        return AccessClaims(
            account_id=AccountId(UUID(said["sub"])),
            session_id=SessionId(UUID(said["sid"])),
            token_id=UUID(said["jti"]),
            issued_at=issued_at,
            expires_at=expires_at,
            authenticated_at=authenticated_at,
            amr=tuple(said["amr"]),
            acr=said["acr"],
            scope=said["scope"],
        )


class NumberedCodes(TotpCodes):
    """The code of a time step is its number, whatever the secret: who knows the time knows the code."""

    @staticmethod
    def code(at: datetime) -> str:
        return str(int(at.timestamp()) // 30)

    def new_secret(self) -> str:
        return "SECRETOFANAPP"

    def uri(self, secret: str, *, account: str, issuer: str) -> str:
        return f"otpauth://totp/{issuer}:{account}?secret={secret}"

    def qr_svg(self, uri: str) -> str:
        return f"<svg>{uri}</svg>"

    def step_of(self, secret: str, code: str, *, at: datetime) -> int | None:
        present = int(self.code(at))
        return int(code) if code in {str(step) for step in (present - 1, present, present + 1)} else None


class HonestPasskeys(PasskeyVerifier):
    """What a browser sends says in plain words whose it is, which, what it answers and how often it was used."""

    @staticmethod
    def made(id: bytes, *, random: bytes, count: int = 0) -> Json:
        """A registration."""
        return {"id": id, "answers": random, "count": count}

    @staticmethod
    def answer(id: bytes, *, owner: AccountId | None = None, random: bytes, count: int = 0) -> Json:
        return {"id": id, "owner": owner, "answers": random, "count": count}

    def registration_options(
        self, *, account_id: AccountId, name: str, display_name: str, random: bytes, known: list[Passkey]
    ) -> Json:
        return {
            "owner": account_id,
            "name": name,
            "display_name": display_name,
            "random": random,
            "known": [passkey.credential_id for passkey in known],
        }

    def verify_registration(self, credential: Json, *, random: bytes) -> NewPasskey:
        if credential.get("answers") != random:
            raise PasskeyRefused
        return NewPasskey(
            credential_id=credential["id"],
            public_key=b"of a test",
            sign_count=credential["count"],
            transports=("internal",),
            is_backed_up=True,
        )

    def sign_in_options(self, *, random: bytes) -> Json:
        return {"random": random}

    def claimed(self, credential: Json) -> tuple[AccountId | None, bytes]:
        if not {"id", "owner"} <= credential.keys():
            raise PasskeyWrong
        return credential["owner"], credential["id"]

    def verify_sign_in(self, credential: Json, *, random: bytes, passkey: Passkey) -> int:
        if (credential["id"], credential["answers"]) != (passkey.credential_id, random):
            raise PasskeyWrong
        count: int = credential["count"]
        return count


@dataclass(slots=True)
class RecordingMailer(Mailer):
    """Takes every mail, unless `refusal` says why not. `meanwhile` happens once, while a mail goes out."""

    journal: Journal = field(default_factory=list)
    sent: list[OutgoingMail] = field(default_factory=list)
    refusal: Exception | None = None
    meanwhile: Callable[[], object] = nothing

    def send(self, mail: OutgoingMail) -> None:
        self.journal.append("send")
        meanwhile, self.meanwhile = self.meanwhile, nothing
        meanwhile()
        self.check()
        self.sent.append(mail)

    def check(self) -> None:
        if self.refusal:
            raise self.refusal

    def refuse(self, why: str) -> None:
        self.refusal = MailNotSent(why)


@dataclass(frozen=True, slots=True)
class RememberingIds(Ids):
    """Remembers what it gave, so that a test can ask for whatever belongs to any of them."""

    ids: Ids
    given: list[UUID] = field(default_factory=list)

    def new(self) -> UUID:
        id = self.ids.new()
        self.given.append(id)
        return id


@dataclass(frozen=True, slots=True)
class Watched:
    """Persistence that notes each transaction and each call of a repository."""

    persistence: Any
    journal: Journal

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        self.journal.append("begin")
        try:
            with self._noting(self.persistence.unit_of_work) as uow:
                yield uow
        except BaseException:
            self.journal.append("rollback")
            raise
        self.journal.append("commit")

    @contextmanager
    def autocommit(self) -> Iterator[UnitOfWork]:
        with self._noting(self.persistence.autocommit) as database:
            yield database

    @contextmanager
    def _noting(self, begin: Begin) -> Iterator[UnitOfWork]:
        with begin() as uow:
            yield cast(UnitOfWork, _Noting("", uow, self.journal))


@dataclass(frozen=True, slots=True)
class _Noting:
    name: str
    of: Any
    journal: Journal

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.of, name)
        if not self.name:
            return _Noting(name, found, self.journal)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.journal.append(f"{self.name}.{name}")
            return found(*args, **kwargs)

        return call


class PatientCourier(Courier):
    """Keeps what it is given until a test says how the calls ended."""

    def __init__(self, *, most: int = 16) -> None:
        self.most = most
        self.sent: list[Parcel] = []
        """All that ever were."""
        self._under_way: list[Parcel] = []
        self._returned: list[Receipt] = []

    def free(self) -> int:
        return self.most - len(self._under_way)

    def send(self, parcel: Parcel) -> None:
        self.sent.append(parcel)
        self._under_way.append(parcel)

    def answer(
        self, status: int | None = 200, error: str = "", *, only: Collection[Parcel] | None = None
    ) -> list[Parcel]:
        """To all that is under way, or some of it."""
        answered = [parcel for parcel in self._under_way if only is None or parcel in only]
        self._under_way = [parcel for parcel in self._under_way if parcel not in answered]
        self._returned += [Receipt(parcel=parcel, status=status, error=error) for parcel in answered]
        return answered

    def returned(self, *, wait: float) -> list[Receipt]:
        returned, self._returned = self._returned, []
        return returned

    def close(self) -> None:
        """There is nothing to give back."""
