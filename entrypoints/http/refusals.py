"""What was answered with a refusal, and is to be seen afterwards."""

import asyncio
from uuid import UUID

import structlog
from fastapi import Request

from domain.kernel import DomainError


async def remember(request: Request, error: DomainError) -> None:
    """Leave an entry in the audit trail if the refusal matters. It is answered in any case: that its entry could not be
    written, as while the database is away, is the log's to tell."""
    record = request.app.state.container.record_refusal()
    if not record.is_due(error):
        return
    action = request.scope["route"].name
    try:
        await asyncio.to_thread(record, action=action, error=error, target_id=_target(request))
    except Exception:
        structlog.get_logger().exception("audit.refusal_lost", action=action, code=error.code)


def _target(request: Request) -> UUID | None:
    """What the path leads to: the last id in it."""
    for value in reversed(request.path_params.values()):
        try:
            return UUID(str(value))
        except ValueError:
            continue
    return None
