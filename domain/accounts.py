"""An account is a person: the address they sign in with, the state they are in, and who has operator rights."""

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from domain.kernel import (
    AccountId,
    AddressDigest,
    Aggregate,
    Conflict,
    Event,
    Forbidden,
    Invalid,
    NotFound,
)
from domain.names import LONGEST_NAME, visible


class InvalidEmail(Invalid):
    """Not an address that mail can be sent to."""

    code = "email_invalid"


class InvalidDisplayName(Invalid):
    """Too long, or with characters that cannot be seen."""

    code = "display_name_invalid"


class EmailTaken(Conflict):
    """Another account has the address. Told to who has just proved it, or where sign-up asks for no proof."""

    code = "email_taken"


class AccountNotFound(NotFound):
    """No account has that id. For operators only: nobody else can ask for another's account."""

    code = "account_not_found"


class AccountClosed(Conflict):
    """The account is closed for good, and stays as it is."""

    code = "account_closed"


class AccountNotActive(Conflict):
    """The account is suspended or closed, and only an active one can do that."""

    code = "account_not_active"


class AccountNotSuspended(Conflict):
    """The account is active already."""

    code = "account_not_suspended"


class EmailUnproved(Conflict):
    """Nobody has proved the address yet, and who becomes an operator must hold theirs."""

    code = "email_unproved"


class LastOperator(Conflict):
    """The installation would be left without an operator: appoint another one first."""

    code = "last_operator"


class OperatorRequired(Forbidden):
    """The caller is signed in, but not as an operator."""

    code = "operator_required"


