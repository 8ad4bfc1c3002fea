"""Who is calling, what they may do in an organization, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from domain.accounts import Account, AccountState, OperatorRequired
from domain.api_keys import ApiKey
from domain.assurance import AssurancePolicy, lacks_second_factor, must_be_fresh, must_have_second_factor
from domain.kernel import (
    AccountId,
    ActorId,
    Forbidden,
    Invalid,
    OrganizationId,
    SessionId,
    Unauthenticated,
)
from domain.organizations import OrganizationNotFound
from domain.permissions import Permission
from domain.roles import OWNER, ExceedsOwnRights, RoleName
from domain.service_accounts import ServiceAccount
from domain.sessions import Session


class AuthenticationRequired(Unauthenticated):
    """The call needs a bearer token, and came without one."""

    code = "authentication_required"


class AccessTokenInvalid(Unauthenticated):
    """Malformed, forged, expired, of another issuer or audience: deliberately not told apart."""

    code = "access_token_invalid"

    def __init__(self) -> None:
        super().__init__("The access token is not valid, or no longer. Refresh it, or sign in again.")


class SessionRequired(Forbidden):
    """The call takes a signed-in person: no key reaches passwords, addresses, factors, sessions, keys, closing."""

    code = "session_required"

    def __init__(self) -> None:
        super().__init__("An API key cannot do that: sign in at POST /v1/sessions.")


class NoAccount(Forbidden):
    """The caller is a service account, and the call is about a person's own account."""

    code = "no_account"

    def __init__(self) -> None:
        super().__init__("That key belongs to a service account, which is no person and has no account.")


class PermissionDenied(Forbidden):
    """The caller is in the organization, and may not do that there."""

    code = "permission_denied"

    def __init__(self, permission: Permission, decision: "Decision") -> None:
        super().__init__(f"That needs `{permission}`. {decision.because[-1].detail}")
        self.permission = permission
        self.decision = decision

    def members(self) -> dict[str, object]:
        return {"permission": self.permission, "because": [reason.code for reason in self.decision.because]}


