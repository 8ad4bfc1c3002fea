from dataclasses import dataclass, replace
from datetime import datetime

from adapters.memory.rows import sweep
from application.ports.email_codes import EmailCodes
from domain.email_codes import EmailCode
from domain.kernel import AddressDigest, EmailCodeId

EmailCodeKey = tuple[AddressDigest, EmailCodeId]


@dataclass(frozen=True, slots=True)
class MemoryEmailCodes(EmailCodes):
    rows: dict[EmailCodeKey, EmailCode]

    def add(self, code: EmailCode) -> None:
        self.rows[code.email.digest, code.id] = code

    def find(self, digest: AddressDigest, id: EmailCodeId, *, at: datetime) -> EmailCode | None:
        code = self.rows.get((digest, id))
        return code if code and at < code.expires_at else None

    def spend_try(self, digest: AddressDigest, id: EmailCodeId, *, most: int, at: datetime) -> EmailCode | None:
        code = self.find(digest, id, at=at)
        if code is None or code.tries >= most:
            return None
        tried = replace(code, tries=code.tries + 1)
        self.rows[digest, id] = tried
        return tried

    def take(self, digest: AddressDigest, id: EmailCodeId) -> bool:
        return self.rows.pop((digest, id), None) is not None

    def void(self, digest: AddressDigest) -> None:
        for key in [key for key in self.rows if key[0] == digest]:
            del self.rows[key]

    def sweep(self, *, at: datetime, limit: int) -> int:
        return sweep(self.rows, lambda code: code.expires_at <= at, limit=limit)
