"""Webhooks of the installation, which get all events. Operators keep them."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from application.deliveries import ListDeliveries, Redeliver, TryWebhook
from application.webhooks import (
    ChangeWebhook,
    DeleteWebhook,
    ListWebhooks,
    MakeWebhook,
    RotateWebhookSecret,
    ShowWebhook,
)
from domain.deliveries import DeliveryNotFound, DeliveryPending
from domain.kernel import CursorInvalid
from domain.webhooks import InvalidWebhook, TooManyWebhooks, WebhookDisabled, WebhookNotFound
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import OPERATOR, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import NO_CONTENT, Cursor, Limit, answer, from_cursor, no_content
from entrypoints.http.webhooks import (
    DeliveryOut,
    DeliveryPage,
    NewWebhook,
    WebhookChange,
    WebhookOut,
    WebhookPage,
    WebhookWithSecretOut,
    delivery_page,
    webhook_page,
)

routes = router("operators", prefix="/v1/admin/webhooks")


@routes.get(
    "",
    response_model=WebhookPage,
    summary="List the webhooks of the installation",
    **operation(ListWebhooks, needs=OPERATOR, body=False),
)
def list_global_webhooks(
    caller: Caller, list_webhooks: Annotated[ListWebhooks, use(lambda c: c.list_webhooks())]
) -> Response:
    return webhook_page(list_webhooks(holder=caller.principal()))


@routes.post(
    "",
    status_code=201,
    response_model=WebhookWithSecretOut,
    summary="Make a webhook of the installation",
    **operation(MakeWebhook, InvalidWebhook, TooManyWebhooks, needs=OPERATOR),
)
def make_global_webhook(
    body: NewWebhook, caller: Caller, make: Annotated[MakeWebhook, use(lambda c: c.make_webhook())]
) -> Response:
    made = make(holder=caller.principal(), url=body.url, events=body.events, description=body.description)
    return answer(WebhookWithSecretOut.shown(made), 201, secret=True)


@routes.get(
    "/{webhook_id}",
    response_model=WebhookOut,
    summary="Show a webhook of the installation",
    **operation(ShowWebhook, WebhookNotFound, needs=OPERATOR, body=False),
)
def show_global_webhook(
    webhook_id: UUID, caller: Caller, show: Annotated[ShowWebhook, use(lambda c: c.show_webhook())]
) -> Response:
    return answer(WebhookOut.of(show(holder=caller.principal(), webhook_id=webhook_id)))


@routes.patch(
    "/{webhook_id}",
    response_model=WebhookOut,
    summary="Change a webhook of the installation, or switch it off or on",
    **operation(ChangeWebhook, WebhookNotFound, InvalidWebhook, needs=OPERATOR),
)
def change_global_webhook(
    webhook_id: UUID,
    body: WebhookChange,
    caller: Caller,
    change: Annotated[ChangeWebhook, use(lambda c: c.change_webhook())],
) -> Response:
    changed = change(
        holder=caller.principal(),
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
    summary="Delete a webhook of the installation",
    **operation(DeleteWebhook, WebhookNotFound, needs=OPERATOR, body=False),
)
def delete_global_webhook(
    webhook_id: UUID, caller: Caller, delete: Annotated[DeleteWebhook, use(lambda c: c.delete_webhook())]
) -> Response:
    delete(holder=caller.principal(), webhook_id=webhook_id)
    return no_content()


@routes.post(
    "/{webhook_id}/rotate",
    response_model=WebhookWithSecretOut,
    summary="Give a webhook of the installation a new secret",
    **operation(RotateWebhookSecret, WebhookNotFound, needs=OPERATOR, body=False),
)
def rotate_global_webhook_secret(
    webhook_id: UUID, caller: Caller, rotate: Annotated[RotateWebhookSecret, use(lambda c: c.rotate_webhook_secret())]
) -> Response:
    rotated = rotate(holder=caller.principal(), webhook_id=webhook_id)
    return answer(WebhookWithSecretOut.shown(rotated), secret=True)


@routes.post(
    "/{webhook_id}/test",
    status_code=202,
    response_model=DeliveryOut,
    summary="Send a webhook of the installation a test",
    **operation(TryWebhook, WebhookNotFound, WebhookDisabled, needs=OPERATOR, body=False),
)
def try_global_webhook(
    webhook_id: UUID, caller: Caller, attempt: Annotated[TryWebhook, use(lambda c: c.try_webhook())]
) -> Response:
    return answer(DeliveryOut.of(attempt(holder=caller.principal(), webhook_id=webhook_id)), 202)


@routes.get(
    "/{webhook_id}/deliveries",
    response_model=DeliveryPage,
    summary="List what was sent to a webhook of the installation",
    **operation(ListDeliveries, WebhookNotFound, CursorInvalid, needs=OPERATOR, body=False),
)
def list_global_deliveries(
    webhook_id: UUID,
    caller: Caller,
    list_deliveries: Annotated[ListDeliveries, use(lambda c: c.list_deliveries())],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    deliveries, after = list_deliveries(
        holder=caller.principal(), webhook_id=webhook_id, limit=limit, after=from_cursor(cursor)
    )
    return delivery_page(deliveries, after)


@routes.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    response_model=DeliveryOut,
    summary="Send something to a webhook of the installation once more",
    **operation(
        Redeliver, WebhookNotFound, WebhookDisabled, DeliveryNotFound, DeliveryPending, needs=OPERATOR, body=False
    ),
)
def redeliver_global_event(
    webhook_id: UUID, delivery_id: UUID, caller: Caller, redeliver: Annotated[Redeliver, use(lambda c: c.redeliver())]
) -> Response:
    again = redeliver(holder=caller.principal(), webhook_id=webhook_id, delivery_id=delivery_id)
    return answer(DeliveryOut.of(again), 202)
