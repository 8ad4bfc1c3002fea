from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from threading import Lock, get_ident
from typing import Any, Self, cast

from adapters.memory.access import MemoryAccess
from adapters.memory.accounts import MemoryAccounts, MemoryOperators
from adapters.memory.api_keys import ApiKeyKey, MemoryApiKeys
from adapters.memory.attempts import CounterKey, MemoryAttempts
from adapters.memory.audit import EntryKey, MemoryAuditTrail, MemoryChains, PersonalKey, SealKey
from adapters.memory.catalogue import MemoryCatalogues
from adapters.memory.challenges import ChallengeKey, MemoryChallenges
from adapters.memory.claims import ClaimKey, MemoryClaims
from adapters.memory.deliveries import DeliveryKey, MemoryDeliveries
from adapters.memory.email_changes import MemoryEmailChanges
from adapters.memory.email_codes import EmailCodeKey, MemoryEmailCodes
from adapters.memory.invitations import InvitationKey, MemoryInvitations
from adapters.memory.mail import MailKey, MemoryMailQueue
from adapters.memory.memberships import MembershipKey, MemoryMemberships
from adapters.memory.organizations import MemoryOrganizations
from adapters.memory.outbox import EventKey, MemoryOutbox
from adapters.memory.passkeys import MemoryPasskeys, PasskeyKey
from adapters.memory.password_resets import MemoryPasswordResets, ResetKey
from adapters.memory.recorder import Recorder, refuse_events, refuse_notes
from adapters.memory.roles import MemoryRoles, RoleKey
from adapters.memory.second_factors import MemorySecondFactors
from adapters.memory.sequence import MemorySequences
from adapters.memory.service_accounts import MemoryServiceAccounts, ServiceAccountKey
from adapters.memory.sessions import MemorySessions, SessionKey
from adapters.memory.signing_keys import MemorySigningKeys
from adapters.memory.trusted_devices import MemoryTrustedDevices, TrustedDeviceKey
from adapters.memory.webhooks import MemoryWebhookEndpoints, WebhookKey
from application.ports.environment import Ids
from application.ports.outbox import Emit, OutboxEvent
from application.ports.unit_of_work import Persistence, UnitOfWork
from domain.accounts import Account, EmailAddress
from domain.api_keys import ApiKey
from domain.attempts import AttemptCounter
from domain.audit import AuditEntry, Chain, ChainId, Happening, Personal, Seal
from domain.challenges import Challenge
from domain.claims import Claim
from domain.deliveries import Delivery, Lane
from domain.email_changes import EmailChange
from domain.email_codes import EmailCode
from domain.invitations import Invitation
from domain.kernel import AccountId, KeyId, OrganizationId
from domain.mail import QueuedMail
from domain.memberships import Membership
from domain.organizations import Organization, Slug
from domain.passkeys import Passkey
from domain.passwords import PasswordReset
from domain.permissions import Catalogue
from domain.roles import Role
from domain.second_factors import SecondFactors
from domain.sequence import Sequence
from domain.service_accounts import ServiceAccount
from domain.sessions import Session
from domain.signing_keys import SigningKey
from domain.trusted_devices import TrustedDevice
from domain.webhooks import WebhookEndpoint


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that is kept. Once committed, no dict of it changes any more: readers need no lock."""

    accounts: dict[AccountId, Account] = field(default_factory=dict)
    identifiers: dict[EmailAddress, AccountId] = field(default_factory=dict)
    operators: dict[AccountId, None] = field(default_factory=dict)
    claims: dict[ClaimKey, Claim] = field(default_factory=dict)
    password_resets: dict[ResetKey, PasswordReset] = field(default_factory=dict)
    email_changes: dict[AccountId, EmailChange] = field(default_factory=dict)
    sessions: dict[SessionKey, Session] = field(default_factory=dict)
    catalogue: dict[None, Catalogue] = field(default_factory=dict)
    organizations: dict[OrganizationId, Organization] = field(default_factory=dict)
    slugs: dict[Slug, OrganizationId] = field(default_factory=dict)
    memberships: dict[MembershipKey, Membership] = field(default_factory=dict)
    roles: dict[RoleKey, Role] = field(default_factory=dict)
    invitations: dict[InvitationKey, Invitation] = field(default_factory=dict)
    service_accounts: dict[ServiceAccountKey, ServiceAccount] = field(default_factory=dict)
    api_keys: dict[ApiKeyKey, ApiKey] = field(default_factory=dict)
    second_factors: dict[AccountId, SecondFactors] = field(default_factory=dict)
    passkeys: dict[PasskeyKey, Passkey] = field(default_factory=dict)
    challenges: dict[ChallengeKey, Challenge] = field(default_factory=dict)
    email_codes: dict[EmailCodeKey, EmailCode] = field(default_factory=dict)
    trusted_devices: dict[TrustedDeviceKey, TrustedDevice] = field(default_factory=dict)
    attempts: dict[CounterKey, AttemptCounter] = field(default_factory=dict)
    mail: dict[MailKey, QueuedMail] = field(default_factory=dict)
    signing_keys: dict[KeyId, SigningKey] = field(default_factory=dict)
    events: dict[EventKey, OutboxEvent] = field(default_factory=dict)
    audit_entries: dict[EntryKey, AuditEntry] = field(default_factory=dict)
    audit_personal: dict[PersonalKey, Personal] = field(default_factory=dict)
    audit_seals: dict[SealKey, Seal] = field(default_factory=dict)
    audit_chains: dict[ChainId, Chain] = field(default_factory=dict)
    sequences: dict[None, Sequence] = field(default_factory=dict)
    webhooks: dict[WebhookKey, WebhookEndpoint] = field(default_factory=dict)
    deliveries: dict[DeliveryKey, Delivery] = field(default_factory=dict)
    lanes: dict[Lane, datetime] = field(default_factory=dict)

    def copied(self) -> Self:
        return type(self)(**{table.name: dict(getattr(self, table.name)) for table in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Repositories:
    """A unit of work: one repository for each concept."""

    accounts: MemoryAccounts
    operators: MemoryOperators
    claims: MemoryClaims
    password_resets: MemoryPasswordResets
    email_changes: MemoryEmailChanges
    sessions: MemorySessions
    access: MemoryAccess
    catalogue: MemoryCatalogues
    organizations: MemoryOrganizations
    memberships: MemoryMemberships
    roles: MemoryRoles
    invitations: MemoryInvitations
    service_accounts: MemoryServiceAccounts
    api_keys: MemoryApiKeys
    second_factors: MemorySecondFactors
    passkeys: MemoryPasskeys
    challenges: MemoryChallenges
    email_codes: MemoryEmailCodes
    trusted_devices: MemoryTrustedDevices
    attempts: MemoryAttempts
    mail: MemoryMailQueue
    signing_keys: MemorySigningKeys
    outbox: MemoryOutbox
    audit: MemoryAuditTrail
    chains: MemoryChains
    sequence: MemorySequences
    webhooks: MemoryWebhookEndpoints
    deliveries: MemoryDeliveries

    @classmethod
    def over(cls, tables: Tables, emit: Emit, note: Callable[[Happening], None]) -> Self:
        catalogue = MemoryCatalogues(tables.catalogue, tables.roles, tables.api_keys)
        roles = MemoryRoles(
            rows=tables.roles,
            catalogue=catalogue,
            memberships=tables.memberships,
            invitations=tables.invitations,
            service_accounts=tables.service_accounts,
            emit=emit,
        )
        return cls(
            accounts=MemoryAccounts(tables.accounts, tables.identifiers, emit),
            operators=MemoryOperators(tables.operators),
            claims=MemoryClaims(tables.claims, emit),
            password_resets=MemoryPasswordResets(tables.password_resets),
            email_changes=MemoryEmailChanges(tables.email_changes, emit),
            sessions=MemorySessions(tables.sessions, emit),
            access=MemoryAccess(
                accounts=tables.accounts,
                sessions=tables.sessions,
                api_keys=tables.api_keys,
                organizations=tables.organizations,
                memberships=tables.memberships,
                service_accounts=tables.service_accounts,
                roles=roles,
            ),
            catalogue=catalogue,
            organizations=MemoryOrganizations(tables.organizations, tables.slugs, emit),
            memberships=MemoryMemberships(tables.memberships, emit),
            roles=roles,
            invitations=MemoryInvitations(tables.invitations, emit),
            service_accounts=MemoryServiceAccounts(tables.service_accounts, emit),
            api_keys=MemoryApiKeys(tables.api_keys, emit),
            second_factors=MemorySecondFactors(tables.second_factors, emit),
            passkeys=MemoryPasskeys(tables.passkeys, emit),
            challenges=MemoryChallenges(tables.challenges),
            email_codes=MemoryEmailCodes(tables.email_codes),
            trusted_devices=MemoryTrustedDevices(tables.trusted_devices),
            attempts=MemoryAttempts(tables.attempts),
            mail=MemoryMailQueue(tables.mail),
            signing_keys=MemorySigningKeys(tables.signing_keys, emit),
            outbox=MemoryOutbox(tables.events),
            audit=MemoryAuditTrail(tables.audit_entries, tables.audit_personal, note),
            chains=MemoryChains(tables.audit_entries, tables.audit_personal, tables.audit_seals, tables.audit_chains),
            sequence=MemorySequences(tables.sequences),
            webhooks=MemoryWebhookEndpoints(tables.webhooks, emit),
            deliveries=MemoryDeliveries(tables.deliveries, tables.lanes),
        )


class MemoryDatabase(Persistence):
    """A unit of work holds the one lock, works on copies, and puts them in place when it commits."""

    def __init__(self, *, ids: Ids, tables: Tables | None = None) -> None:
        self._ids = ids
        self._committed = tables or Tables()
        self._lock = Lock()
        self._holder: int | None = None

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        with self._changing() as tables:
            recorder = Recorder(self._ids, tables.events, tables.audit_entries, tables.audit_personal)
            yield Repositories.over(tables, recorder.emit, recorder.note)

    @contextmanager
    def autocommit(self) -> Iterator[UnitOfWork]:
        yield Repositories(
            **{port.name: cast(Any, _EachCallAlone(port.name, self._reading, self._changing)) for port in _PORTS}
        )

    def problem(self) -> str | None:
        return None

    def now(self) -> datetime:
        return datetime.now(UTC)

    def findings(self) -> list[str]:
        return []

    def close(self) -> None:
        """There is nothing to give back."""

    def keep(self, tables: Tables) -> None:
        """Put in place what a transaction made. A subclass that keeps it elsewhere as well does so first."""
        self._committed = tables

    def _reading(self) -> AbstractContextManager[Tables]:
        return nullcontext(self._committed)

    @contextmanager
    def _changing(self) -> Iterator[Tables]:
        if self._holder == get_ident():
            raise RuntimeError("A unit of work is open in this thread already: a second one would wait for it forever.")
        with self._lock:
            self._holder = get_ident()
            try:
                tables = self._committed.copied()
                yield tables
                self.keep(tables)
            finally:
                self._holder = None


_PORTS = fields(Repositories)
_READS = frozenset(
    {
        "active",
        "all",
        "by_key",
        "by_session",
        "count",
        "deleted",
        "feed",
        "find",
        "find_by_email",
        "get",
        "has_other_owner",
        "is_used",
        "links",
        "newest",
        "of_address",
        "of_owner",
        "count_owned",
        "owned_by",
        "owners",
        "page",
        "page_of_account",
        "page_of_organization",
        "permissions",
        "some",
        "subjects",
        "unplaced",
        "unsealed",
        "uses",
    }
)


@dataclass(frozen=True, slots=True)
class _EachCallAlone:
    """A repository, each call of which is a transaction of its own.

    Reads see what is committed and wait for nobody. A method that `_READS` does not name is taken for a change: it
    waits for the lock, and is as right.
    """

    port: str
    reading: Callable[[], AbstractContextManager[Tables]]
    changing: Callable[[], AbstractContextManager[Tables]]

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with (self.reading if method in _READS else self.changing)() as tables:
                repository = getattr(Repositories.over(tables, refuse_events, refuse_notes), self.port)
                return getattr(repository, method)(*args, **kwargs)

        return call
