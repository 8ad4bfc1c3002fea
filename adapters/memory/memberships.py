from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.memory.rows import page_by_id
from application.ports.memberships import Memberships
from application.ports.outbox import Emit
from domain.kernel import AccountId, OrganizationId, Stale
from domain.memberships import AlreadyMember, EndOfMembership, Membership

MembershipKey = tuple[OrganizationId, AccountId]


@dataclass(frozen=True, slots=True)
class MemoryMemberships(Memberships):
    rows: dict[MembershipKey, Membership]
    emit: Emit

    def add(self, membership: Membership) -> None:
        if (membership.organization_id, membership.account_id) in self.rows:
            raise AlreadyMember
        self._keep(membership)

    def find(self, organization_id: OrganizationId, account_id: AccountId) -> Membership | None:
        return self.rows.get((organization_id, account_id))

    def save(self, membership: Membership) -> None:
        before = self.find(membership.organization_id, membership.account_id)
        if before is None or before.version != membership.version:
            raise Stale
        self._keep(replace(membership, version=membership.version + 1))

    def remove(self, membership: Membership) -> bool:
        if self.rows.pop((membership.organization_id, membership.account_id), None) is None:
            return False
        self._note(replace(membership, version=membership.version + 1))
        return True

    def end_all(self, account_id: AccountId, reason: EndOfMembership, *, at: datetime) -> list[Membership]:
        ended = sorted(self._of_account(account_id), key=lambda each: each.organization_id)
        for membership in ended:
            self.remove(membership.end(reason, at=at))
        return ended

    def void(self, organization_id: OrganizationId, *, limit: int, at: datetime) -> list[AccountId]:
        ended = list(self._of_organization(organization_id))[:limit]
        for membership in ended:
            self.remove(membership.end(EndOfMembership.ORGANIZATION_DELETED, at=at))
        return [membership.account_id for membership in ended]

    def has_other_owner(self, organization_id: OrganizationId, account_id: AccountId) -> bool:
        members = self._of_organization(organization_id)
        return any(member.is_owner and member.account_id != account_id for member in members)

    def owners(self, organization_id: OrganizationId, *, limit: int) -> list[AccountId]:
        members = self._of_organization(organization_id)
        return sorted(member.account_id for member in members if member.is_owner)[:limit]

    def count_owned(self, account_id: AccountId) -> int:
        return len(self.owned_by(account_id))

    def owned_by(self, account_id: AccountId) -> list[OrganizationId]:
        return sorted(each.organization_id for each in self._of_account(account_id) if each.is_owner)

    def page_of_organization(
        self, organization_id: OrganizationId, *, limit: int, after: str | None
    ) -> tuple[list[Membership], str | None]:
        members = self._of_organization(organization_id)
        return page_by_id(members, lambda member: member.account_id, limit=limit, after=after)

    def page_of_account(
        self, account_id: AccountId, *, limit: int, after: str | None
    ) -> tuple[list[Membership], str | None]:
        return page_by_id(self._of_account(account_id), lambda each: each.organization_id, limit=limit, after=after)

    def _keep(self, membership: Membership) -> None:
        self.rows[membership.organization_id, membership.account_id] = replace(membership, events=())
        self._note(membership)

    def _note(self, membership: Membership) -> None:
        self.emit(membership.organization_id, membership.id, membership)

    def _of_organization(self, id: OrganizationId) -> Iterator[Membership]:
        return (membership for membership in self.rows.values() if membership.organization_id == id)

    def _of_account(self, id: AccountId) -> Iterator[Membership]:
        return (membership for membership in self.rows.values() if membership.account_id == id)
