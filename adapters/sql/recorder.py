"""What a unit of work writes last: the events that its aggregates recorded, and their entries in the audit trail."""

import os
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert

from adapters.sql.audit import AuditEntryRow, AuditPersonalRow, to_personal_row, to_row
from adapters.sql.outbox import OutboxRow
from application.occasion import occasion
from application.ports.environment import Ids
from domain.audit import AuditEntry, Happening
from domain.kernel import Aggregate


@dataclass(frozen=True, slots=True)
class Recorder:
    """Keeps them until the unit of work commits: each kind is written in one statement."""

    ids: Ids
    events: list[dict[str, Any]] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)

    def emit(self, owner_id: UUID, aggregate_id: UUID, aggregate: Aggregate) -> None:
        for event in aggregate.events:
            data = event.data()
            self.events.append(
                {
                    "owner_id": owner_id,
                    "id": self.ids.new(),
                    "aggregate_id": aggregate_id,
                    "version": aggregate.version,
                    "name": event.name,
                    "data": data,
                    "at": event.at,
                    "schema_version": event.schema_version,
                }
            )
            self.note(Happening.of_event(event.name, data, aggregate_id=aggregate_id, at=event.at))

    def note(self, happening: Happening) -> None:
        self.happenings.append(happening)

    def write(self, connection: Connection) -> None:
        if self.events:
            connection.execute(insert(OutboxRow), self.events)
        if not self.happenings:
            return
        now = occasion()
        entries = [
            AuditEntry.of(happening, now, turn=turn, random=os.urandom(24))
            for turn, happening in enumerate(self.happenings)
        ]
        connection.execute(insert(AuditEntryRow), [to_row(entry) for entry in entries])
        personal = [to_personal_row(entry.id, entry.personal) for entry in entries if entry.personal]
        if personal:
            connection.execute(insert(AuditPersonalRow), personal)


def refuse_events(owner_id: UUID, aggregate_id: UUID, aggregate: Aggregate) -> None:  # noqa: ARG001 (an Emit)
    """Without a transaction an event could be lost, or tell of what never happened."""
    if aggregate.events:
        raise RuntimeError("What records events needs a unit of work.")


def refuse_notes(happening: Happening) -> None:  # noqa: ARG001
    raise RuntimeError("What leaves an entry in the audit trail needs a unit of work.")
