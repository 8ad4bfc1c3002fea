"""How the installation stands: what waits, and how far the feed has come. For who watches it."""

from dataclasses import dataclass
from datetime import datetime

from application.ports.backlog import Backlog
from application.ports.environment import Clock
from application.ports.unit_of_work import Begin
from domain.sequence import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    at: datetime
    outbox: Backlog
    audit: Backlog
    mail: Backlog
    lanes: Backlog
    """Of webhooks."""
    sequence: Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadGauges:
    """Each is one query by an index, and is asked only when somebody looks. A new gauge is a field and a line here."""

    autocommit: Begin
    clock: Clock

    def __call__(self) -> Gauges:
        with self.autocommit() as database:
            return Gauges(
                at=self.clock.now(),
                outbox=database.outbox.backlog(),
                audit=database.chains.backlog(),
                mail=database.mail.backlog(),
                lanes=database.deliveries.backlog(),
                sequence=database.sequence.get(),
            )
