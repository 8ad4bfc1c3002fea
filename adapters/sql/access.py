"""Who is calling, and what they are in an organization: what every request asks first.

Each question has a statement of its own: it asks for no more than it must, and reads nothing that its parameters say.
What belongs to an organization stands in a CTE: so Citus asks one shard for it and another for the account, and
PostgreSQL plans each part by itself, which costs less than one large join of all. A personal key says only in its row
for which organization it is, so there no shard can be named.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Select,
    Subquery,
    Uuid,
    and_,
    bindparam,
    cast,
    false,
    select,
    true,
    union_all,
)

from adapters.sql.accounts import AccountRow, to_account
from adapters.sql.api_keys import ApiKeyRow, to_key
from adapters.sql.ids import as_hex, id_list, is_one_of
from adapters.sql.memberships import MemberRow
from adapters.sql.model import Model
from adapters.sql.prepared import Prepared
from adapters.sql.service_accounts import ServiceAccountRow, to_service_account
from adapters.sql.sessions import SessionRow, to_session
from adapters.sql.standings import PermissionsText, Rank, rank, requires_second_factor, standing_in
from application.ports.access import Access, Asked
from domain.access import Place, Subject
from domain.accounts import AccountState
from domain.api_keys import KeyKind
from domain.kernel import AccountId, ActorId, ApiKeyId, OrganizationId, SessionId

Columns = Sequence[ColumnElement[Any]]

_ACCOUNT, _SESSION = bindparam("of_account", type_=Uuid()), bindparam("of_session", type_=Uuid())
_OWNER, _KEY = bindparam("of_owner", type_=Uuid()), bindparam("of_key", type_=Uuid())
_ORGANIZATION, _OTHER = bindparam("of_organization", type_=Uuid()), bindparam("of_other", type_=Uuid())


def _columns(model: type[Model], *known: str) -> Columns:
    """All but the first ones, which are known."""
    return [column for column in model.__table__.columns if column.name not in known]


_OF_SESSION, _OF_ACCOUNT = _columns(SessionRow, "account_id", "id"), _columns(AccountRow, "id")
_OF_SERVICE_ACCOUNT = _columns(ServiceAccountRow, "organization_id", "id")
_OF_KEY = [
    cast(column, PermissionsText()) if column.name == "scopes" else column
    for column in _columns(ApiKeyRow, "owner_id", "id", "kind")
]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where what belongs together stands in a row. A part that was not asked for is empty."""

    presented: slice
    """The session or the key,"""
    holder: slice
    """whose it is,"""
    here: slice
    """their rank in the organization,"""
    other: slice
    """and who else is asked about."""

    @classmethod
    def of(cls, presented: Columns, holder: Columns) -> "_Layout":
        ends = accumulate((len(presented), len(holder), 1, 3), initial=0)
        return cls(*(slice(start, end) for start, end in pairwise(ends)))


def _materialized(statement: Select[Any], name: str) -> CTE:
    return statement.cte(name).prefix_with("MATERIALIZED", dialect="postgresql")


_HERE = _materialized(
    select(rank(MemberRow.role, _ORGANIZATION).label("rank")).where(
        MemberRow.organization_id == _ORGANIZATION, MemberRow.account_id == _ACCOUNT
    ),
    "here",
)


def _places(is_member: ColumnElement[bool], is_program: ColumnElement[bool]) -> Subquery:
    """Members and service accounts alike."""
    member = MemberRow.organization_id, MemberRow.account_id.label("id"), MemberRow.role, false().label("is_program")
    program = ServiceAccountRow.organization_id, ServiceAccountRow.id, ServiceAccountRow.role, true()
    return union_all(select(*member).where(is_member), select(*program).where(is_program)).subquery("place")


_PLACE = _places(
    and_(MemberRow.organization_id == _ORGANIZATION, MemberRow.account_id == _OTHER),
    and_(ServiceAccountRow.organization_id == _ORGANIZATION, ServiceAccountRow.id == _OTHER),
)
_THEIRS = _materialized(
    select(_PLACE.c.is_program, rank(_PLACE.c.role, _ORGANIZATION).label("rank")),
    "theirs",
)
_OTHER_ACCOUNT = _materialized(select(AccountRow.state).where(AccountRow.id == _OTHER), "other_account")


