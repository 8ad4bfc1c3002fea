"""A passkey is a key pair on its owner's device (WebAuthn level 3): with the user verified, both factors at once."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from domain.kernel import AccountId, Aggregate, Conflict, Event, Forbidden, Invalid, NotFound, PasskeyId
from domain.names import LONGEST_NAME, visible


class InvalidPasskeyName(Invalid):
    """Empty, too long, or with characters that cannot be seen."""

    code = "passkey_name_invalid"


class PasskeyRefused(Invalid):
    """What the browser sent is no registration of this site, made for this very challenge, with the user verified."""

    code = "passkey_refused"

    def __init__(self, detail: str = "That is no passkey made for this site and this request.") -> None:
        super().__init__(detail, field="passkey")


class PasskeyWrong(Forbidden):
    """The passkey is unknown, or its answer does not fit this very challenge."""

    code = "passkey_wrong"

    def __init__(self) -> None:
        super().__init__("That passkey is not known here, or its answer does not fit. Begin again.")


class PasskeyTaken(Conflict):
    """That passkey is registered already."""

    code = "passkey_taken"

    def __init__(self) -> None:
        super().__init__("That passkey is registered already.")


class PasskeyNotFound(NotFound):
    """The caller has no such passkey."""

    code = "passkey_not_found"

    def __init__(self) -> None:
        super().__init__("You have no such passkey.")


class TooManyPasskeys(Conflict):
    """The account has as many passkeys as it may."""

    code = "too_many_passkeys"

    def __init__(self) -> None:
        super().__init__("You have as many passkeys as you may: remove one first.")


def parse_passkey_name(raw: str) -> str:
    """Raise InvalidPasskeyName if it is empty or cannot be kept."""
    name = visible(raw, most=LONGEST_NAME)
    if not name:
        raise InvalidPasskeyName(
            "The name of a passkey has 1 to 100 characters, all of which can be seen.", field="name"
        )
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRegistered(Event):
    name = "passkey.registered"
    account_id: AccountId
    passkey_id: PasskeyId


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRenamed(Event):
    name = "passkey.renamed"
    account_id: AccountId
    passkey_id: PasskeyId


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRemoved(Event):
    name = "passkey.removed"
    account_id: AccountId
    passkey_id: PasskeyId


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyWasCloned(Event):
    name = "passkey.cloned"
    account_id: AccountId
    passkey_id: PasskeyId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasskey:
    """What a registration proved."""

    credential_id: bytes
    public_key: bytes = field(repr=False)
    """COSE."""
    sign_count: int
    transports: tuple[str, ...]
    is_backed_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey(Aggregate):
    account_id: AccountId
    id: PasskeyId
    display_name: str
    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: tuple[str, ...] = ()
    is_backed_up: bool
    created_at: datetime
    last_used_at: datetime | None = None

    @classmethod
    def register(
        cls, new: NewPasskey, *, id: PasskeyId, account_id: AccountId, display_name: str, at: datetime
    ) -> Self:
        return cls(
            account_id=account_id,
            id=id,
            display_name=display_name,
            credential_id=new.credential_id,
            public_key=new.public_key,
            sign_count=new.sign_count,
            transports=new.transports,
            is_backed_up=new.is_backed_up,
            created_at=at,
            events=(PasskeyRegistered(account_id=account_id, passkey_id=id, at=at),),
        )

    @property
    def credential_digest(self) -> str:
        """By which it is claimed: the ids that authenticators choose may have a kilobyte."""
        return hashlib.sha256(self.credential_id).hexdigest()

    def rename(self, display_name: str, *, at: datetime) -> Self:
        if display_name == self.display_name:
            return self
        renamed = PasskeyRenamed(account_id=self.account_id, passkey_id=self.id, at=at)
        return replace(self, display_name=display_name, events=self.recorded(renamed))

    def is_copy(self, sign_count: int) -> bool:
        """Whether a counter that is used at all has not gone on (WebAuthn section 6.1.1)."""
        return (sign_count, self.sign_count) != (0, 0) and sign_count <= self.sign_count

    def used(self, sign_count: int, *, at: datetime) -> Self:
        return replace(self, sign_count=sign_count, last_used_at=at)

    def note_copy(self, *, at: datetime) -> Self:
        cloned = PasskeyWasCloned(account_id=self.account_id, passkey_id=self.id, at=at)
        return replace(self, events=self.recorded(cloned))

    def remove(self, *, at: datetime) -> Self:
        removed = PasskeyRemoved(account_id=self.account_id, passkey_id=self.id, at=at)
        return replace(self, events=self.recorded(removed))
