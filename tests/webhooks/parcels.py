from datetime import UTC, datetime
from uuid import UUID, uuid4

from adapters.webhooks.courier import HttpCourier
from application.ports.webhooks import Parcel, Receipt
from domain.kernel import DeliveryId, WebhookId

ENDPOINT = WebhookId(UUID(int=7))
SECRET = b"one secret of thirty-two bytes.."
PATIENCE = 20.0


def a_parcel(
    url: str, *, body: bytes = b'{"type":"member.added"}', at: datetime | None = None, secrets: tuple[bytes, ...] = ()
) -> Parcel:
    return Parcel(
        owner_id=UUID(int=1),
        endpoint_id=ENDPOINT,
        delivery_id=DeliveryId(uuid4()),
        aggregate_id=UUID(int=2),
        url=url,
        message_id=str(uuid4()),
        at=at or datetime.now(UTC),
        body=body,
        secrets=secrets or (SECRET,),
    )


def called(courier: HttpCourier, url: str) -> Receipt:
    """The receipt of a call that is made alone."""
    courier.send(a_parcel(url))
    (receipt,) = courier.returned(wait=PATIENCE)
    return receipt