class AudienceUnknown(Invalid):
    """No backend of that name takes tokens of this installation."""

    code = "audience_unknown"

    def __init__(self) -> None:
        super().__init__("No backend of that name is configured: see BACKEND_AUDIENCES.", field="audience")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationClaims:
    """What a token for an organization says beyond: which, and what its bearer may do there at the time of issue."""

    id: OrganizationId
    roles: tuple[RoleName, ...]
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What an access token says beyond who issued it for whom (RFC 9068 section 2.2). Times are whole seconds."""

    account_id: AccountId
    session_id: SessionId
    token_id: UUID
    issued_at: datetime
    expires_at: datetime
    authenticated_at: datetime
    amr: tuple[str, ...]
    acr: str
    scope: str
    audience: str | None = None
    """Of another service than Portico, which does not take such a token itself."""
    organization: OrganizationClaims | None = None

    def tells_of(self, session: Session) -> bool:
        """Whether it says what the session has come to: a step-up exchanges the tokens, and one that was copied before
        must not rise with it (ASVS 7.2.4)."""
        proved_at = session.authenticated_at.replace(microsecond=0)
        return (self.acr, self.authenticated_at) == (f"aal{session.aal}", proved_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whose rights count: a person, by a live account in a live session."""

    account: Account
    session: Session

    def must_be_operator(self, policy: AssurancePolicy) -> None:
        """Raise OperatorRequired unless the account has rights over the whole installation, and StepUpRequired unless
        the session is as sure of its owner as such rights ask for."""
        if not self.account.is_operator:
            raise OperatorRequired("Only an operator may do that.")
        if policy.operators_need_second_factor:
            must_have_second_factor(self.session, self.account)

    def must_be_fresh(self, policy: AssurancePolicy, *, at: datetime) -> None:
        """Raise StepUpRequired."""
        must_be_fresh(self.session, self.account, policy=policy, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What somebody is in one organization, at this moment."""

    organization_id: OrganizationId
    role: RoleName
    permissions: frozenset[Permission]
    """Of the role."""
    requires_second_factor: bool = False
    """Of whoever signs in to the organization."""

    def claims(self) -> OrganizationClaims:
        return OrganizationClaims(
            id=self.organization_id, roles=(self.role,), permissions=tuple(sorted(self.permissions))
        )

    def covers_role(self, role: RoleName, permissions: frozenset[Permission]) -> bool:
        """Only an owner deals with owners, whatever an admin may do by now."""
        return (role != OWNER or self.role == OWNER) and permissions <= self.permissions


class Because(StrEnum):
    """Why something is allowed or not. The codes are permanent."""

    ACCOUNT_NOT_ACTIVE = "account_not_active"
    NO_MEMBERSHIP = "no_membership"
    MEMBERSHIP = "membership"
    SECOND_FACTOR_LACKS = "second_factor_lacks"
    ROLE_GRANTS = "role_grants"
    ROLE_LACKS = "role_lacks"
    KEY_OF_ANOTHER_ORGANIZATION = "key_of_another_organization"
    SCOPE_ALLOWS = "scope_allows"
    SCOPE_LACKS = "scope_lacks"


@dataclass(frozen=True, slots=True)
class Reason:
    code: Because
    detail: str


@dataclass(frozen=True, slots=True)
class Decision:
    """`because` holds every step that led there; the last one decided."""

    allowed: bool
    because: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whoever calls: an account by a session, or an account or a service account through a key.

    `standing` is what they are in the organization in question, if there is one and they are in it.
    """

    account: Account | None = None
    service_account: ServiceAccount | None = None
    session: Session | None = None
    key: ApiKey | None = None
    standing: Standing | None = None

    @property
    def id(self) -> ActorId:
        if self.account:
            return self.account.id
        assert self.service_account  # noqa: S101 (it is one of the two)
        return self.service_account.id

    def person(self) -> Principal:
        """Raise SessionRequired unless it is a signed-in person."""
        if self.session is None or self.account is None:
            raise SessionRequired
        return Principal(account=self.account, session=self.session)

    def own_account(self) -> Account:
        """Raise NoAccount."""
        if self.account is None:
            raise NoAccount
        return self.account

    def within(self, organization_id: OrganizationId) -> "Actor":
        """Raise OrganizationNotFound unless they belong to it: across tenants nothing exists. Raise StepUpRequired
        where the organization requires a second factor of those who sign in."""
        if self.standing is None or self.standing.organization_id != organization_id:
            raise OrganizationNotFound
        if self.key and self.key.organization_id != organization_id:
            raise OrganizationNotFound
        if self.standing.requires_second_factor and self.session and self.account:
            must_have_second_factor(self.session, self.account)
        return Actor(subject=self, standing=self.standing)

    def decide(self, permission: Permission, organization_id: OrganizationId) -> Decision:
        """Effective access is scope and permission together, judged at the time of use."""
        state = self.account.state if self.account else None
        session, account = self.session, self.account
        lacks_factor = session is not None and account is not None and lacks_second_factor(session, account)
        return _decide(permission, organization_id, state, self.standing, self.key, lacks_factor=lacks_factor)


@dataclass(frozen=True, slots=True)
class Place:
    """What somebody is in an organization who is asked about there: all that a decision about them needs."""

    standing: Standing
    account_state: AccountState | None
    """None of a service account, which is never suspended."""

    def decide(self, permission: Permission, organization_id: OrganizationId) -> Decision:
        """They present nothing: so neither a session nor a key has a say."""
        return _decide(permission, organization_id, self.account_state, self.standing)


def _decide(
    permission: Permission,
    organization_id: OrganizationId,
    state: AccountState | None,
    standing: Standing | None,
    key: ApiKey | None = None,
    *,
    lacks_factor: bool = False,
) -> Decision:
    if state is not None and state is not AccountState.ACTIVE:
        return _decision(Because.ACCOUNT_NOT_ACTIVE, state)
    if key and key.organization_id != organization_id:
        return _decision(Because.KEY_OF_ANOTHER_ORGANIZATION)
    if standing is None or standing.organization_id != organization_id:
        return NO_MEMBERSHIP
    if standing.requires_second_factor and lacks_factor:
        return _decision(Because.SECOND_FACTOR_LACKS, standing.role)
    if permission not in standing.permissions:
        return _decision(Because.ROLE_LACKS, standing.role)
    if key is None:
        return _decision(Because.ROLE_GRANTS, standing.role)
    return _decision(Because.SCOPE_ALLOWS if permission in key.scopes else Because.SCOPE_LACKS, standing.role)


_SAYS = {
    Because.ACCOUNT_NOT_ACTIVE: "The account is {}.",
    Because.NO_MEMBERSHIP: "There is no membership in this organization.",
    Because.MEMBERSHIP: "The role in this organization is {}.",
    Because.SECOND_FACTOR_LACKS: "The organization requires a second factor, which the session or the account lacks.",
    Because.ROLE_GRANTS: "The role {} grants it.",
    Because.ROLE_LACKS: "The role {} does not grant it.",
    Because.KEY_OF_ANOTHER_ORGANIZATION: "The key was not made for this organization.",
    Because.SCOPE_ALLOWS: "The scopes of the key name it.",
    Because.SCOPE_LACKS: "The scopes of the key do not name it.",
}
_AFTER = {
    Because.SECOND_FACTOR_LACKS: (Because.MEMBERSHIP,),
    Because.ROLE_GRANTS: (Because.MEMBERSHIP,),
    Because.ROLE_LACKS: (Because.MEMBERSHIP,),
    Because.SCOPE_ALLOWS: (Because.MEMBERSHIP, Because.ROLE_GRANTS),
    Because.SCOPE_LACKS: (Because.MEMBERSHIP, Because.ROLE_GRANTS),
}
"""The steps that were taken before."""


@lru_cache(maxsize=1024)
def _decision(last: Because, named: str = "") -> Decision:
    """What was decided by its last step; `named` is the role, or the state of the account. There are few that differ,
    so a hundred answers share them."""
    steps = (*_AFTER.get(last, ()), last)
    because = tuple(Reason(step, _SAYS[step].format(named)) for step in steps)
    return Decision(last in (Because.ROLE_GRANTS, Because.SCOPE_ALLOWS), because)


NO_MEMBERSHIP = _decision(Because.NO_MEMBERSHIP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever calls within an organization that they belong to."""

    subject: Subject
    standing: Standing

    @property
    def organization_id(self) -> OrganizationId:
        return self.standing.organization_id

    @property
    def id(self) -> ActorId:
        return self.subject.id

    def permissions(self) -> frozenset[Permission]:
        """What the caller may do here, by role and key together."""
        key = self.subject.key
        return self.standing.permissions & key.scopes if key else self.standing.permissions

    def must(self, permission: Permission) -> None:
        """Raise PermissionDenied."""
        decision = self.subject.decide(permission, self.organization_id)
        if not decision.allowed:
            raise PermissionDenied(permission, decision)

    def must_cover(self, permissions: frozenset[Permission]) -> None:
        """Raise ExceedsOwnRights: nobody grants, or takes, more than they may do themselves."""
        if not permissions <= self.permissions():
            raise ExceedsOwnRights

    def must_cover_role(self, role: RoleName, permissions: frozenset[Permission]) -> None:
        """Raise ExceedsOwnRights. No key deals with owners, whoever holds it."""
        if not self.standing.covers_role(role, permissions) or (role == OWNER and self.subject.key):
            raise ExceedsOwnRights
        self.must_cover(permissions)

    def person(self) -> Principal:
        """Raise SessionRequired."""
        return self.subject.person()
