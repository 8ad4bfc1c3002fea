"""Webhooks of an organization. Only a signed-in person deals with them, and a secret is shown once; a key may look."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from application.deliveries import ListDeliveries, Redeliver, TryWebhook
from application.webhooks import (
    ChangeWebhook,
    DeleteWebhook,
    ListWebhooks,
    MakeWebhook,
    RotateWebhookSecret,
    ShowWebhook,
    WebhookWithSecret,
)
from domain.assurance import StepUpRequired
from domain.deliveries import Delivery, DeliveryNotFound, DeliveryPending, DeliveryState
from domain.kernel import CursorInvalid
from domain.permissions import WEBHOOKS_MANAGE, WEBHOOKS_READ
from domain.webhooks import (
    EndOfWebhook,
    InvalidWebhook,
    TooManyWebhooks,
    WebhookDisabled,
    WebhookEndpoint,
    WebhookNotFound,
)
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import (
    NO_CONTENT,
    Cursor,
    Input,
    Limit,
    Page,
    Timestamp,
    answer,
    from_cursor,
    no_content,
    to_cursor,
)

routes = router("webhooks", prefix="/v1/organizations/{id}/webhooks")

Url = Annotated[str, StringConstraints(max_length=4000), Field(examples=["https://hooks.example.com/portico"])]
Description = Annotated[str, StringConstraints(max_length=800)]
Wanted = Annotated[
    list[Annotated[str, StringConstraints(max_length=100)]],
    Field(max_length=100, examples=[["member.*", "organization.renamed"]], description="`*` means all."),
]


class WebhookOut(BaseModel):
    id: UUID
    organization_id: UUID | None = Field(description="Whose events it gets; null if it is the installation's.")
    url: str
    description: str
    events: list[str]
    enabled: bool
    disabled_because: EndOfWebhook | None
    disabled_at: Timestamp | None
    failing_since: Timestamp | None = Field(description="When the first call failed after which none succeeded.")
    previous_secret_expires_at: Timestamp | None = Field(description="Calls are signed with both until then.")
    created_by: UUID
    created_at: Timestamp

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> Self:
        return cls(
            id=endpoint.id,
            organization_id=endpoint.organization_id,
            url=endpoint.url,
            description=endpoint.description,
            events=sorted(endpoint.events_wanted.patterns),
            enabled=endpoint.is_active,
            disabled_because=endpoint.disabled_because,
            disabled_at=endpoint.disabled_at,
            failing_since=endpoint.failing_since,
            previous_secret_expires_at=endpoint.previous_expires_at,
            created_by=endpoint.created_by,
            created_at=endpoint.created_at,
        )


class WebhookWithSecretOut(WebhookOut):
    secret: str = Field(repr=False, description="Shown this once. Verify with it that a call comes from here.")

    @classmethod
    def shown(cls, made: WebhookWithSecret) -> Self:
        return cls(**dict(WebhookOut.of(made.endpoint)), secret=made.secret)


class WebhookPage(Page[WebhookOut]):
    """Webhooks, oldest first. There are at most 20, so there is one page."""


class NewWebhook(Input):
    url: Url
    events: Wanted = Field(default_factory=lambda: ["*"])
    description: Description = ""


class WebhookChange(Input):
    url: Url | None = None
    events: Wanted | None = None
    description: Description | None = None
    enabled: bool | None = None


class DeliveryOut(BaseModel):
    id: UUID
    event_id: UUID = Field(description="The `webhook-id` of the call, the same however often it is made.")
    type: str = Field(examples=["member.added"])
    state: DeliveryState
    tries: int
    status: int | None = Field(description="Of the last answer.")
    error: str | None = Field(description="Why there was none, in one permanent word.", examples=["timeout"])
    created_at: Timestamp
    tried_at: Timestamp | None
    settled_at: Timestamp | None = Field(description="When it was delivered or given up.")

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        return cls(
            id=delivery.id,
            event_id=delivery.event_id,
            type=delivery.event_name,
            state=delivery.state,
            tries=delivery.tries,
            status=delivery.status,
            error=delivery.error or None,
            created_at=delivery.created_at,
            tried_at=delivery.tried_at,
            settled_at=delivery.settled_at,
        )


class DeliveryPage(Page[DeliveryOut]):
    """Deliveries, newest first."""


def webhook_page(endpoints: list[WebhookEndpoint]) -> Response:
    return answer(WebhookPage(items=[WebhookOut.of(each) for each in endpoints], next_cursor=None))


def delivery_page(deliveries: list[Delivery], after: str | None) -> Response:
    return answer(DeliveryPage(items=[DeliveryOut.of(each) for each in deliveries], next_cursor=to_cursor(after)))


@routes.get(
    "",
    response_model=WebhookPage,
    summary="List the webhooks",
    **operation(ListWebhooks, needs=WEBHOOKS_READ, keys=True, body=False),
)
def list_webhooks(
    id: UUID, caller: Caller, list_webhooks: Annotated[ListWebhooks, use(lambda c: c.list_webhooks())]
) -> Response:
    return webhook_page(list_webhooks(holder=caller.actor(id)))


@routes.post(
    "",
    status_code=201,
    response_model=WebhookWithSecretOut,
    summary="Make a webhook",
    **operation(MakeWebhook, StepUpRequired, InvalidWebhook, TooManyWebhooks, needs=WEBHOOKS_MANAGE),
)
def make_webhook(
    id: UUID, body: NewWebhook, caller: Caller, make: Annotated[MakeWebhook, use(lambda c: c.make_webhook())]
) -> Response:
    made = make(holder=caller.actor(id), url=body.url, events=body.events, description=body.description)
    return answer(WebhookWithSecretOut.shown(made), 201, secret=True)


@routes.get(
    "/{webhook_id}",
    response_model=WebhookOut,
    summary="Show a webhook",
    **operation(ShowWebhook, WebhookNotFound, needs=WEBHOOKS_READ, keys=True, body=False),
)
def show_webhook(
    id: UUID, webhook_id: UUID, caller: Caller, show: Annotated[ShowWebhook, use(lambda c: c.show_webhook())]
) -> Response:
    return answer(WebhookOut.of(show(holder=caller.actor(id), webhook_id=webhook_id)))


@routes.patch(
    "/{webhook_id}",
    response_model=WebhookOut,
    summary="Change a webhook, or switch it off or on",
    **operation(ChangeWebhook, StepUpRequired, WebhookNotFound, InvalidWebhook, needs=WEBHOOKS_MANAGE),
)
def change_webhook(
    id: UUID,
    webhook_id: UUID,
    body: WebhookChange,
    caller: Caller,
    change: Annotated[ChangeWebhook, use(lambda c: c.change_webhook())],
) -> Response:
    changed = change(
        holder=caller.actor(id),
        webhook_id=webhook_id,
        url=body.url,
        events=body.events,
        description=body.description,
        enabled=body.enabled,
    )
    return answer(WebhookOut.of(changed))


@routes.delete(
    "/{webhook_id}",
    status_code=NO_CONTENT,
    summary="Delete a webhook",
    **operation(DeleteWebhook, StepUpRequired, WebhookNotFound, needs=WEBHOOKS_MANAGE, body=False),
)
def delete_webhook(
    id: UUID, webhook_id: UUID, caller: Caller, delete: Annotated[DeleteWebhook, use(lambda c: c.delete_webhook())]
) -> Response:
    delete(holder=caller.actor(id), webhook_id=webhook_id)
    return no_content()


@routes.post(
    "/{webhook_id}/rotate",
    response_model=WebhookWithSecretOut,
    summary="Give a webhook a new secret",
    **operation(RotateWebhookSecret, StepUpRequired, WebhookNotFound, needs=WEBHOOKS_MANAGE, body=False),
)
def rotate_webhook_secret(
    id: UUID,
    webhook_id: UUID,
    caller: Caller,
    rotate: Annotated[RotateWebhookSecret, use(lambda c: c.rotate_webhook_secret())],
) -> Response:
    rotated = rotate(holder=caller.actor(id), webhook_id=webhook_id)
    return answer(WebhookWithSecretOut.shown(rotated), secret=True)


@routes.post(
    "/{webhook_id}/test",
    status_code=202,
    response_model=DeliveryOut,
    summary="Send a webhook a test",
    **operation(TryWebhook, WebhookNotFound, WebhookDisabled, needs=WEBHOOKS_MANAGE, body=False),
)
def try_webhook(
    id: UUID, webhook_id: UUID, caller: Caller, attempt: Annotated[TryWebhook, use(lambda c: c.try_webhook())]
) -> Response:
    return answer(DeliveryOut.of(attempt(holder=caller.actor(id), webhook_id=webhook_id)), 202)


@routes.get(
    "/{webhook_id}/deliveries",
    response_model=DeliveryPage,
    summary="List what was sent to a webhook",
    **operation(ListDeliveries, WebhookNotFound, CursorInvalid, needs=WEBHOOKS_READ, keys=True, body=False),
)
def list_deliveries(
    id: UUID,
    webhook_id: UUID,
    caller: Caller,
    list_deliveries: Annotated[ListDeliveries, use(lambda c: c.list_deliveries())],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    deliveries, after = list_deliveries(
        holder=caller.actor(id), webhook_id=webhook_id, limit=limit, after=from_cursor(cursor)
    )
    return delivery_page(deliveries, after)


@routes.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    response_model=DeliveryOut,
    summary="Send something to a webhook once more",
    **operation(
        Redeliver,
        WebhookNotFound,
        WebhookDisabled,
        DeliveryNotFound,
        DeliveryPending,
        needs=WEBHOOKS_MANAGE,
        body=False,
    ),
)
def redeliver_event(
    id: UUID,
    webhook_id: UUID,
    delivery_id: UUID,
    caller: Caller,
    redeliver: Annotated[Redeliver, use(lambda c: c.redeliver())],
) -> Response:
    again = redeliver(holder=caller.actor(id), webhook_id=webhook_id, delivery_id=delivery_id)
    return answer(DeliveryOut.of(again), 202)
