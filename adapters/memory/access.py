from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from adapters.memory.api_keys import ApiKeyKey
from adapters.memory.memberships import MembershipKey
from adapters.memory.service_accounts import ServiceAccountKey
from adapters.memory.sessions import SessionKey
from application.ports.access import Access, Asked
from application.ports.roles import Roles
from domain.access import Place, Standing, Subject
from domain.accounts import Account
from domain.api_keys import ApiKey, KeyKind
from domain.kernel import AccountId, ActorId, ApiKeyId, OrganizationId, ServiceAccountId, SessionId
from domain.memberships import Membership
from domain.organizations import Organization
from domain.service_accounts import ServiceAccount
from domain.sessions import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryAccess(Access):
    accounts: dict[AccountId, Account]
    sessions: dict[SessionKey, Session]
    api_keys: dict[ApiKeyKey, ApiKey]
    organizations: dict[OrganizationId, Organization]
    memberships: dict[MembershipKey, Membership]
    service_accounts: dict[ServiceAccountKey, ServiceAccount]
    roles: Roles

    def by_session(
        self,
        account_id: AccountId,
        session_id: SessionId,
        *,
        organization_id: OrganizationId | None = None,
        other_id: ActorId | None = None,
    ) -> tuple[Subject, Place | None] | None:
        session, account = self.sessions.get((account_id, session_id)), self.accounts.get(account_id)
        if session is None or account is None:
            return None
        standing = self._standing(organization_id, account_id)
        return Subject(account=account, session=session, standing=standing), self._place(organization_id, other_id)

    def by_key(
        self,
        kind: KeyKind,
        owner_id: UUID,
        id: ApiKeyId,
        *,
        organization_id: OrganizationId | None = None,
        other_id: ActorId | None = None,
    ) -> tuple[Subject, Place | None] | None:
        key = self.api_keys.get((owner_id, id))
        if key is None or key.kind is not kind:
            return None
        holder = self._holder(key)
        if holder is None or (key.organization_id and not self._is_live(key.organization_id)):
            return None
        if organization_id is None:
            return replace(holder, standing=None), None
        if key.organization_id and holder.standing is None:
            return None
        return holder, self._place(organization_id, other_id)

    def places(self, asked: Collection[Asked]) -> Mapping[Asked, Place]:
        found = ((each, self._place(*each)) for each in asked)
        return {each: place for each, place in found if place}

    def _holder(self, key: ApiKey) -> Subject | None:
        if key.service_account_id:
            organization_id = OrganizationId(key.owner_id)
            service_account = self.service_accounts.get((organization_id, key.service_account_id))
            standing = self._standing(key.organization_id, key.service_account_id)
            return Subject(service_account=service_account, key=key, standing=standing) if service_account else None
        account = self.accounts.get(AccountId(key.owner_id))
        standing = self._standing(key.organization_id, AccountId(key.owner_id))
        return Subject(account=account, key=key, standing=standing) if account else None

    def _place(self, organization_id: OrganizationId | None, id: ActorId | None) -> Place | None:
        standing = self._standing(organization_id, id)
        if standing is None or id is None:
            return None
        if account := self.accounts.get(AccountId(id)):
            return Place(standing, account.state)
        is_program = (standing.organization_id, ServiceAccountId(id)) in self.service_accounts
        return Place(standing, None) if is_program else None

    def _standing(self, organization_id: OrganizationId | None, id: ActorId | None) -> Standing | None:
        if organization_id is None or id is None:
            return None
        if not self._is_live(organization_id):
            return None
        place = self.memberships.get((organization_id, AccountId(id))) or self.service_accounts.get(
            (organization_id, ServiceAccountId(id))
        )
        if place is None:
            return None
        granted = self.roles.permissions(organization_id, place.role)
        return Standing(
            organization_id=organization_id,
            role=place.role,
            permissions=granted or frozenset(),
            requires_second_factor=self.organizations[organization_id].requires_second_factor,
        )

    def _is_live(self, organization_id: OrganizationId) -> bool:
        organization = self.organizations.get(organization_id)
        return organization is not None and organization.is_live
