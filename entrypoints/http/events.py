"""The event feed: what a backend follows, and waits for."""

import asyncio
from typing import Annotated, Self
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from application.events import Followed, FollowEvents
from application.ports.outbox import OutboxEvent
from domain.access import Actor, Principal, SessionRequired
from domain.accounts import OperatorRequired
from domain.kernel import CursorInvalid
from domain.permissions import EVENTS_READ
from domain.sequence import CursorExpired
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.head import Head
from entrypoints.http.operations import operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import Limit, Timestamp, answer, from_cursor, to_cursor

routes = router("events", prefix="/v1/events")

_LONGEST_WAIT = 30


class EventOut(BaseModel):
    """What the data of each type looks like stands in docs/events.schema.json."""

    id: UUID = Field(description="The same wherever the event is told, in a webhook for example.")
    type: str = Field(examples=["member.added"])
    schema_version: int = Field(description="Of the data. A new field leaves it, so ignore what you do not know.")
    at: Timestamp
    aggregate_id: UUID = Field(description="What it happened to.")
    aggregate_version: int = Field(description="Orders the events of an aggregate, together with their ids.")
    organization_id: UUID | None = Field(description="Whose event it is; null if it belongs to no organization.")
    data: dict[str, str | int | bool | None]

    @classmethod
    def of(cls, event: OutboxEvent) -> Self:
        is_of_organization = event.data.get("organization_id") == str(event.owner_id)
        return cls(
            id=event.id,
            type=event.name,
            schema_version=event.schema_version,
            at=event.at,
            aggregate_id=event.aggregate_id,
            aggregate_version=event.version,
            organization_id=event.owner_id if is_of_organization else None,
            data=event.data,
        )


class EventPage(BaseModel):
    """Events, oldest first."""

    items: list[EventOut]
    next_cursor: str = Field(description="Where to go on, also after an empty page. Keep it with what you did.")

    @classmethod
    def of(cls, followed: Followed) -> Self:
        return cls(
            items=[EventOut.of(event) for event in followed.events],
            next_cursor=to_cursor(str(followed.position)) or "",
        )


@routes.get(
    "",
    response_model=EventPage,
    summary="Follow what happens",
    **operation(
        FollowEvents,
        CursorInvalid,
        CursorExpired,
        SessionRequired,
        OperatorRequired,
        needs=EVENTS_READ,
        keys=True,
        body=False,
    ),
)
async def follow_events(
    caller: Caller,
    follow: Annotated[FollowEvents, use(lambda c: c.follow_events())],
    after: Annotated[
        str | None, Query(max_length=512, description="The `next_cursor` of the answer before; else from the oldest.")
    ] = None,
    limit: Limit = 50,
    wait: Annotated[
        int, Query(ge=0, le=_LONGEST_WAIT, description="Seconds to wait for an event if there is none.")
    ] = 0,
    organization_id: Annotated[
        UUID | None,
        Query(description="Whose events. A key that was made for an organization reads that one's anyhow."),
    ] = None,
) -> Response:
    """On the event loop: whoever waits holds neither a thread nor a connection."""

    def read(after: str | None) -> Followed:
        return follow(reader=_reader(caller, organization_id), after=after, limit=limit)

    now = asyncio.get_running_loop().time
    end = now() + wait
    page = await asyncio.to_thread(read, from_cursor(after))
    while not page.events and now() < end and await _is_news(caller, page, timeout=end - now()):
        # Who calls is asked anew: a right that was taken away while they waited is gone.
        page = await asyncio.to_thread(read, str(page.position))
    return answer(EventPage.of(page))


def _reader(caller: Caller, organization_id: UUID | None) -> Actor | Principal:
    if organization_id is None:
        subject = caller.subject()
        if subject.key is None or subject.key.organization_id is None:
            return subject.person()
        organization_id = subject.key.organization_id
    return caller.actor(organization_id)


async def _is_news(caller: Caller, page: Followed, *, timeout: float) -> bool:
    """False as well if the client hangs up: what is left of its call ends then."""
    head: Head = caller.app.state.head
    waiting = asyncio.create_task(head.moved(page.owner_id, beyond=page.position, timeout=timeout))
    hanging_up = asyncio.create_task(caller.hung_up())
    try:
        await asyncio.wait({waiting, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
        return waiting.done() and waiting.result()
    finally:
        waiting.cancel()
        hanging_up.cancel()
