from dataclasses import dataclass, replace

from application.ports.outbox import Emit
from application.ports.signing_keys import SigningKeys
from domain.kernel import KeyId, Stale
from domain.signing_keys import SigningKey


@dataclass(frozen=True, slots=True)
class MemorySigningKeys(SigningKeys):
    rows: dict[KeyId, SigningKey]
    emit: Emit

    def all(self) -> list[SigningKey]:
        return sorted(self.rows.values(), key=lambda key: key.id)

    def lock(self) -> list[SigningKey]:
        return self.all()

    def add(self, key: SigningKey) -> None:
        self.rows[key.id] = replace(key, events=())
        self.emit(key.id, key.id, key)

    def save(self, key: SigningKey) -> None:
        before = self.rows.get(key.id)
        if before is None or before.version != key.version:
            raise Stale
        saved = replace(key, version=key.version + 1)
        self.rows[key.id] = replace(saved, events=())
        self.emit(key.id, key.id, saved)