# RFC 5321 section 4.1.2 (Dot-string) and 4.5.3.1 (sizes). Quoted local parts and address literals are legal there,
# but no one signs in with them, and each is one more way to write the same address twice.
_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
# RFC 2047: where a mail library decodes it, such a local part turns into other addresses, or other headers.
_ENCODED_WORD = "=?"
_NOWHERE = ".invalid"
"""Can never receive mail (RFC 2606)."""
# Letters that the older IDNA, which Python's codec speaks, turns into others: the mail would go to another domain.
_CHANGED_BY_IDNA_2003 = frozenset("ßẞς\u200c\u200d")
_LONGEST_ADDRESS = 254
_LONGEST_LOCAL_PART = 64


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An address in the form in which it is compared and stored: lower case, the domain in its ASCII form."""

    value: str

    @classmethod
    def parse(cls, raw: str, *, field: str = "email") -> Self:
        """Raise InvalidEmail unless `raw` is an address of at most 254 characters (RFC 5321, ASCII local part)."""
        raw = raw.strip(" ")
        # The length comes first: a crafted domain of a megabyte takes minutes to normalise.
        local, _, domain = raw.rpartition("@") if len(raw) <= _LONGEST_ADDRESS else ("", "", "")
        local = local.lower() if local.isascii() else ""
        domain = domain.lower() if domain.isascii() else _to_ascii(domain)
        address = f"{local}@{domain}"
        if not (
            len(address) <= _LONGEST_ADDRESS
            and len(local) <= _LONGEST_LOCAL_PART
            and _LOCAL_PART.fullmatch(local)
            and _ENCODED_WORD not in local
            and _DOMAIN.fullmatch(domain)
            and not domain.endswith(_NOWHERE)
        ):
            raise InvalidEmail("That is not an e-mail address that mail can be sent to.", field=field)
        return cls(address)

    @classmethod
    def erased(cls, account_id: AccountId) -> Self:
        """What a closed account keeps in place of its address; nobody can take it first."""
        return cls(f"{account_id}@closed{_NOWHERE}")

    @property
    def local_part(self) -> str:
        return self.value.partition("@")[0]

    @property
    def digest(self) -> AddressDigest:
        return AddressDigest(hashlib.sha256(self.value.encode()).hexdigest())


def _to_ascii(domain: str) -> str:
    """The domain as the DNS knows it, or nothing if it has no such form."""
    if not _CHANGED_BY_IDNA_2003.isdisjoint(domain):
        return ""
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return ""


def parse_display_name(raw: str) -> str:
    """Raise InvalidDisplayName if it cannot be kept. Nobody needs one."""
    name = visible(raw, most=LONGEST_NAME)
    if name is None:
        raise InvalidDisplayName(
            "A display name has at most 100 characters, all of which can be seen.", field="display_name"
        )
    return name


class AccountState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRegistered(Event):
    name = "account.registered"
    account_id: AccountId
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailVerified(Event):
    name = "account.email_verified"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRenamed(Event):
    name = "account.renamed"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Event):
    name = "account.password_changed"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordWasReset(Event):
    name = "account.password_reset"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordRehashed(Event):
    name = "account.password_rehashed"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChanged(Event):
    name = "account.email_changed"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSuspended(Event):
    name = "account.suspended"
    account_id: AccountId
    by: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReactivated(Event):
    name = "account.reactivated"
    account_id: AccountId
    by: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWasClosed(Event):
    name = "account.closed"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAppointed(Event):
    name = "account.operator_appointed"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Aggregate):
    """A person.

    `credentials_epoch` counts the changes of password and address: whatever was handed out under an earlier
    number (trusted devices, one-time tokens) is void.
    """

    id: AccountId
    email: EmailAddress
    email_verified_at: datetime | None = None
    display_name: str = ""
    password_hash: str = field(repr=False)
    credentials_epoch: int = 0
    is_operator: bool = False
    has_second_factor: bool = False
    """Whether an authenticator app or a passkey is enrolled: on every request it decides what is enough."""
    state: AccountState = AccountState.ACTIVE
    state_since: datetime
    created_at: datetime

    @classmethod
    def register(
        cls,
        *,
        id: AccountId,
        email: EmailAddress,
        display_name: str,
        password_hash: str,
        verified: bool,
        at: datetime,
    ) -> Self:
        return cls(
            id=id,
            email=email,
            email_verified_at=at if verified else None,
            display_name=display_name,
            password_hash=password_hash,
            state_since=at,
            created_at=at,
            events=(AccountRegistered(account_id=id, verified=verified, at=at),),
        )

    @property
    def is_active(self) -> bool:
        return self.state is AccountState.ACTIVE

    def prove_email(self, *, password_hash: str, display_name: str, at: datetime) -> Self:
        """The first proof of the address: whoever proved it decides the password and the name from now on."""
        self._must_be_open()
        proved = EmailVerified(account_id=self.id, at=at)
        return replace(
            self._with_credentials(proved, password_hash=password_hash),
            email_verified_at=at,
            display_name=display_name,
        )

    def rename(self, display_name: str, *, at: datetime) -> Self:
        self._must_be_open()
        if display_name == self.display_name:
            return self
        renamed = AccountRenamed(account_id=self.id, at=at)
        return replace(self, display_name=display_name, events=self.recorded(renamed))

    def change_password(self, password_hash: str, *, at: datetime) -> Self:
        self._must_be_open()
        changed = PasswordChanged(account_id=self.id, at=at)
        return self._with_credentials(changed, password_hash=password_hash)

    def reset_password(self, password_hash: str, *, at: datetime) -> Self:
        """A reset came by mail, so it also proves the address."""
        self._must_be_open()
        was_reset = PasswordWasReset(account_id=self.id, at=at)
        proved = () if self.email_verified_at else (EmailVerified(account_id=self.id, at=at),)
        return replace(
            self._with_credentials(was_reset, *proved, password_hash=password_hash),
            email_verified_at=self.email_verified_at or at,
        )

    def rehash_password(self, password_hash: str, *, at: datetime) -> Self:
        """The same password under a newer scheme: nothing that was handed out ends."""
        self._must_be_open()
        rehashed = PasswordRehashed(account_id=self.id, at=at)
        return replace(self, password_hash=password_hash, events=self.recorded(rehashed))

    def change_email(self, email: EmailAddress, *, at: datetime) -> Self:
        """The new address has just been proved."""
        self._must_be_open()
        changed = EmailChanged(account_id=self.id, at=at)
        return replace(self._with_credentials(changed), email=email, email_verified_at=at)

    def suspend(self, *, by: AccountId, at: datetime) -> Self:
        self._must_be_open()
        if not self.is_active:
            raise AccountNotActive("The account is suspended already.")
        suspended = AccountSuspended(account_id=self.id, by=by, at=at)
        return replace(self, state=AccountState.SUSPENDED, state_since=at, events=self.recorded(suspended))

    def reactivate(self, *, by: AccountId, at: datetime) -> Self:
        self._must_be_open()
        if self.is_active:
            raise AccountNotSuspended("Only a suspended account can be reactivated.")
        reactivated = AccountReactivated(account_id=self.id, by=by, at=at)
        return replace(self, state=AccountState.ACTIVE, state_since=at, events=self.recorded(reactivated))

    def close(self, *, at: datetime) -> Self:
        """Erase what is personal; the id stays, so that it is never given to another."""
        self._must_be_open()
        closed = AccountWasClosed(account_id=self.id, at=at)
        return replace(
            self._with_credentials(closed, password_hash=""),
            email=EmailAddress.erased(self.id),
            email_verified_at=None,
            display_name="",
            is_operator=False,
            has_second_factor=False,
            state=AccountState.CLOSED,
            state_since=at,
        )

    def appoint_operator(self, *, at: datetime) -> Self:
        if not self.is_active:
            raise AccountNotActive("Only an active account can be an operator.")
        if not self.email_verified_at:  # anybody may have planted it, where sign-up needs no verification
            raise EmailUnproved("Nobody has proved the address of this account: reset its password by mail first.")
        if self.is_operator:
            return self
        appointed = OperatorAppointed(account_id=self.id, at=at)
        return replace(self, is_operator=True, events=self.recorded(appointed))

    def note_second_factor(self, *, is_enrolled: bool) -> Self:
        """The factors themselves tell what happened."""
        return replace(self, has_second_factor=is_enrolled)

    def _with_credentials(self, *events: Event, password_hash: str | None = None) -> Self:
        return replace(
            self,
            password_hash=self.password_hash if password_hash is None else password_hash,
            credentials_epoch=self.credentials_epoch + 1,
            events=self.recorded(*events),
        )

    def _must_be_open(self) -> None:
        if self.state is AccountState.CLOSED:
            raise AccountClosed("A closed account stays as it is.")
