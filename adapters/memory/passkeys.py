from dataclasses import dataclass, replace

from application.ports.outbox import Emit
from application.ports.passkeys import Passkeys
from domain.kernel import AccountId, PasskeyId, Stale
from domain.passkeys import Passkey, PasskeyTaken

PasskeyKey = tuple[AccountId, PasskeyId]


@dataclass(frozen=True, slots=True)
class MemoryPasskeys(Passkeys):
    rows: dict[PasskeyKey, Passkey]
    emit: Emit

    def add(self, passkey: Passkey) -> None:
        if any(kept.credential_id == passkey.credential_id for kept in self.rows.values()):
            raise PasskeyTaken
        self._keep(passkey)

    def all(self, account_id: AccountId) -> list[Passkey]:
        owned = (passkey for key, passkey in self.rows.items() if key[0] == account_id)
        return sorted(owned, key=lambda passkey: passkey.id)

    def find(self, account_id: AccountId, id: PasskeyId) -> Passkey | None:
        return self.rows.get((account_id, id))

    def lock_by_credential(self, account_id: AccountId, credential_id: bytes) -> Passkey | None:
        return next((each for each in self.all(account_id) if each.credential_id == credential_id), None)

    def save(self, passkey: Passkey) -> None:
        before = self.find(passkey.account_id, passkey.id)
        if before is None or before.version != passkey.version:
            raise Stale
        self._keep(replace(passkey, version=passkey.version + 1))

    def remove(self, passkey: Passkey) -> bool:
        if self.rows.pop((passkey.account_id, passkey.id), None) is None:
            return False
        self.emit(passkey.account_id, passkey.id, replace(passkey, version=passkey.version + 1))
        return True

    def remove_all(self, account_id: AccountId) -> None:
        for key in [key for key in self.rows if key[0] == account_id]:
            del self.rows[key]

    def _keep(self, passkey: Passkey) -> None:
        self.rows[passkey.account_id, passkey.id] = replace(passkey, events=())
        self.emit(passkey.account_id, passkey.id, passkey)
