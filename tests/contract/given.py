"""What the tests of the contract start from, and how they look at what is there."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from application.ports.unit_of_work import Persistence
from domain.accounts import Account
from domain.kernel import AccountId, OrganizationId
from domain.memberships import Membership
from domain.organizations import Organization
from domain.roles import MEMBER, RoleName
from tests.builders import NOON, a_membership, an_active_account, an_organization

T = TypeVar("T")

SOMEBODY = AccountId(UUID(int=7))
"""Whom no test asks about."""
NOT_A_CURSOR = ["", "garbage", "0", "\0", "é", "' OR 1=1 --", "x" * 5000]


def signed_up(database: Persistence, **changes: Any) -> Account:
    account = an_active_account(**changes)
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
    return account


def founded(database: Persistence, **changes: Any) -> Organization:
    organization = an_organization(**changes)
    with database.unit_of_work() as uow:
        uow.organizations.add(organization)
    return organization


def joined(
    database: Persistence, organization_id: OrganizationId, *, role: RoleName = MEMBER, account: Account | None = None
) -> Membership:
    """An account, a new one unless it is given, in the organization."""
    account = account or signed_up(database)
    membership = a_membership(organization_id=organization_id, account_id=account.id, role=role)
    with database.unit_of_work() as uow:
        uow.memberships.add(membership)
    return membership


def deleted(database: Persistence, organization: Organization) -> None:
    with database.unit_of_work() as uow:
        found = uow.organizations.get(organization.id)
        uow.organizations.save(found.delete(confirm=found.slug, by=SOMEBODY, at=NOON))


def events(database: Persistence, owner_id: UUID) -> list[tuple[str, UUID]]:
    """What happened to what it owns, in order: the event and the aggregate."""
    with database.autocommit() as reads:
        newest_first = reads.outbox.of_owner(owner_id, limit=100)
    return [(event.name, event.aggregate_id) for event in reversed(newest_first)]


def reasons(database: Persistence, owner_id: UUID) -> dict[UUID, tuple[str, object]]:
    """Of each aggregate that ended: the event and why."""
    with database.autocommit() as reads:
        recorded = reads.outbox.of_owner(owner_id, limit=100)
    return {event.aggregate_id: (event.name, event.data["reason"]) for event in recorded if "reason" in event.data}


def pages(read: Callable[[str | None], tuple[list[T], str | None]]) -> list[list[T]]:
    """Every page, one after the other."""
    found, after = [], None
    while True:
        page, after = read(after)
        found.append(page)
        if after is None:
            return found
