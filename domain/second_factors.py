"""What an account proves itself by beside its password: an authenticator app (TOTP, RFC 6238) and recovery codes.

Passkeys are kept by themselves (passkeys.py); the lock after too many failures is one for all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID, uuid5

from domain.kernel import AccountId, Aggregate, Conflict, Event, Forbidden, Invalid, NotFound, TooMany

RECOVERY_CODES = 10


class Factor(StrEnum):
    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"


class FactorWrong(Forbidden):
    """The code, recovery code or passkey does not fit, was used already, or came too late."""

    code = "factor_wrong"

    def __init__(self) -> None:
        super().__init__("That does not fit, or was used already. Wait for the next code, or use another factor.")


class FactorsLocked(TooMany):
    """Too many wrong codes: no factor is taken for as long as `Retry-After` says. A password reset lifts nothing."""

    code = "factors_locked"


class TotpEnrolled(Conflict):
    """The account has an authenticator app already."""

    code = "totp_enrolled"

    def __init__(self) -> None:
        super().__init__("The account has an authenticator app already: remove it first.")


class TotpNotFound(NotFound):
    """The account has no authenticator app, or its enrolment was not begun or has expired."""

    code = "totp_not_found"

    def __init__(self) -> None:
        super().__init__("There is no authenticator app to confirm or remove: begin at POST /v1/me/totp.")


class CodeWrong(Invalid):
    """The code that is to confirm the enrolment does not fit."""

    code = "code_wrong"

    def __init__(self) -> None:
        super().__init__("That code does not fit: look at the app's next one, and at its clock.", field="code")


class NoFactor(Conflict):
    """The account has no second factor that recovery codes could stand in for."""

    code = "no_factor"

    def __init__(self) -> None:
        super().__init__("Enrol an authenticator app or a passkey first.")


class RecoveryCodeNeeded(Forbidden):
    """The last factor falls only with a recovery code, or by an operator."""

    code = "recovery_code_needed"

    def __init__(self) -> None:
        super().__init__("That is your last factor: give one of your recovery codes with the call.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorPolicy:
    challenge_lifetime: timedelta = timedelta(minutes=5)
    challenge_tries: int = 5
    enrolment_lifetime: timedelta = timedelta(minutes=15)
    failures: int = 10
    first_lock: timedelta = timedelta(minutes=15)
    longest_lock: timedelta = timedelta(hours=24)
    trust_lifetime: timedelta = timedelta(days=30)
    most_passkeys: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpWasEnrolled(Event):
    name = "factor.totp_enrolled"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpRemoved(Event):
    name = "factor.totp_removed"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodesMade(Event):
    name = "factor.recovery_codes_made"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodeUsed(Event):
    name = "factor.recovery_code_used"
    account_id: AccountId
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorsWereLocked(Event):
    name = "factor.locked"
    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorsReset(Event):
    name = "factor.reset"
    account_id: AccountId
    by: AccountId | None
    """Nobody, where it was done on the machine itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTrusted(Event):
    name = "factor.device_trusted"
    account_id: AccountId
    device_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDistrusted(Event):
    name = "factor.device_distrusted"
    account_id: AccountId
    device_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Totp:
    """An authenticator app. `last_step` is the time step of the newest code that was taken: none is taken twice."""

    sealed_secret: str = field(repr=False)
    """Encrypted, with the id of its key beside it."""
    enrolled_at: datetime
    last_step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingTotp:
    """An enrolment that no code has confirmed yet."""

    sealed_secret: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactors(Aggregate):
    """Of one account; there is one row as soon as anything was begun. Every use locks it, so each code is spent once.

    `failures` count since the last success; each ten of them lock everything, each time twice as long.
    """

    account_id: AccountId
    totp: Totp | None = None
    pending_totp: PendingTotp | None = None
    recovery_hashes: tuple[str, ...] = field(default=(), repr=False)
    """Keyed hashes of the recovery codes that are left."""
    failures: int = 0
    locks: int = 0
    locked_until: datetime | None = None

    @property
    def id(self) -> UUID:
        """Of its own, for its events are ordered by its own saves. An account has one, so the name is enough (RFC 9562
        section 5.5)."""
        return uuid5(self.account_id, "second factors")

    def must_be_open(self, at: datetime) -> None:
        """Raise FactorsLocked."""
        if self.locked_until and at < self.locked_until:
            wait = self.locked_until - at
            raise FactorsLocked(
                "Too many wrong codes were tried: no factor is taken for a while.",
                retry_after=-(-wait // timedelta(seconds=1)),
            )

    def begin_totp(self, sealed_secret: str, *, policy: FactorPolicy, at: datetime) -> Self:
        """Raise TotpEnrolled. What was begun before is void."""
        if self.totp:
            raise TotpEnrolled
        pending = PendingTotp(sealed_secret=sealed_secret, expires_at=at + policy.enrolment_lifetime)
        return replace(self, pending_totp=pending)

    def pending(self, at: datetime) -> PendingTotp:
        """Raise TotpNotFound."""
        if self.pending_totp is None or at >= self.pending_totp.expires_at:
            raise TotpNotFound
        return self.pending_totp

    def confirm_totp(self, *, step: int, at: datetime) -> Self:
        """The app has shown the code of that step. Raise TotpNotFound."""
        totp = Totp(sealed_secret=self.pending(at).sealed_secret, enrolled_at=at, last_step=step)
        enrolled = TotpWasEnrolled(account_id=self.account_id, at=at)
        return replace(self, totp=totp, pending_totp=None, events=self.recorded(enrolled))

    def take_step(self, step: int | None) -> Self | None:
        """A code of the app was shown, of that step; None if it fits none, or not after the last one."""
        if self.totp is None or step is None or step <= self.totp.last_step:
            return None
        return replace(self, totp=replace(self.totp, last_step=step)).proved()

    def take_recovery_code(self, hash: str | None, *, at: datetime) -> Self | None:
        """`hash` is the one of those that are left that the code opened; None if it opened none."""
        if hash is None or hash not in self.recovery_hashes:
            return None
        left = tuple(each for each in self.recovery_hashes if each != hash)
        used = RecoveryCodeUsed(account_id=self.account_id, left=len(left), at=at)
        return replace(self, recovery_hashes=left, events=self.recorded(used)).proved()

    def proved(self) -> Self:
        """Failures begin anew."""
        return replace(self, failures=0, locks=0, locked_until=None)

    def failed(self, *, policy: FactorPolicy, at: datetime) -> Self:
        failures = self.failures + 1
        if failures < policy.failures:
            return replace(self, failures=failures)
        # Compared as a ratio: a time that was doubled often is longer than Python can tell.
        times = 1 << min(self.locks, 32)
        is_longest = times >= policy.longest_lock / policy.first_lock
        lock = policy.longest_lock if is_longest else policy.first_lock * times
        locked = FactorsWereLocked(account_id=self.account_id, at=at)
        return replace(self, failures=0, locks=self.locks + 1, locked_until=at + lock, events=self.recorded(locked))

    @property
    def sealed_secrets(self) -> tuple[str, ...]:
        return tuple(each.sealed_secret for each in (self.totp, self.pending_totp) if each)

    def rewrap(self, sealed_anew: Callable[[str], str]) -> Self:
        """The same secrets under another seal. Nothing changes for the owner: there is no event."""
        totp, pending = self.totp, self.pending_totp
        return replace(
            self,
            totp=replace(totp, sealed_secret=sealed_anew(totp.sealed_secret)) if totp else None,
            pending_totp=replace(pending, sealed_secret=sealed_anew(pending.sealed_secret)) if pending else None,
        )

    def remove_totp(self, *, at: datetime) -> Self:
        """Raise TotpNotFound."""
        if self.totp is None:
            raise TotpNotFound
        removed = TotpRemoved(account_id=self.account_id, at=at)
        return replace(self, totp=None, pending_totp=None, events=self.recorded(removed))

    def with_recovery_codes(self, hashes: tuple[str, ...], *, at: datetime) -> Self:
        """The old ones are void."""
        made = RecoveryCodesMade(account_id=self.account_id, at=at)
        return replace(self, recovery_hashes=hashes, events=self.recorded(made))

    def trust(self, device_id: UUID, *, at: datetime) -> Self:
        """The device, which is kept by itself, skips the second factor for a while."""
        trusted = DeviceTrusted(account_id=self.account_id, device_id=device_id, at=at)
        return replace(self, events=self.recorded(trusted))

    def distrust(self, device_id: UUID, *, at: datetime) -> Self:
        distrusted = DeviceDistrusted(account_id=self.account_id, device_id=device_id, at=at)
        return replace(self, events=self.recorded(distrusted))

    def without_recovery_codes(self) -> Self:
        """The last factor has fallen: there is nothing left that they could stand in for."""
        return replace(self, recovery_hashes=())

    def reset(self, *, by: AccountId | None, at: datetime) -> Self:
        """An operator, or whoever holds the machine, lets the owner begin anew."""
        was_reset = FactorsReset(account_id=self.account_id, by=by, at=at)
        return replace(self.emptied(), events=self.recorded(was_reset))

    def emptied(self) -> Self:
        """Nothing is enrolled, and nothing failed. What is counted on is kept: its events go on from here."""
        return replace(self, totp=None, pending_totp=None, recovery_hashes=()).proved()
