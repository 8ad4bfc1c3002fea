"""Who is calling, and what they may do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from application.ports.environment import Clock
from application.ports.security import AccessTokens, SecretHasher
from application.ports.unit_of_work import Begin, UnitOfWork
from domain.access import NO_MEMBERSHIP, AccessTokenInvalid, Decision, Place, Principal, Subject
from domain.accounts import Account
from domain.api_keys import ApiKey, ApiKeyInvalid, ApiKeySecret
from domain.kernel import ActorId, OrganizationId
from domain.permissions import ACCESS_CHECK, Permission, parse_permission
from domain.sessions import Session, SessionEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticate:
    """An access token counts only while its session and its account live: revocation is immediate (ASVS 7.4.1).

    So does an API key, which is taken wherever a token is; it is read before anything is asked of the database.
    """

    autocommit: Begin
    access_tokens: AccessTokens
    secret_hasher: SecretHasher
    clock: Clock

    def __call__(
        self, credential: str, *, organization_id: OrganizationId | None = None, other_id: ActorId | None = None
    ) -> tuple[Subject, Place | None]:
        """Whoever presents it, with their standing in the organization; and by the same query the place there of
        whoever else is named.

        Raise AccessTokenInvalid or SessionEnded; for a key ApiKeyDamaged or ApiKeyInvalid.
        """
        now = self.clock.now()
        if ApiKeySecret.is_meant(credential):
            return self._by_key(ApiKeySecret.parse(credential), other_id, organization_id, now)
        claims = self.access_tokens.verify(credential, at=now)
        with self.autocommit() as database:
            found = database.access.by_session(
                claims.account_id, claims.session_id, organization_id=organization_id, other_id=other_id
            )
        if found:
            account, session = found[0].account, found[0].session
            if account and account.is_active and session and session.is_live(now):
                if not claims.tells_of(session):
                    raise AccessTokenInvalid
                return found
        raise SessionEnded

    def _by_key(
        self, secret: ApiKeySecret, other_id: ActorId | None, organization_id: OrganizationId | None, at: datetime
    ) -> tuple[Subject, Place | None]:
        with self.autocommit() as database:
            found = database.access.by_key(
                secret.kind, secret.owner_id, secret.id, organization_id=organization_id, other_id=other_id
            )
            if found is None or not self._opens(secret, found[0], at):
                raise ApiKeyInvalid
            key = found[0].key
            if key and key.is_use_worth_noting(at):
                database.api_keys.note_use(key, digest=self._renewed(secret, key), at=at)
        return found

    def _renewed(self, secret: ApiKeySecret, key: ApiKey) -> str | None:
        """Its hash under the present key, if the stored one is of an older: so a key that is used outlives a change of
        the installation's secret. What was rotated away is soon over anyway."""
        is_due = self.secret_hasher.is_outdated(key.digest) and self.secret_hasher.verify(secret.text, key.digest)
        return self.secret_hasher.hash(secret.text) if is_due else None

    def _opens(self, secret: ApiKeySecret, subject: Subject, at: datetime) -> bool:
        key, account = subject.key, subject.account
        if key is None or not key.is_live(at) or (account and not account.is_active):
            return False
        return any(self.secret_hasher.verify(secret.text, digest) for digest in key.digests(at))


def lock_owner(uow: UnitOfWork, principal: Principal, *, at: datetime) -> Account:
    """Lock the caller's account. Raise SessionEnded if it was suspended or signed out since the caller was asked."""
    account, _ = lock_session(uow, principal, at=at)
    return account


def lock_session(uow: UnitOfWork, principal: Principal, *, at: datetime) -> tuple[Account, Session]:
    """Lock the caller's account, and read the session as it is now. Raise SessionEnded."""
    account = uow.accounts.lock(principal.account.id)
    session = uow.sessions.find(account.id, principal.session.id)
    if not (account.is_active and session and session.is_live(at)):
        raise SessionEnded
    return account, session


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A question: may `subject_id`, or the caller where it is None, do that there? `resource` is repeated in the
    answer, for who asks; Portico knows no single resources."""

    permission: str
    organization_id: OrganizationId
    subject_id: ActorId | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    check: Check
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAccess:
    """Whether somebody may do something in an organization, and why.

    About others asks who may `access:check` there: a backend's service account, say.
    """

    def __call__(self, *, caller: Subject, other: Place | None, check: Check) -> Checked:
        """`caller` and `other` as they are in the organization in question, which `Authenticate` finds by one query;
        `other` is None where nobody is found, or nobody else is asked about.

        Raise PermissionInvalid; OrganizationNotFound where the caller asks about others in an organization that is not
        theirs, and PermissionDenied where they may not.
        """
        return Checked(check=check, decision=_decided(caller, other, parse_permission(check.permission), check))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAccessOfMany:
    """Up to 100 questions at once, answered in their order by at most two queries."""

    autocommit: Begin

    def __call__(self, *, caller: Subject, checks: Sequence[Check]) -> list[Checked]:
        """Raise what the first refused one raises: then none is answered."""
        permissions = [parse_permission(check.permission) for check in checks]
        own = {(check.organization_id, caller.id) for check in checks}
        others = {(check.organization_id, check.subject_id) for check in checks if check.subject_id}
        with self.autocommit() as database:
            places = database.access.places(own | others)
        callers = {id: _at(places.get((id, caller.id)), caller) for id, _ in own}
        answers = []
        for check, permission in zip(checks, permissions, strict=True):
            here = callers[check.organization_id]
            other = places.get((check.organization_id, check.subject_id)) if check.subject_id else None
            answers.append(Checked(check=check, decision=_decided(here, other, permission, check)))
        return answers


def _at(place: Place | None, caller: Subject) -> Subject:
    return replace(caller, standing=place.standing if place else None)


def _decided(caller: Subject, other: Place | None, permission: Permission, check: Check) -> Decision:
    if check.subject_id is None or check.subject_id == caller.id:
        return caller.decide(permission, check.organization_id)
    caller.within(check.organization_id).must(ACCESS_CHECK)
    return other.decide(permission, check.organization_id) if other else NO_MEMBERSHIP
