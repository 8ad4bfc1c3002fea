from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.memory.rows import sweep
from application.ports.backlog import Backlog
from application.ports.mail import MailQueue
from domain.accounts import EmailAddress
from domain.kernel import AddressDigest, Stale
from domain.mail import MailKind, MailPolicy, QueuedMail

MailKey = tuple[AddressDigest, str]


@dataclass(frozen=True, slots=True)
class MemoryMailQueue(MailQueue):
    rows: dict[MailKey, QueuedMail]

    def put(self, mail: QueuedMail) -> None:
        self.rows[mail.address_digest, mail.slot] = replace(mail, ids=dict(mail.ids), events=())

    def request(
        self, kind: MailKind, to: EmailAddress, *, ids: Mapping[str, str], policy: MailPolicy, at: datetime
    ) -> QueuedMail:
        mail = QueuedMail.capped(kind, to, ids=ids, at=at)
        before = self.rows.get((mail.address_digest, mail.slot))
        if before:
            again = before.requested_again(to, ids=ids, policy=policy, at=at)
            mail = replace(again, version=before.version + 1)
        self.put(mail)
        return mail

    def lease(self, *, limit: int, lease: timedelta, at: datetime) -> list[QueuedMail]:
        due = [mail for mail in self.rows.values() if mail.due_at is not None and mail.due_at <= at]
        due.sort(key=lambda mail: (mail.due_at, mail.address_digest, mail.slot))
        leased = [replace(mail, due_at=at + lease, version=mail.version + 1) for mail in due[:limit]]
        for mail in leased:
            self.put(mail)
        return leased

    def settle(self, mail: QueuedMail) -> None:
        before = self.rows.get((mail.address_digest, mail.slot))
        if before is None or before.version != mail.version:
            raise Stale
        self.put(replace(mail, version=mail.version + 1))

    def of_address(self, email: EmailAddress) -> list[QueuedMail]:
        kept = (mail for mail in self.rows.values() if mail.address_digest == email.digest)
        return sorted(kept, key=lambda mail: (mail.scheduled_at, mail.slot), reverse=True)[:100]

    def backlog(self) -> Backlog:
        return Backlog.of(mail.due_at for mail in self.rows.values() if mail.due_at is not None)

    def sweep(self, *, before: datetime, limit: int) -> int:
        return sweep(self.rows, lambda mail: mail.due_at is None and mail.scheduled_at < before, limit=limit)
