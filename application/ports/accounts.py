from collections.abc import Collection, Mapping
from typing import Protocol

from domain.accounts import Account, AccountState, EmailAddress
from domain.kernel import AccountId


class Accounts(Protocol):
    def add(self, account: Account) -> None:
        """Raise EmailTaken if another account holds the address."""

    def get(self, id: AccountId) -> Account:
        """Raise AccountNotFound."""

    def lock(self, id: AccountId) -> Account:
        """Like `get`; until the end of the transaction nobody else may lock or save it."""

    def some(self, ids: Collection[AccountId]) -> Mapping[AccountId, Account]:
        """Those of them that there are, in one query."""

    def find_by_email(self, email: EmailAddress) -> Account | None: ...

    def save(self, account: Account) -> None:
        """Raise Stale if it was saved since it was read, EmailTaken if another account holds its new address."""

    def page(
        self, *, limit: int, after: str | None, prefix: str | None, state: AccountState | None
    ) -> tuple[list[Account], str | None]:
        """At most `limit` accounts, and where the next page starts.

        By age, oldest first; with an address `prefix` by address. `after` is what an earlier call of the same
        prefix and state returned; anything else raises CursorInvalid.
        """


class Operators(Protocol):
    """The active accounts with operator rights. There are few, and each change locks them all."""

    def all(self) -> list[AccountId]:
        """Oldest first."""

    def add(self, id: AccountId) -> None:
        """Nothing happens if it is one already."""

    def remove(self, id: AccountId) -> None:
        """Nothing happens if it is none. Raise LastOperator if no other would remain."""
