from dataclasses import dataclass, replace
from datetime import datetime

from adapters.memory.rows import sweep
from application.ports.email_changes import EmailChanges
from application.ports.outbox import Emit
from domain.email_changes import EmailChange
from domain.kernel import AccountId, EmailChangeId


@dataclass(frozen=True, slots=True)
class MemoryEmailChanges(EmailChanges):
    rows: dict[AccountId, EmailChange]
    emit: Emit

    def put(self, change: EmailChange) -> None:
        self.rows[change.account_id] = replace(change, events=())
        self.emit(change.account_id, change.id, change)

    def find(self, account_id: AccountId, *, at: datetime) -> EmailChange | None:
        change = self.rows.get(account_id)
        return change if change and at < change.expires_at else None

    def take(self, account_id: AccountId, id: EmailChangeId, *, at: datetime) -> EmailChange | None:
        change = self.find(account_id, at=at)
        if change is None or change.id != id:
            return None
        del self.rows[account_id]
        return change

    def void(self, account_id: AccountId) -> None:
        self.rows.pop(account_id, None)

    def sweep(self, *, at: datetime, limit: int) -> int:
        return sweep(self.rows, lambda change: change.expires_at <= at, limit=limit)
