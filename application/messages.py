"""What a webhook says: Standard Webhooks' type, timestamp and data, and as data the event as the feed tells it."""

import json
from datetime import UTC, datetime

from application.ports.outbox import OutboxEvent
from domain.deliveries import Delivery


def message(event: OutboxEvent) -> bytes:
    is_of_organization = event.data.get("organization_id") == str(event.owner_id)
    return _written(
        event.name,
        event.at,
        {
            "id": str(event.id),
            "type": event.name,
            "schema_version": event.schema_version,
            "at": _rfc3339(event.at),
            "aggregate_id": str(event.aggregate_id),
            "aggregate_version": event.version,
            "organization_id": str(event.owner_id) if is_of_organization else None,
            "data": event.data,
        },
    )


def trial_message(delivery: Delivery) -> bytes:
    """Nothing happened, so it tells of no event."""
    return _written(delivery.event_name, delivery.created_at, {"webhook_id": str(delivery.endpoint_id)})


def _written(type: str, at: datetime, data: dict[str, object]) -> bytes:
    said = {"type": type, "timestamp": _rfc3339(at), "data": data}
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
