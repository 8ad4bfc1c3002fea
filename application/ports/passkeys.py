from typing import Protocol

from domain.kernel import AccountId, PasskeyId
from domain.passkeys import Passkey


class Passkeys(Protocol):
    def add(self, passkey: Passkey) -> None:
        """Raise PasskeyTaken if the credential is registered, by whomever."""

    def all(self, account_id: AccountId) -> list[Passkey]:
        """Oldest first. They are few."""

    def find(self, account_id: AccountId, id: PasskeyId) -> Passkey | None: ...

    def lock_by_credential(self, account_id: AccountId, credential_id: bytes) -> Passkey | None:
        """Until the end of the transaction nobody else may lock or save it: its counter is compared and moved."""

    def save(self, passkey: Passkey) -> None:
        """Raise Stale if it was saved since it was read."""

    def remove(self, passkey: Passkey) -> bool:
        """Remove it and write what it recorded. False, and nothing written, if it was gone."""

    def remove_all(self, account_id: AccountId) -> None:
        """Without a word."""
