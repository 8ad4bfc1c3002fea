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
    """Keeps them until the unit of work commits: nobody in it can count on them, as on no other adapter."""

    ids: Ids
    events: list[OutboxEvent] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)

    def emit(self, owner_id: UUID, aggregate_id: UUID, aggregate: Aggregate) -> None:
        for event in aggregate.events:
            data = event.data()
            self.events.append(
                OutboxEvent(
                    id=self.ids.new(),
                    owner_id=owner_id,
                    aggregate_id=aggregate_id,
                    version=aggregate.version,
                    name=event.name,
                    data=data,
                    at=event.at,
                    schema_version=event.schema_version,
                )
            )
            self.note(Happening.of_event(event.name, data, aggregate_id=aggregate_id, at=event.at))

    def note(self, happening: Happening) -> None:
        self.happenings.append(happening)

    def write(
        self,
        events: dict[EventKey, OutboxEvent],
        entries: dict[EntryKey, AuditEntry],
        personal: dict[PersonalKey, Personal],
    ) -> None:
        events.update({(event.owner_id, event.id): event for event in self.events})
        now = occasion()
        for turn, happening in enumerate(self.happenings):
            entry = AuditEntry.of(happening, now, turn=turn, random=os.urandom(24))
            entries[entry.chain_id, entry.id] = entry.without_personal()
            if entry.personal:
                personal[entry.personal_of, entry.id] = entry.personal


def refuse_events(owner_id: UUID, aggregate_id: UUID, aggregate: Aggregate) -> None:  # noqa: ARG001 (an Emit)
    if aggregate.events:
        raise RuntimeError("What records events needs a unit of work.")


def refuse_notes(happening: Happening) -> None:  # noqa: ARG001
    raise RuntimeError("What leaves an entry in the audit trail needs a unit of work.")