def _of(part: CTE) -> Columns:
    """By themselves, not by a join, which PostgreSQL would plan with all other columns."""
    return [select(column).scalar_subquery() for column in part.c]


def _with_other(statement: Select[Any]) -> Select[Any]:
    """Beside whoever calls: the place of who is asked about, and how their account is if it is one."""
    return statement.add_columns(*_of(_THEIRS), *_of(_OTHER_ACCOUNT))


_SIGNED_IN = (
    select(*_OF_SESSION, *_OF_ACCOUNT)
    .join_from(SessionRow, AccountRow, SessionRow.account_id == AccountRow.id)
    .where(SessionRow.account_id == _ACCOUNT, SessionRow.id == _SESSION)
)
_SIGNED_IN_HERE = _SIGNED_IN.add_columns(*_of(_HERE))
_BY_SESSION = Prepared(_SIGNED_IN)
_BY_SESSION_HERE = Prepared(_SIGNED_IN_HERE)
_BY_SESSION_WITH_OTHER = Prepared(_with_other(_SIGNED_IN_HERE))

_PERSONAL = (
    select(*_OF_KEY, *_OF_ACCOUNT)
    .join_from(ApiKeyRow, AccountRow, AccountRow.id == _OWNER)
    .where(ApiKeyRow.owner_id == _OWNER, ApiKeyRow.id == _KEY, ApiKeyRow.kind == KeyKind.PERSONAL.value)
)
_IS_PROGRAM = and_(ServiceAccountRow.organization_id == _OWNER, ServiceAccountRow.id == ApiKeyRow.service_account_id)
_SERVICE = (
    select(*_OF_KEY, *_OF_SERVICE_ACCOUNT)
    .join_from(ApiKeyRow, ServiceAccountRow, _IS_PROGRAM)
    .where(ApiKeyRow.owner_id == _OWNER, ApiKeyRow.id == _KEY, ApiKeyRow.kind == KeyKind.SERVICE.value)
)
_RANK_OF_OWNER = select(rank(MemberRow.role, MemberRow.organization_id)).where(
    MemberRow.organization_id == ApiKeyRow.organization_id, MemberRow.account_id == _OWNER
)
# A call outside organizations asks only whether that of the key is live. That the membership is there goes without
# asking, for it takes its keys with it.
_OUTSIDE = {
    KeyKind.PERSONAL: _PERSONAL.add_columns(requires_second_factor(ApiKeyRow.organization_id)),
    KeyKind.SERVICE: _SERVICE.add_columns(requires_second_factor(_OWNER)),
}
_INSIDE = {
    KeyKind.PERSONAL: _PERSONAL.add_columns(_RANK_OF_OWNER.scalar_subquery()),
    KeyKind.SERVICE: _SERVICE.add_columns(rank(ServiceAccountRow.role, _OWNER)),
}
_BY_KEY = {kind: Prepared(statement) for kind, statement in _OUTSIDE.items()}
_BY_KEY_HERE = {kind: Prepared(statement) for kind, statement in _INSIDE.items()}
_BY_KEY_WITH_OTHER = {kind: Prepared(_with_other(statement)) for kind, statement in _INSIDE.items()}

_LAYOUT = _Layout.of(_OF_SESSION, _OF_ACCOUNT)
_LAYOUT_OF_KEY = {
    KeyKind.PERSONAL: _Layout.of(_OF_KEY, _OF_ACCOUNT),
    KeyKind.SERVICE: _Layout.of(_OF_KEY, _OF_SERVICE_ACCOUNT),
}

# Everybody in every organization: more than was asked, but a list of pairs would be planned pair by pair. Accounts lie
# on other shards than their places, which are found first.
_ORGANIZATIONS, _OTHERS = id_list("of_organizations"), id_list("of_others")
_ASKED = _places(
    and_(is_one_of(MemberRow.organization_id, _ORGANIZATIONS), is_one_of(MemberRow.account_id, _OTHERS)),
    and_(is_one_of(ServiceAccountRow.organization_id, _ORGANIZATIONS), is_one_of(ServiceAccountRow.id, _OTHERS)),
)
_PLACES = Prepared(
    select(
        as_hex(_ASKED.c.organization_id),
        as_hex(_ASKED.c.id),
        _ASKED.c.is_program,
        rank(_ASKED.c.role, _ASKED.c.organization_id),
    )
)
_ASKED_ACCOUNTS: Columns = [as_hex(AccountRow.id), AccountRow.__table__.c.state]
_STATES = Prepared(select(*_ASKED_ACCOUNTS).where(is_one_of(AccountRow.id, _OTHERS)))


