"""An organization is the boundary of a tenant: a company, a team, a household of accounts."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NewType, Self
from uuid import UUID

from domain.invitations import TooManyInvitations
from domain.kernel import ActorId, Aggregate, Conflict, Event, Invalid, NotFound, OrganizationId
from domain.names import LONGEST_NAME, visible

Slug = NewType("Slug", str)
"""How an organization is called in addresses: unique over the installation."""

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])")
_DAY = timedelta(days=1)


class InvalidOrganizationName(Invalid):
    """Empty, too long, or with characters that cannot be seen."""

    code = "organization_name_invalid"


class InvalidSlug(Invalid):
    """Not a slug that an organization can have."""

    code = "slug_invalid"


class SlugTaken(Conflict):
    """Another organization has that slug."""

    code = "slug_taken"

    def __init__(self) -> None:
        super().__init__("Another organization has that slug: choose another one.")


class TooManyOrganizations(Conflict):
    """The account owns as many organizations as it may."""

    code = "too_many_organizations"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"An account may own at most {most} organizations: delete one, or make another member its owner."
        )


class OrganizationNotFound(NotFound):
    """No such organization, or the caller is not in it: deliberately not told apart."""

    code = "organization_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such organization, or you are not in it.")


class DeletionUnconfirmed(Invalid):
    """Deleting an organization asks for its slug."""

    code = "deletion_unconfirmed"

    def __init__(self) -> None:
        super().__init__("Deleting cannot be undone: repeat the organization's slug as `?confirm=`.", field="confirm")


class EmailUnverified(Conflict):
    """Whoever makes or joins an organization must have proved their address."""

    code = "email_unverified"

    def __init__(self) -> None:
        super().__init__("Prove your address first: others must know who they deal with.")


def parse_organization_name(raw: str) -> str:
    """Raise InvalidOrganizationName if it is empty or cannot be kept."""
    name = visible(raw, most=LONGEST_NAME)
    if not name:
        raise InvalidOrganizationName(
            "The name of an organization has 1 to 100 characters, all of which can be seen.", field="name"
        )
    return name


def parse_slug(raw: str) -> Slug:
    """Raise InvalidSlug unless it has 3 to 40 lower-case letters, digits and inner hyphens."""
    if not _SLUG.fullmatch(raw):
        raise InvalidSlug("A slug has 3 to 40 lower-case letters, digits and, inside, hyphens.", field="slug")
    return Slug(raw)


def slug_of(name: str, id: UUID) -> Slug:
    """What a name looks like as a slug, ended by a part of the id, so that hardly another has the same."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:27].strip("-")
    return Slug(f"{words or 'org'}-{id.hex[-12:]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationMade(Event):
    name = "organization.created"
    organization_id: OrganizationId
    by: ActorId


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationChanged(Event):
    name = "organization.changed"
    organization_id: OrganizationId


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationDeleted(Event):
    name = "organization.deleted"
    organization_id: OrganizationId
    by: ActorId


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization(Aggregate):
    """One that is deleted grants nothing from that moment on, and gives its slug back; the sweep removes the rest, for
    there may be more than one transaction should touch."""

    id: OrganizationId
    name: str
    slug: Slug
    requires_second_factor: bool = False
    """Of everybody who signs in to it; a key was made by somebody who did."""
    created_at: datetime
    deleted_at: datetime | None = None
    invitations_counted_since: datetime | None = None
    """When the present day of counting them began."""
    invitations_counted: int = 0

    @classmethod
    def make(cls, *, id: OrganizationId, name: str, slug: Slug, by: ActorId, at: datetime) -> Self:
        return cls(
            id=id,
            name=name,
            slug=slug,
            created_at=at,
            events=(OrganizationMade(organization_id=id, by=by, at=at),),
        )

    @property
    def is_live(self) -> bool:
        return self.deleted_at is None

    def change(self, *, name: str, slug: Slug, requires_second_factor: bool, at: datetime) -> Self:
        if (name, slug, requires_second_factor) == (self.name, self.slug, self.requires_second_factor):
            return self
        changed = OrganizationChanged(organization_id=self.id, at=at)
        return replace(
            self,
            name=name,
            slug=slug,
            requires_second_factor=requires_second_factor,
            events=self.recorded(changed),
        )

    def count_invitation(self, *, most: int, at: datetime) -> Self:
        """One more is sent; to take it back takes nothing off. A day begins with the first one after the last day.

        Raise TooManyInvitations if it is more than `most` in that day.
        """
        since = self.invitations_counted_since
        if since is None or at - since >= _DAY:
            return replace(self, invitations_counted_since=at, invitations_counted=1)
        if self.invitations_counted >= most:
            raise TooManyInvitations(f"An organization may send at most {most} invitations a day: go on tomorrow.")
        return replace(self, invitations_counted=self.invitations_counted + 1)

    def delete(self, *, confirm: str | None, by: ActorId, at: datetime) -> Self:
        """Raise DeletionUnconfirmed unless `confirm` is its slug."""
        if confirm != self.slug:
            raise DeletionUnconfirmed
        deleted = OrganizationDeleted(organization_id=self.id, by=by, at=at)
        return replace(self, deleted_at=at, events=self.recorded(deleted))
