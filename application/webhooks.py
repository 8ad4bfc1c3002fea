"""Where events are sent: an organization's own webhooks, and those of the installation, which operators keep.

Only people deal with webhooks, because a secret is shown and addresses get to know what happens; keys may look.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from application.access import lock_owner
from application.organizations import lock_organization
from application.ports.environment import Clock, Ids, Secrets
from application.ports.security import Vault
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.access import Actor, Principal
from domain.assurance import AssurancePolicy
from domain.audit import INSTALLATION
from domain.kernel import WebhookId
from domain.permissions import WEBHOOKS_MANAGE, WEBHOOKS_READ
from domain.webhooks import (
    MOST_WEBHOOKS,
    EndOfWebhook,
    EventFilter,
    TooManyWebhooks,
    WebhookEndpoint,
    WebhookNotFound,
    WebhookPolicy,
    WebhookSecret,
    parse_description,
    parse_webhook_url,
    secret_row,
)

Holder = Actor | Principal
"""Who deals with webhooks: an actor with those of the organization, an operator with those of the installation."""

DROPPED_AT_ONCE = 1000
"""Of what waits for an endpoint that is off. The relay finds the rest, which may be much."""


def seen_by(holder: Holder, assurance: AssurancePolicy) -> UUID:
    """Whose webhooks the holder may see. Raise PermissionDenied; OperatorRequired or StepUpRequired."""
    if isinstance(holder, Actor):
        holder.must(WEBHOOKS_READ)
        return holder.organization_id
    holder.must_be_operator(assurance)
    return INSTALLATION


def managed_by(holder: Holder, assurance: AssurancePolicy) -> tuple[UUID, Principal]:
    """Whose webhooks the holder may manage, in person. Raise SessionRequired, PermissionDenied; OperatorRequired or
    StepUpRequired."""
    if isinstance(holder, Actor):
        principal = holder.person()
        holder.must(WEBHOOKS_MANAGE)
        return holder.organization_id, principal
    holder.must_be_operator(assurance)
    return INSTALLATION, holder


def lock_holder(uow: UnitOfWork, holder: Holder, *, at: datetime) -> None:
    """What changes the webhooks of an organization comes one after the other. Raise as `lock_organization` and
    `lock_owner` do."""
    if isinstance(holder, Actor):
        lock_organization(uow, holder)
    else:
        lock_owner(uow, holder, at=at)


def webhook_of(uow: UnitOfWork, owner_id: UUID, id: UUID) -> WebhookEndpoint:
    """Raise WebhookNotFound."""
    endpoint = uow.webhooks.find(owner_id, WebhookId(id))
    if endpoint is None:
        raise WebhookNotFound
    return endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookWithSecret:
    """A webhook with its secret, which nobody sees again."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeWebhook:
    """From now on the events that are wanted go to the address. The secret that signs them is shown once."""

    unit_of_work: Begin
    vault: Vault
    secrets: Secrets
    assurance: AssurancePolicy
    allowed_hosts: Collection[str]
    clock: Clock
    ids: Ids

    def __call__(self, *, holder: Holder, url: str, events: Iterable[str], description: str = "") -> WebhookWithSecret:
        """Raise SessionRequired, PermissionDenied, OperatorRequired, StepUpRequired, InvalidWebhook,
        TooManyWebhooks."""
        owner_id, principal = managed_by(holder, self.assurance)
        now = self.clock.now()
        principal.must_be_fresh(self.assurance, at=now)
        id, secret = WebhookId(self.ids.new()), WebhookSecret.make(self.secrets.new(32))
        endpoint = WebhookEndpoint.make(
            owner_id=owner_id,
            id=id,
            url=parse_webhook_url(url, allowed_hosts=self.allowed_hosts),
            description=parse_description(description),
            events_wanted=EventFilter.parse(events),
            sealed_secret=self.vault.seal(secret.text, row=secret_row(owner_id, id)),
            by=principal.account.id,
            at=now,
        )
        with self.unit_of_work() as uow:
            lock_holder(uow, holder, at=now)
            if len(uow.webhooks.of_owner(owner_id)) >= MOST_WEBHOOKS:
                raise TooManyWebhooks
            uow.webhooks.add(endpoint)
        return WebhookWithSecret(endpoint=endpoint, secret=secret.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWebhooks:
    """The webhooks, oldest first, without their secrets. There are at most 20."""

    autocommit: Begin
    assurance: AssurancePolicy

    def __call__(self, *, holder: Holder) -> list[WebhookEndpoint]:
        """Raise PermissionDenied, OperatorRequired, StepUpRequired."""
        owner_id = seen_by(holder, self.assurance)
        with self.autocommit() as database:
            return database.webhooks.of_owner(owner_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowWebhook:
    """One webhook: where it goes, what is wanted, and whether it works."""

    autocommit: Begin
    assurance: AssurancePolicy

    def __call__(self, *, holder: Holder, webhook_id: UUID) -> WebhookEndpoint:
        """Raise PermissionDenied, OperatorRequired, StepUpRequired, WebhookNotFound."""
        owner_id = seen_by(holder, self.assurance)
        with self.autocommit() as database:
            return webhook_of(database, owner_id, webhook_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWebhook:
    """A webhook gets another address, description or choice of events, or is switched off or on. What waits for one
    that is switched off is dropped; what happens meanwhile never comes."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    allowed_hosts: Collection[str]
    clock: Clock

    def __call__(
        self,
        *,
        holder: Holder,
        webhook_id: UUID,
        url: str | None = None,
        events: Iterable[str] | None = None,
        description: str | None = None,
        enabled: bool | None = None,
    ) -> WebhookEndpoint:
        """None leaves it as it is.

        Raise SessionRequired, PermissionDenied, OperatorRequired, StepUpRequired, WebhookNotFound, InvalidWebhook.
        """
        owner_id, principal = managed_by(holder, self.assurance)
        now, by = self.clock.now(), principal.account.id
        principal.must_be_fresh(self.assurance, at=now)
        with self.unit_of_work() as uow:
            lock_holder(uow, holder, at=now)
            endpoint = uow.webhooks.lock(owner_id, WebhookId(webhook_id))
            changed = endpoint.change(
                url=endpoint.url if url is None else parse_webhook_url(url, allowed_hosts=self.allowed_hosts),
                description=endpoint.description if description is None else parse_description(description),
                events_wanted=endpoint.events_wanted if events is None else EventFilter.parse(events),
                by=by,
                at=now,
            )
            if enabled is True:
                changed = changed.enable(by=by, at=now)
            elif enabled is False:
                changed = changed.disable(EndOfWebhook.SWITCHED_OFF, by=by, at=now)
            if changed is not endpoint:
                uow.webhooks.save(changed)
            if not changed.is_active:
                uow.deliveries.drop(owner_id, changed.id, limit=DROPPED_AT_ONCE)
        return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateWebhookSecret:
    """A webhook gets a new secret. For 24 hours more what it gets is signed with the old one as well."""

    unit_of_work: Begin
    vault: Vault
    secrets: Secrets
    assurance: AssurancePolicy
    webhook_policy: WebhookPolicy
    clock: Clock

    def __call__(self, *, holder: Holder, webhook_id: UUID) -> WebhookWithSecret:
        """Raise SessionRequired, PermissionDenied, OperatorRequired, StepUpRequired, WebhookNotFound."""
        owner_id, principal = managed_by(holder, self.assurance)
        now = self.clock.now()
        principal.must_be_fresh(self.assurance, at=now)
        secret = WebhookSecret.make(self.secrets.new(32))
        with self.unit_of_work() as uow:
            lock_holder(uow, holder, at=now)
            endpoint = uow.webhooks.lock(owner_id, WebhookId(webhook_id))
            sealed = self.vault.seal(secret.text, row=endpoint.secret_row)
            overlap = self.webhook_policy.secret_overlap
            rotated = endpoint.rotate(sealed, overlap=overlap, by=principal.account.id, at=now)
            uow.webhooks.save(rotated)
        return WebhookWithSecret(endpoint=rotated, secret=secret.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteWebhook:
    """A webhook is gone, and what waits for it."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock

    def __call__(self, *, holder: Holder, webhook_id: UUID) -> None:
        """Raise SessionRequired, PermissionDenied, OperatorRequired, StepUpRequired, WebhookNotFound."""
        owner_id, principal = managed_by(holder, self.assurance)
        now = self.clock.now()
        principal.must_be_fresh(self.assurance, at=now)
        with self.unit_of_work() as uow:
            lock_holder(uow, holder, at=now)
            endpoint = uow.webhooks.lock(owner_id, WebhookId(webhook_id))
            uow.webhooks.remove(endpoint.delete(by=principal.account.id, at=now))
            uow.deliveries.drop(owner_id, endpoint.id, limit=DROPPED_AT_ONCE)
