"""Who did what, and what was refused: of an organization for those who may read it, of all for operators."""

import re
from datetime import UTC, datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field
from starlette.responses import Response

from application.audit import Entries, ListAllAuditEntries, ListAuditEntries
from application.ports.audit import EntryFilter
from domain.audit import AuditEntry, Outcome
from domain.kernel import AccountId, CursorInvalid
from domain.permissions import AUDIT_READ
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import OPERATOR, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import Cursor, Limit, Page, Timestamp, answer, from_cursor, to_cursor

routes = router("audit")


_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _as_written(raw: object) -> object:
    """Pydantic would take a number as well, and a time without seconds."""
    if not (isinstance(raw, str) and _RFC3339.fullmatch(raw)):
        raise ValueError("it must be RFC 3339, with an offset: 2026-01-31T08:00:00Z")
    return raw


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("there is no such time in UTC") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_as_written), AfterValidator(_in_utc)]

By = Annotated[UUID | None, Query(description="Only what this account or service account did.")]
Action = Annotated[
    str | None,
    Query(pattern=r"^[a-z0-9_.]{1,64}$", description="Only this action.", examples=["membership.role_changed"]),
]
Target = Annotated[UUID | None, Query(description="Only what was done to this.")]
Since = Annotated[Moment | None, Query(description="Not before this time: RFC 3339, with an offset.")]
Until = Annotated[Moment | None, Query(description="Before this time: RFC 3339, with an offset.")]


class AuditEntryOut(BaseModel):
    id: UUID
    at: Timestamp
    action: str = Field(description="The event, or what was asked for and refused.", examples=["session.started"])
    outcome: Outcome
    code: str | None = Field(description="Of the refusal.")
    actor_id: UUID | None = Field(description="Who did it; null where nobody was known, and for the installation.")
    principal_id: UUID | None = Field(description="Whose rights counted.")
    key_id: UUID | None = Field(description="The API key by which it was done.")
    target_id: UUID | None = Field(description="To what it was done.")
    organization_id: UUID | None
    request_id: str
    details: dict[str, str | int | bool | None]
    network: str | None = Field(description="From where it was done; null once erased, and where nobody called.")
    user_agent: str | None = Field(description="Null once erased, and where nobody called.")
    position: int | None = Field(description="The place in its chain; null until it is sealed.")
    sealed: bool

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        return cls(
            id=entry.id,
            at=entry.at,
            action=entry.action,
            outcome=entry.outcome,
            code=entry.code,
            actor_id=entry.actor_id,
            principal_id=entry.principal_id,
            key_id=entry.key_id,
            target_id=entry.target_id,
            organization_id=entry.organization_id,
            request_id=entry.request_id,
            details=dict(entry.details),
            network=entry.personal.network if entry.personal else None,
            user_agent=entry.personal.user_agent if entry.personal else None,
            position=entry.position,
            sealed=entry.position is not None,
        )


class AuditEntryPage(Page[AuditEntryOut]):
    """Entries of the audit trail, newest first."""


@routes.get(
    "/v1/organizations/{id}/audit",
    response_model=AuditEntryPage,
    summary="Read the audit trail of an organization",
    **operation(ListAuditEntries, CursorInvalid, needs=AUDIT_READ, keys=True, body=False),
)
def list_audit_entries(
    id: UUID,
    caller: Caller,
    list_entries: Annotated[ListAuditEntries, use(lambda c: c.list_audit_entries())],
    actor: By = None,
    action: Action = None,
    target: Target = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    wanted = _wanted(actor, action, target, since, until)
    return _answer(list_entries(actor=caller.actor(id), wanted=wanted, limit=limit, after=from_cursor(cursor)))


@routes.get(
    "/v1/admin/audit",
    response_model=AuditEntryPage,
    summary="Read the audit trail of the installation",
    **operation(ListAllAuditEntries, CursorInvalid, needs=OPERATOR, body=False),
)
def list_all_audit_entries(
    caller: Caller,
    list_entries: Annotated[ListAllAuditEntries, use(lambda c: c.list_all_audit_entries())],
    actor: By = None,
    action: Action = None,
    target: Target = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    wanted = _wanted(actor, action, target, since, until)
    return _answer(list_entries(principal=caller.principal(), wanted=wanted, limit=limit, after=from_cursor(cursor)))


def _wanted(
    actor: UUID | None, action: str | None, target: UUID | None, since: datetime | None, until: datetime | None
) -> EntryFilter:
    actor_id = AccountId(actor) if actor else None
    return EntryFilter(actor_id=actor_id, action=action, target_id=target, since=since, until=until)


def _answer(found: Entries) -> Response:
    entries, after = found
    return answer(AuditEntryPage(items=[AuditEntryOut.of(entry) for entry in entries], next_cursor=to_cursor(after)))
