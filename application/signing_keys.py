"""The keys that sign access tokens: kept in the database, followed by every process without a restart."""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from application.ports.environment import Clock, Ids
from application.ports.security import Vault
from application.ports.signing_keys import ActiveKey, KeyMaker
from application.ports.unit_of_work import Begin, Unavailable, UnitOfWork
from domain.kernel import KeyId
from domain.signing_keys import KeyNotFound, KeyPolicy, KeyState, SigningKey, rotate, the_one


@dataclass(frozen=True, slots=True, kw_only=True)
class _Snapshot:
    """The keys as they were read at a time."""

    read_at: datetime
    active: ActiveKey | None
    verifying: dict[KeyId, SigningKey]


@dataclass(slots=True, kw_only=True)
class KeyRing:
    """The keys of this process: read again once they are five seconds old, so that it needs no restart.

    A revoked key is out everywhere after that time, and an unknown `kid` costs one query in that time at most.
    """

    autocommit: Begin
    vault: Vault
    policy: KeyPolicy
    clock: Clock
    keeps_for: timedelta = timedelta(seconds=5)
    _snapshot: _Snapshot | None = field(default=None, repr=False)
    _reading: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def active(self) -> ActiveKey:
        key = self._current().active
        if key is None:
            raise Unavailable(
                "There is no signing key yet: `portico keys rotate` makes one, and so does `portico serve`."
            )
        return key

    def public_pem(self, id: KeyId) -> str | None:
        snapshot = self._current()
        key = snapshot.verifying.get(id)
        return key.public_pem if key and key.verifies(policy=self.policy, at=self.clock.now()) else None

    def published(self) -> list[SigningKey]:
        """The keys that verify now, oldest first."""
        now = self.clock.now()
        keys = self._current().verifying.values()
        return sorted((k for k in keys if k.verifies(policy=self.policy, at=now)), key=lambda key: key.id)

    def _current(self) -> _Snapshot:
        snapshot = self._snapshot
        # An age below zero: the clock was set back, and may take long to come by here again.
        if snapshot and timedelta() <= self.clock.now() - snapshot.read_at < self.keeps_for:
            return snapshot
        # One thread reads anew; the others go on with what there is, if there is anything.
        if not self._reading.acquire(blocking=snapshot is None) and snapshot:
            return snapshot
        try:
            if self._snapshot is not snapshot and self._snapshot:
                return self._snapshot  # another has just read them
            self._snapshot = self._read()
            return self._snapshot
        finally:
            self._reading.release()

    def _read(self) -> _Snapshot:
        now = self.clock.now()
        with self.autocommit() as database:
            keys = database.signing_keys.all()
        active = the_one(KeyState.ACTIVE, keys)
        previous = self._snapshot.active if self._snapshot else None
        if active and not (previous and previous.id == active.id):
            private_pem = self.vault.open(active.sealed_private, row=row_of(active.id))
            previous = ActiveKey(active.id, private_pem)
        return _Snapshot(
            read_at=now,
            active=previous if active else None,
            verifying={key.id: key for key in keys if key.state is not KeyState.REVOKED},
        )


