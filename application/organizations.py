"""Organizations: who makes one owns it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from application.access import lock_owner
from application.ports.environment import Clock, Ids
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.access import Actor, Principal, Subject
from domain.accounts import Account
from domain.api_keys import EndOfKey
from domain.assurance import must_have_second_factor
from domain.kernel import ChangedMeanwhile, MembershipId, OrganizationId
from domain.memberships import Membership
from domain.organizations import (
    EmailUnverified,
    Organization,
    OrganizationNotFound,
    TooManyOrganizations,
    parse_organization_name,
    parse_slug,
    slug_of,
)
from domain.permissions import ORGANIZATION_DELETE, ORGANIZATION_READ, ORGANIZATION_UPDATE
from domain.roles import OWNER, RoleName


def must_be_proved(account: Account) -> None:
    """Raise EmailUnverified."""
    if not account.email_verified_at:
        raise EmailUnverified


def lock_organization(uow: UnitOfWork, actor: Actor) -> Organization:
    """Lock the caller's organization: whatever changes who may do what in it comes one after the other.

    Raise OrganizationNotFound if it, or the caller's place in it, is gone since the caller was asked, and
    ChangedMeanwhile if the caller's role is another, or grants something else.
    """
    organization = uow.organizations.lock(actor.organization_id)
    asked = (actor.organization_id, actor.id)
    now = uow.access.subjects([asked]).get(asked)
    if now is None:
        raise OrganizationNotFound
    if now.standing != actor.standing:
        raise ChangedMeanwhile
    return organization


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeOrganization:
    """Whoever has proved their address makes an organization, and is its owner."""

    unit_of_work: Begin
    most_owned: int
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, name: str, slug: str | None = None) -> Organization:
        """Without a slug, one is made of the name.

        Raise InvalidOrganizationName, InvalidSlug, SlugTaken, EmailUnverified, TooManyOrganizations.
        """
        id = OrganizationId(self.ids.new())
        name = parse_organization_name(name)
        chosen = slug_of(name, id) if slug is None else parse_slug(slug)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            owner = lock_owner(uow, principal, at=now)
            must_be_proved(owner)
            if uow.memberships.count_owned(owner.id) >= self.most_owned:
                raise TooManyOrganizations(self.most_owned)
            organization = Organization.make(id=id, name=name, slug=chosen, by=owner.id, at=now)
            uow.organizations.add(organization)
            uow.memberships.add(
                Membership.begin(
                    id=MembershipId(self.ids.new()), organization_id=id, account_id=owner.id, role=OWNER, at=now
                )
            )
        return organization


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOrganization:
    """An organization, and the role of who looks at it."""

    organization: Organization
    role: RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOrganizations:
    """The organizations that the caller is in, oldest first, and as what. A key sees the one it was made for.

    A page may hold fewer than asked for, where one of them has just been deleted.
    """

    autocommit: Begin

    def __call__(self, *, subject: Subject, limit: int, after: str | None) -> tuple[list[SeenOrganization], str | None]:
        """Raise CursorInvalid."""
        with self.autocommit() as database:
            if subject.key and subject.key.organization_id:
                return list(self._only_one(database, subject, subject.key.organization_id)), None
            if subject.account is None:
                return [], None
            memberships, after = database.memberships.page_of_account(subject.account.id, limit=limit, after=after)
            organizations = database.organizations.some({each.organization_id for each in memberships})
        return [
            SeenOrganization(organization=organizations[each.organization_id], role=each.role)
            for each in memberships
            if each.organization_id in organizations
        ], after

    def _only_one(self, database: UnitOfWork, subject: Subject, id: OrganizationId) -> Iterator[SeenOrganization]:
        organization, holder = database.organizations.some({id}).get(id), subject.service_account
        place = holder or (database.memberships.find(id, subject.account.id) if subject.account else None)
        if organization and place:
            yield SeenOrganization(organization=organization, role=place.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOrganization:
    """A member looks at the organization."""

    autocommit: Begin

    def __call__(self, *, actor: Actor) -> SeenOrganization:
        """Raise PermissionDenied, OrganizationNotFound."""
        actor.must(ORGANIZATION_READ)
        with self.autocommit() as database:
            organization = database.organizations.get(actor.organization_id)
        return SeenOrganization(organization=organization, role=actor.standing.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrganization:
    """Name and slug are changed. The old slug is free at once."""

    unit_of_work: Begin
    clock: Clock

    def __call__(
        self,
        *,
        actor: Actor,
        name: str | None = None,
        slug: str | None = None,
        requires_second_factor: bool | None = None,
    ) -> SeenOrganization:
        """None leaves it as it is. Who requires a second factor of all must have signed in with one.

        Raise PermissionDenied, InvalidOrganizationName, InvalidSlug, SlugTaken; SessionRequired and StepUpRequired for
        `requires_second_factor`.
        """
        actor.must(ORGANIZATION_UPDATE)
        if requires_second_factor is not None:
            principal = actor.person()
            must_have_second_factor(principal.session, principal.account)
        new_name = parse_organization_name(name) if name is not None else None
        new_slug = parse_slug(slug) if slug is not None else None
        with self.unit_of_work() as uow:
            organization = lock_organization(uow, actor)
            changed = organization.change(
                name=new_name or organization.name,
                slug=new_slug or organization.slug,
                requires_second_factor=organization.requires_second_factor
                if requires_second_factor is None
                else requires_second_factor,
                at=self.clock.now(),
            )
            if changed is not organization:
                uow.organizations.save(changed)
        return SeenOrganization(organization=changed, role=actor.standing.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOrganization:
    """The organization is gone at once, for everybody: members, invitations, roles, service accounts and keys with it.

    It asks for the slug, because it cannot be undone.
    """

    unit_of_work: Begin
    clock: Clock

    def __call__(self, *, actor: Actor, confirm: str | None) -> None:
        """Raise SessionRequired, PermissionDenied, DeletionUnconfirmed."""
        actor.person()
        actor.must(ORGANIZATION_DELETE)
        with self.unit_of_work() as uow:
            organization = lock_organization(uow, actor)
            uow.organizations.save(organization.delete(confirm=confirm, by=actor.id, at=self.clock.now()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveDeletedOrganizations:
    """What a deleted organization left behind is removed, in batches: its members may be many."""

    unit_of_work: Begin
    clock: Clock
    batch: int = 500

    def __call__(self) -> int:
        """One batch of one organization; return how many rows it had, 0 when nothing is left."""
        now = self.clock.now()
        with self.unit_of_work() as uow:
            for organization in uow.organizations.deleted(limit=1):
                return self._remove_some(uow, organization.id, now) or self._remove_rest(uow, organization.id, now)
        return 0

    def _remove_some(self, uow: UnitOfWork, id: OrganizationId, at: datetime) -> int:
        members = uow.memberships.void(id, limit=self.batch, at=at)
        for account_id in members:
            uow.api_keys.end_all(account_id, EndOfKey.MEMBERSHIP_ENDED, organization_id=id, at=at)
        return len(members) or uow.invitations.void(id, limit=self.batch)

    def _remove_rest(self, uow: UnitOfWork, id: OrganizationId, at: datetime) -> int:
        uow.api_keys.end_all(id, EndOfKey.SERVICE_ACCOUNT_DELETED, at=at)
        uow.service_accounts.void(id)
        for endpoint in uow.webhooks.of_owner(id):
            uow.webhooks.remove(endpoint.delete(by=None, at=at))
        uow.roles.void(id)
        uow.organizations.remove(id)
        return 1
