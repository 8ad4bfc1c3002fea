"""What no foreign key watches over, because it would cross shards (see scale.md): for `portico doctor`.

Each check reads whole tables, over all shards, and is for a person who asked.
"""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, Select, and_, func, not_, or_, select

from adapters.sql.accounts import AccountRow, IdentifierRow, OperatorRow
from adapters.sql.api_keys import ApiKeyRow
from adapters.sql.deliveries import DeliveryRow, LaneRow
from adapters.sql.invitations import AddressInvitationRow, InvitationRow
from adapters.sql.memberships import MemberRow, MembershipRow
from adapters.sql.model import Model
from adapters.sql.organizations import OrganizationRow, SlugRow
from adapters.sql.passkeys import PasskeyCredentialRow, PasskeyRow
from adapters.sql.second_factors import SecondFactorsRow
from adapters.sql.service_accounts import ServiceAccountRow
from adapters.sql.webhooks import WebhookRow
from domain.accounts import AccountState
from domain.audit import INSTALLATION

_OPEN = AccountRow.state != AccountState.CLOSED.value
_OPERATES = and_(AccountRow.is_operator, AccountRow.state == AccountState.ACTIVE.value)
_LIVE = OrganizationRow.deleted_at.is_(None)

_SAME_MEMBERSHIP = and_(
    MemberRow.organization_id == MembershipRow.organization_id,
    MemberRow.account_id == MembershipRow.account_id,
    MemberRow.id == MembershipRow.id,
    MemberRow.role == MembershipRow.role,
)
_SAME_INVITATION = and_(
    InvitationRow.organization_id == AddressInvitationRow.organization_id,
    InvitationRow.id == AddressInvitationRow.invitation_id,
)
_SAME_PASSKEY = and_(
    PasskeyRow.account_id == PasskeyCredentialRow.account_id, PasskeyRow.id == PasskeyCredentialRow.passkey_id
)


def strays(connection: Connection) -> Iterator[str]:
    """References that lead nowhere, and copies that say something else, in words."""
    for count, text in (*_of_accounts(), *_of_factors(), *_of_organizations(), *_of_keys(), *_of_webhooks()):
        found = connection.execute(count).scalar_one()
        if found:
            yield f"{found} {text}"


def _of_accounts() -> Iterator[tuple[Select[int], str]]:
    yield (
        _count(IdentifierRow, not_(_exists(AccountRow, AccountRow.id == IdentifierRow.account_id, _OPEN))),
        "addresses belong to no open account, and nobody can sign up with them",
    )
    yield (
        _count(AccountRow, _OPEN, not_(_exists(IdentifierRow, IdentifierRow.value == AccountRow.email))),
        "open accounts have no address to sign in with",
    )
    yield (
        _count(OperatorRow, not_(_exists(AccountRow, AccountRow.id == OperatorRow.account_id, _OPERATES))),
        "operators are no active accounts",
    )
    yield (
        _count(AccountRow, _OPERATES, not_(_exists(OperatorRow, OperatorRow.account_id == AccountRow.id))),
        "active accounts with operator rights are missing among the operators",
    )


def _of_factors() -> Iterator[tuple[Select[int], str]]:
    app = (SecondFactorsRow.account_id == AccountRow.id, SecondFactorsRow.totp_sealed.is_not(None))
    enrolled = or_(_exists(SecondFactorsRow, *app), _exists(PasskeyRow, PasskeyRow.account_id == AccountRow.id))
    yield (
        _count(AccountRow, AccountRow.has_second_factor.is_(True), not_(enrolled)),
        "accounts are asked for a second factor that they do not have",
    )
    yield (
        _count(AccountRow, AccountRow.has_second_factor.is_(False), enrolled),
        "accounts have a second factor that they are never asked for",
    )
    yield (
        _count(PasskeyCredentialRow, not_(_exists(PasskeyRow, _SAME_PASSKEY))),
        "credentials belong to no passkey, and nobody can register them",
    )
    yield (
        _count(PasskeyRow, not_(_exists(PasskeyCredentialRow, _SAME_PASSKEY))),
        "passkeys have a credential that another account could register",
    )


def _of_organizations() -> Iterator[tuple[Select[int], str]]:
    its_slug = and_(SlugRow.value == OrganizationRow.slug, SlugRow.organization_id == OrganizationRow.id)
    yield (
        _count(SlugRow, not_(_exists(OrganizationRow, its_slug, _LIVE))),
        "slugs belong to no live organization, and no other can have them",
    )
    yield (
        _count(OrganizationRow, _LIVE, not_(_exists(SlugRow, its_slug))),
        "live organizations have a slug that another one could take",
    )
    yield (
        _count(MemberRow, not_(_exists(MembershipRow, _SAME_MEMBERSHIP))),
        "members do not see their organization, or see themselves there in another role",
    )
    yield (
        _count(MembershipRow, not_(_exists(MemberRow, _SAME_MEMBERSHIP))),
        "memberships are unknown to their organization, or known there in another role",
    )
    yield (
        _count(MemberRow, not_(_exists(AccountRow, AccountRow.id == MemberRow.account_id, _OPEN))),
        "members are no open accounts",
    )
    yield (
        _count(AddressInvitationRow, not_(_exists(InvitationRow, _SAME_INVITATION))),
        "addresses are kept for invitations that are gone",
    )
    yield (
        _count(InvitationRow, not_(_exists(AddressInvitationRow, _SAME_INVITATION))),
        "invitations can be neither accepted nor declined, as their address does not know them",
    )


def _of_keys() -> Iterator[tuple[Select[int], str]]:
    its_program = and_(
        ServiceAccountRow.organization_id == ApiKeyRow.owner_id, ServiceAccountRow.id == ApiKeyRow.service_account_id
    )
    its_person = and_(AccountRow.id == ApiKeyRow.owner_id, _OPEN, ApiKeyRow.service_account_id.is_(None))
    yield (
        _count(ApiKeyRow, not_(or_(_exists(ServiceAccountRow, its_program), _exists(AccountRow, its_person)))),
        "keys belong to no open account and to no service account",
    )


def _of_webhooks() -> Iterator[tuple[Select[int], str]]:
    its_organization = OrganizationRow.id == WebhookRow.owner_id
    yield (
        _count(WebhookRow, WebhookRow.owner_id != INSTALLATION, not_(_exists(OrganizationRow, its_organization))),
        "webhooks belong to no organization",
    )
    its_lane = and_(
        LaneRow.owner_id == DeliveryRow.owner_id,
        LaneRow.endpoint_id == DeliveryRow.endpoint_id,
        LaneRow.aggregate_id == DeliveryRow.aggregate_id,
    )
    yield (
        _count(DeliveryRow, DeliveryRow.settled_at.is_(None), not_(_exists(LaneRow, its_lane))),
        "deliveries wait in no lane, where no relay finds them",
    )


def _count(model: type[Model], *where: ColumnElement[bool]) -> Select[int]:
    return select(func.count()).select_from(model).where(*where)


def _exists(model: type[Model], *where: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(model).where(*where).exists()
