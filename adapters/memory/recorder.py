"""What a unit of work writes last: the events that its aggregates recorded, and their entries in the audit trail."""

import os
from dataclasses import dataclass, field
from uuid import UUID

from adapters.memory.audit import EntryKey, PersonalKey
from adapters.memory.outbox import EventKey
from application.occasion import occasion
from application.ports.environment import Ids
from application.ports.outbox import OutboxEvent
from domain.audit import AuditEntry, Happening, Personal
from domain.kernel import Aggregate


@dataclass(frozen=True, slots=True)
class Recorder:
    ids: Ids
    events: dict[EventKey, OutboxEvent]
    entries: dict[EntryKey, AuditEntry]
    personal: dict[PersonalKey, Personal]
    happenings: list[Happening] = field(default_factory=list)

    def emit(self, owner_id: UUID, aggregate_id: UUID, aggregate: Aggregate) -> None:
        for event in aggregate.events:
            id, data = self.ids.new(), event.data()
            self.events[owner_id, id] = OutboxEvent(
                id=id,
                owner_id=owner_id,
                aggregate_id=aggregate_id,
                version=aggregate.version,
                name=event.name,
                data=data,
                at=event.at,
                schema_version=event.schema_version,
            )
            self.note(Happening.of_event(event.name, data, aggregate_id=aggregate_id, at=event.at))

    def note(self, happening: Happening) -> None:
        turn = len(self.happenings)
        self.happenings.append(happening)
        entry = AuditEntry.of(happening, occasion(), turn=turn, random=os.urandom(24))
        self.entries[entry.chain_id, entry.id] = entry.without_personal()
        if entry.personal:
            self.personal[entry.personal_of, entry.id] = entry.personal


def refuse_events(owner_id: UUID, aggregate_id: UUID, aggregate: Aggregate) -> None:  # noqa: ARG001 (an Emit)
    if aggregate.events:
        raise RuntimeError("What records events needs a unit of work.")


def refuse_notes(happening: Happening) -> None:  # noqa: ARG001
    raise RuntimeError("What leaves an entry in the audit trail needs a unit of work.")