def row_of(id: KeyId) -> str:
    """What a sealed private key is bound to."""
    return f"signing_keys/{id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeKey:
    """A fresh key pair, its private part sealed."""

    keys: KeyMaker
    vault: Vault
    ids: Ids

    def __call__(self, *, at: datetime) -> SigningKey:
        id = KeyId(self.ids.new())
        pair = self.keys.make()
        sealed = self.vault.seal(pair.private_pem, row=row_of(id))
        return SigningKey.make(id=id, public_pem=pair.public_pem, sealed_private=sealed, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareKeys:
    """Before the first request there is a key that signs, and one that stands by. Nothing happens if there is."""

    unit_of_work: Begin
    make_key: MakeKey
    clock: Clock

    def __call__(self) -> None:
        now = self.clock.now()
        with self.unit_of_work() as uow:
            complete(uow, uow.signing_keys.lock(), self.make_key, at=now)


def complete(uow: UnitOfWork, keys: list[SigningKey], make_key: MakeKey, *, at: datetime) -> None:
    """See to it that one key is active, the standby one if there is any, and that another stands by."""
    standby = the_one(KeyState.STANDBY, keys)
    if the_one(KeyState.ACTIVE, keys) is None:
        if standby:
            uow.signing_keys.save(standby.activate(at=at))
            standby = None
        else:
            uow.signing_keys.add(make_key(at=at).activate(at=at))
    if standby is None:
        uow.signing_keys.add(make_key(at=at))


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateKeys:
    """Standby becomes active, active retiring, and a new key stands by. No request fails meanwhile."""

    unit_of_work: Begin
    make_key: MakeKey
    policy: KeyPolicy
    clock: Clock

    def __call__(self, *, force: bool = False) -> list[SigningKey]:
        """Return all keys. Raise StandbyTooYoung unless forced."""
        now = self.clock.now()
        with self.unit_of_work() as uow:
            keys = uow.signing_keys.lock()
            known = {key.id for key in keys}
            fresh = self.make_key(at=now)
            for key in rotate(keys, fresh=fresh, policy=self.policy, force=force, at=now):
                if key.id in known:
                    uow.signing_keys.save(key)
                else:
                    uow.signing_keys.add(key)
            return uow.signing_keys.all()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeKey:
    """The emergency: every token of that key is refused within five seconds. If it was active, standby takes over."""

    unit_of_work: Begin
    make_key: MakeKey
    clock: Clock

    def __call__(self, *, key_id: UUID) -> list[SigningKey]:
        """Return all keys. Raise KeyNotFound, KeyAlreadyRevoked."""
        now = self.clock.now()
        with self.unit_of_work() as uow:
            key = next((key for key in uow.signing_keys.lock() if key.id == key_id), None)
            if key is None:
                raise KeyNotFound("There is no such key: `portico keys list` shows them.")
            uow.signing_keys.save(key.revoke(at=now))
            complete(uow, uow.signing_keys.all(), self.make_key, at=now)
            return uow.signing_keys.all()


@dataclass(frozen=True, slots=True, kw_only=True)
class RewrapKeys:
    """After a change of secret, seal every private key under the present one; the old secret can then be dropped."""

    unit_of_work: Begin
    vault: Vault
    clock: Clock

    def __call__(self) -> int:
        """Return how many were sealed anew. Raise SealBroken if one cannot be opened; then nothing is changed."""
        now = self.clock.now()
        with self.unit_of_work() as uow:
            outdated = [
                key
                for key in uow.signing_keys.lock()
                if key.sealed_private and self.vault.is_outdated(key.sealed_private)
            ]
            for key in outdated:
                row = row_of(key.id)
                private_pem = self.vault.open(key.sealed_private, row=row)
                uow.signing_keys.save(key.rewrap(self.vault.seal(private_pem, row=row), at=now))
        return len(outdated)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKeys:
    """All keys, revoked ones included."""

    autocommit: Begin

    def __call__(self) -> list[SigningKey]:
        with self.autocommit() as database:
            return sorted(database.signing_keys.all(), key=lambda key: key.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeRetired:
    """A retiring key is revoked once the last token that it signed has expired, and its private part erased."""

    unit_of_work: Begin
    policy: KeyPolicy
    clock: Clock

    def __call__(self) -> int:
        now = self.clock.now()
        with self.unit_of_work() as uow:
            over = [
                key
                for key in uow.signing_keys.lock()
                if key.state is KeyState.RETIRING and not key.verifies(policy=self.policy, at=now)
            ]
            for key in over:
                uow.signing_keys.save(key.revoke(at=now))
        return len(over)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishKeys:
    """The public keys with which anybody verifies access tokens offline: standby, active and retiring (RFC 7517)."""

    key_ring: KeyRing
    keys: KeyMaker

    def __call__(self) -> list[dict[str, str]]:
        return [self.keys.public_jwk(key.id, key.public_pem) for key in self.key_ring.published()]