@dataclass(frozen=True, slots=True)
class SqlAccess(Access):
    connection: Connection

    def by_session(
        self,
        account_id: AccountId,
        session_id: SessionId,
        *,
        organization_id: OrganizationId | None = None,
        other_id: ActorId | None = None,
    ) -> tuple[Subject, Place | None] | None:
        asked = {"of_account": account_id, "of_session": session_id}
        if organization_id is None:
            row = _BY_SESSION.first(self.connection, asked)
        elif other_id is None:
            row = _BY_SESSION_HERE.first(self.connection, {**asked, "of_organization": organization_id})
        else:
            about = {"of_organization": organization_id, "of_other": other_id}
            row = _BY_SESSION_WITH_OTHER.first(self.connection, {**asked, **about})
        if row is None:
            return None
        session = to_session((account_id, session_id, *row[_LAYOUT.presented]))
        account = to_account((account_id, *row[_LAYOUT.holder]))
        standing = standing_in(organization_id, *row[_LAYOUT.here])
        subject = Subject(session=session, account=account, standing=standing)
        return subject, _place(organization_id, *row[_LAYOUT.other])

    def by_key(
        self,
        kind: KeyKind,
        owner_id: UUID,
        id: ApiKeyId,
        *,
        organization_id: OrganizationId | None = None,
        other_id: ActorId | None = None,
    ) -> tuple[Subject, Place | None] | None:
        asked: dict[str, UUID] = {"of_owner": owner_id, "of_key": id}
        if organization_id is None:
            row = _BY_KEY[kind].first(self.connection, asked)
        elif other_id is None:
            row = _BY_KEY_HERE[kind].first(self.connection, asked)
        else:
            about = {"of_organization": organization_id, "of_other": other_id}
            row = _BY_KEY_WITH_OTHER[kind].first(self.connection, {**asked, **about})
        if row is None:
            return None
        layout = _LAYOUT_OF_KEY[kind]
        key, [here] = to_key((owner_id, id, kind.value, *row[layout.presented])), row[layout.here]
        if key.organization_id and here is None:
            return None
        standing = standing_in(key.organization_id, here) if organization_id else None
        if kind is KeyKind.PERSONAL:
            subject = Subject(key=key, account=to_account((owner_id, *row[layout.holder])), standing=standing)
        else:
            program = to_service_account((owner_id, key.service_account_id, *row[layout.holder]))
            subject = Subject(key=key, service_account=program, standing=standing)
        return subject, _place(organization_id, *row[layout.other])

    def places(self, asked: Collection[Asked]) -> Mapping[Asked, Place]:
        # By text, which is cheaper to compare than ids are.
        pairs = {(organization_id.hex, id.hex): (organization_id, id) for organization_id, id in asked}
        organizations, others = {here for here, _ in pairs}, {id for _, id in pairs}
        rows = _PLACES.all(self.connection, {"of_organizations": organizations, "of_others": others})
        found = [row for row in rows if (row[0], row[1]) in pairs]
        people = {id for _, id, is_program, _ in found if not is_program}
        states = {row[0]: row[1] for row in _STATES.all(self.connection, {"of_others": people})} if people else {}
        places = (
            (pairs[here, id], _place(pairs[here, id][0], is_program, rank, states.get(id)))
            for here, id, is_program, rank in found
        )
        return {pair: place for pair, place in places if place}


def _place(
    organization_id: OrganizationId | None,
    is_program: bool | None = None,
    rank: Rank | None = None,
    account_state: str | None = None,
) -> Place | None:
    """None of who does not belong there, and of a member whose account is gone."""
    standing = standing_in(organization_id, rank)
    if standing is None:
        return None
    if is_program:
        return Place(standing, None)
    return Place(standing, AccountState(account_state)) if account_state else None
