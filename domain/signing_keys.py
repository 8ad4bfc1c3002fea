"""The keys that sign access tokens: standby -> active -> retiring -> revoked.

A key is published before it signs and stays published until the last token that it signed has expired, so that a
rotation under load fails no request.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from domain.kernel import Aggregate, Conflict, Event, KeyId, NotFound


class KeyNotFound(NotFound):
    """No key has that id."""

    code = "key_not_found"


class StandbyTooYoung(Conflict):
    """Verifiers may not have the standby key yet: wait, or force the rotation."""

    code = "standby_too_young"


class KeyAlreadyRevoked(Conflict):
    """The key is revoked, and stays so."""

    code = "key_already_revoked"


class KeyState(StrEnum):
    STANDBY = "standby"
    ACTIVE = "active"
    RETIRING = "retiring"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicy:
    standby_for_at_least: timedelta = timedelta(minutes=15)
    """Longer than whoever verifies offline may keep the JWKS (10 minutes)."""
    retiring_for: timedelta = timedelta(minutes=11)
    """The life of an access token, and a minute for clocks that differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyMade(Event):
    name = "signing_key.made"
    key_id: KeyId


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyActivated(Event):
    name = "signing_key.activated"
    key_id: KeyId


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyRetired(Event):
    name = "signing_key.retired"
    key_id: KeyId


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyRevoked(Event):
    name = "signing_key.revoked"
    key_id: KeyId


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyRewrapped(Event):
    name = "signing_key.rewrapped"
    key_id: KeyId


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey(Aggregate):
    id: KeyId
    """Its `kid`."""
    state: KeyState
    state_since: datetime
    created_at: datetime
    public_pem: str
    sealed_private: str = field(repr=False)
    """The private part, encrypted; empty once revoked."""

    @classmethod
    def make(cls, *, id: KeyId, public_pem: str, sealed_private: str, at: datetime) -> Self:
        return cls(
            id=id,
            state=KeyState.STANDBY,
            state_since=at,
            created_at=at,
            public_pem=public_pem,
            sealed_private=sealed_private,
            events=(SigningKeyMade(key_id=id, at=at),),
        )

    def activate(self, *, at: datetime) -> Self:
        return self._become(KeyState.ACTIVE, SigningKeyActivated(key_id=self.id, at=at))

    def retire(self, *, at: datetime) -> Self:
        return self._become(KeyState.RETIRING, SigningKeyRetired(key_id=self.id, at=at))

    def revoke(self, *, at: datetime) -> Self:
        return replace(self._become(KeyState.REVOKED, SigningKeyRevoked(key_id=self.id, at=at)), sealed_private="")

    def rewrap(self, sealed_private: str, *, at: datetime) -> Self:
        """The same key, sealed under another secret."""
        self._must_not_be_revoked()
        rewrapped = SigningKeyRewrapped(key_id=self.id, at=at)
        return replace(self, sealed_private=sealed_private, events=self.recorded(rewrapped))

    def verifies(self, *, policy: KeyPolicy, at: datetime) -> bool:
        """Whether a token that it signed is to be accepted, and the key is to be published."""
        match self.state:
            case KeyState.STANDBY | KeyState.ACTIVE:
                return True
            case KeyState.RETIRING:
                return at < self.state_since + policy.retiring_for
            case KeyState.REVOKED:
                return False

    def _become(self, state: KeyState, event: Event) -> Self:
        self._must_not_be_revoked()
        return replace(self, state=state, state_since=event.at, events=self.recorded(event))

    def _must_not_be_revoked(self) -> None:
        if self.state is KeyState.REVOKED:
            raise KeyAlreadyRevoked("That key is revoked already.")


def the_one(state: KeyState, keys: Iterable[SigningKey]) -> SigningKey | None:
    """The key in that state; of a state that several may be in, the newest."""
    return max((key for key in keys if key.state is state), key=lambda key: key.state_since, default=None)


def rotate(
    keys: Iterable[SigningKey], *, fresh: SigningKey, policy: KeyPolicy, force: bool, at: datetime
) -> list[SigningKey]:
    """Return the keys that change: standby becomes active, active retiring, and `fresh` the new standby.

    Raise StandbyTooYoung, unless forced, while someone may still hold a JWKS without the standby key. Where no key is
    active, the successor signs at once: no token is refused that was not before.
    """
    keys = list(keys)
    standby, active = the_one(KeyState.STANDBY, keys), the_one(KeyState.ACTIVE, keys)
    is_known = standby is not None and at - standby.created_at >= policy.standby_for_at_least
    if active and not is_known and not force:
        minutes = policy.standby_for_at_least // timedelta(minutes=1)
        raise StandbyTooYoung(
            f"The standby key is younger than {minutes} minutes: verifiers may not have it yet. "
            "Wait, or force the rotation."
        )
    retired = [active.retire(at=at)] if active else []
    successors = [standby.activate(at=at), fresh] if standby else [fresh.activate(at=at)]
    return [*retired, *successors]
