"""Keys for programs: a person's own, and those of an organization's service accounts. Only people deal with keys."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from application.access import lock_owner
from application.organizations import lock_organization
from application.ports.environment import Clock, Ids, Secrets
from application.ports.security import SecretHasher
from application.ports.unit_of_work import Begin, UnitOfWork
from application.service_accounts import service_account_of
from domain.access import Actor, Principal
from domain.api_keys import (
    MOST_KEYS,
    ApiKey,
    ApiKeyNotFound,
    ApiKeySecret,
    EndOfKey,
    KeyKind,
    TooManyApiKeys,
    parse_key_name,
)
from domain.assurance import AssurancePolicy
from domain.kernel import ApiKeyId, ServiceAccountId
from domain.permissions import API_KEYS_MANAGE, API_KEYS_READ
from domain.roles import ExceedsOwnRights


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeApiKey:
    """A key with its secret, which nobody sees again."""

    key: ApiKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueApiKey:
    """A new secret and its hash."""

    secrets: Secrets
    secret_hasher: SecretHasher
    overlap: timedelta
    """How long the old secret of a key that is rotated still works."""

    def __call__(self, *, kind: KeyKind, id: ApiKeyId, owner_id: UUID) -> tuple[ApiKeySecret, str]:
        secret = ApiKeySecret.make(kind=kind, id=id, owner_id=owner_id, random=self.secrets.new(32))
        return secret, self.secret_hasher.hash(secret.text)

    def rotate(self, uow: UnitOfWork, key: ApiKey, principal: Principal, *, at: datetime) -> MadeApiKey:
        """The same key with a new secret; the old one works for 24 hours more."""
        secret, digest = self(kind=key.kind, id=key.id, owner_id=key.owner_id)
        rotated = key.rotate(secret, digest, overlap=self.overlap, by=principal.account.id, at=at)
        uow.api_keys.save(rotated)
        return MadeApiKey(key=rotated, secret=secret.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePersonalKey:
    """A person makes a key that acts in their name: in one organization, for what its scopes name, or, without one, for
    reading who they are and where they belong."""

    unit_of_work: Begin
    issue: IssueApiKey
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(
        self,
        *,
        principal: Principal,
        actor: Actor | None,
        name: str,
        scopes: Collection[str],
        expires_at: datetime | None,
    ) -> MadeApiKey:
        """`actor` is the person in the organization that the key is for.

        Raise StepUpRequired, InvalidApiKey, PermissionUnknown, ExceedsOwnRights, TooManyApiKeys.
        """
        account, now = principal.account, self.clock.now()
        principal.must_be_fresh(self.assurance, at=now)
        secret, digest = self.issue(kind=KeyKind.PERSONAL, id=ApiKeyId(self.ids.new()), owner_id=account.id)
        with self.unit_of_work() as uow:
            lock_owner(uow, principal, at=now)
            granted = uow.catalogue.hold().known(scopes, field="scopes")
            if actor:
                lock_organization(uow, actor)
                actor.must_cover(granted)
            key = ApiKey.make(
                secret=secret,
                digest=digest,
                service_account_id=None,
                organization_id=actor.organization_id if actor else None,
                display_name=parse_key_name(name),
                scopes=granted,
                expires_at=expires_at,
                by=account.id,
                at=now,
            )
            if uow.api_keys.count(account.id, None) >= MOST_KEYS:
                raise TooManyApiKeys
            uow.api_keys.add(key)
        return MadeApiKey(key=key, secret=secret.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPersonalKeys:
    """The caller's own keys, oldest first, without their secrets."""

    autocommit: Begin

    def __call__(self, *, principal: Principal, limit: int, after: str | None) -> tuple[list[ApiKey], str | None]:
        """Raise CursorInvalid."""
        with self.autocommit() as database:
            return database.api_keys.page(principal.account.id, None, limit=limit, after=after)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatePersonalKey:
    """A key of the caller's gets a new secret; the old one works for 24 hours more."""

    unit_of_work: Begin
    issue: IssueApiKey
    assurance: AssurancePolicy
    clock: Clock

    def __call__(self, *, principal: Principal, key_id: UUID) -> MadeApiKey:
        """Raise StepUpRequired, ApiKeyNotFound."""
        now = self.clock.now()
        principal.must_be_fresh(self.assurance, at=now)
        with self.unit_of_work() as uow:
            lock_owner(uow, principal, at=now)
            return self.issue.rotate(uow, _personal_key(uow, principal, key_id), principal, at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokePersonalKey:
    """A key of the caller's is worth nothing from now on."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock

    def __call__(self, *, principal: Principal, key_id: UUID) -> None:
        """Raise StepUpRequired, ApiKeyNotFound."""
        principal.must_be_fresh(self.assurance, at=self.clock.now())
        with self.unit_of_work() as uow:
            key = _personal_key(uow, principal, key_id)
            if not uow.api_keys.remove(key.end(EndOfKey.REVOKED, at=self.clock.now())):
                raise ApiKeyNotFound


def _personal_key(uow: UnitOfWork, principal: Principal, id: UUID) -> ApiKey:
    key = uow.api_keys.find(principal.account.id, ApiKeyId(id))
    if key is None or key.kind is not KeyKind.PERSONAL:
        raise ApiKeyNotFound
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeServiceKey:
    """A service account gets a key. Its scopes go beyond neither the service account's role nor its maker's."""

    unit_of_work: Begin
    issue: IssueApiKey
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(
        self,
        *,
        actor: Actor,
        service_account_id: UUID,
        name: str,
        scopes: Collection[str],
        expires_at: datetime | None,
    ) -> MadeApiKey:
        """Raise SessionRequired, StepUpRequired, PermissionDenied, ServiceAccountNotFound, InvalidApiKey,
        PermissionUnknown, ExceedsOwnRights, TooManyApiKeys."""
        principal = actor.person()
        principal.must_be_fresh(self.assurance, at=self.clock.now())
        actor.must(API_KEYS_MANAGE)
        secret, digest = self.issue(kind=KeyKind.SERVICE, id=ApiKeyId(self.ids.new()), owner_id=actor.organization_id)
        with self.unit_of_work() as uow:
            lock_organization(uow, actor)
            service_account = service_account_of(uow, actor.organization_id, service_account_id)
            granted = uow.catalogue.hold().known(scopes, field="scopes")
            actor.must_cover(granted)
            of_role = uow.roles.permissions(actor.organization_id, service_account.role) or frozenset()
            if not granted <= of_role:
                raise ExceedsOwnRights
            key = ApiKey.make(
                secret=secret,
                digest=digest,
                service_account_id=service_account.id,
                organization_id=actor.organization_id,
                display_name=parse_key_name(name),
                scopes=granted,
                expires_at=expires_at,
                by=principal.account.id,
                at=self.clock.now(),
            )
            if uow.api_keys.count(actor.organization_id, service_account.id) >= MOST_KEYS:
                raise TooManyApiKeys
            uow.api_keys.add(key)
        return MadeApiKey(key=key, secret=secret.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListServiceKeys:
    """The keys of a service account, oldest first, without their secrets."""

    autocommit: Begin

    def __call__(
        self, *, actor: Actor, service_account_id: UUID, limit: int, after: str | None
    ) -> tuple[list[ApiKey], str | None]:
        """Raise SessionRequired, PermissionDenied, ServiceAccountNotFound, CursorInvalid."""
        actor.person()
        actor.must(API_KEYS_READ)
        with self.autocommit() as database:
            service_account = service_account_of(database, actor.organization_id, service_account_id)
            return database.api_keys.page(actor.organization_id, service_account.id, limit=limit, after=after)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateServiceKey:
    """A key of a service account gets a new secret; the old one works for 24 hours more."""

    unit_of_work: Begin
    issue: IssueApiKey
    assurance: AssurancePolicy
    clock: Clock

    def __call__(self, *, actor: Actor, service_account_id: UUID, key_id: UUID) -> MadeApiKey:
        """Raise SessionRequired, StepUpRequired, PermissionDenied, ApiKeyNotFound, ExceedsOwnRights."""
        principal = actor.person()
        principal.must_be_fresh(self.assurance, at=self.clock.now())
        actor.must(API_KEYS_MANAGE)
        with self.unit_of_work() as uow:
            lock_organization(uow, actor)
            key = _service_key(uow, actor, service_account_id, key_id)
            actor.must_cover(key.scopes)  # whoever rotates it learns a secret that opens all of this
            return self.issue.rotate(uow, key, principal, at=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeServiceKey:
    """A key of a service account is worth nothing from now on."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock

    def __call__(self, *, actor: Actor, service_account_id: UUID, key_id: UUID) -> None:
        """Raise SessionRequired, StepUpRequired, PermissionDenied, ApiKeyNotFound."""
        actor.person().must_be_fresh(self.assurance, at=self.clock.now())
        actor.must(API_KEYS_MANAGE)
        with self.unit_of_work() as uow:
            lock_organization(uow, actor)
            key = _service_key(uow, actor, service_account_id, key_id)
            if not uow.api_keys.remove(key.end(EndOfKey.REVOKED, at=self.clock.now())):
                raise ApiKeyNotFound


def _service_key(uow: UnitOfWork, actor: Actor, service_account_id: UUID, id: UUID) -> ApiKey:
    key = uow.api_keys.find(actor.organization_id, ApiKeyId(id))
    if key is None or key.service_account_id != ServiceAccountId(service_account_id):
        raise ApiKeyNotFound
    return key
