from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from application.ports.sequence import Sequences
from domain.sequence import Sequence


@dataclass(frozen=True, slots=True)
class MemorySequences(Sequences):
    rows: dict[None, Sequence]

    def get(self) -> Sequence:
        return self.rows.get(None, Sequence())

    def take(self, holder: UUID, *, lease: timedelta, at: datetime) -> Sequence | None:
        taken = self.get().taken(holder, lease=lease, at=at)
        if taken:
            self.rows[None] = taken
        return taken

    def advance(self, sequence: Sequence) -> None:
        self.rows[None] = replace(self.get(), position=sequence.position)

    def forget(self, through: int) -> None:
        self.rows[None] = replace(self.get(), forgotten=max(through, self.get().forgotten))
