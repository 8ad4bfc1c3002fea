from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from adapters.memory.rows import first_page, page_by_id
from application.ports.accounts import Accounts, Operators
from application.ports.outbox import Emit
from domain.accounts import Account, AccountNotFound, AccountState, EmailAddress, EmailTaken, LastOperator
from domain.kernel import AccountId, CursorInvalid, Stale


@dataclass(frozen=True, slots=True)
class MemoryAccounts(Accounts):
    rows: dict[AccountId, Account]
    identifiers: dict[EmailAddress, AccountId]
    emit: Emit

    def add(self, account: Account) -> None:
        self._identify(account)
        self.rows[account.id] = replace(account, events=())
        self.emit(account.id, account.id, account)

    def get(self, id: AccountId) -> Account:
        try:
            return self.rows[id]
        except KeyError:
            raise AccountNotFound("There is no such account.") from None

    def lock(self, id: AccountId) -> Account:
        return self.get(id)

    def some(self, ids: Collection[AccountId]) -> Mapping[AccountId, Account]:
        return {id: self.rows[id] for id in ids if id in self.rows}

    def find_by_email(self, email: EmailAddress) -> Account | None:
        id = self.identifiers.get(email)
        return None if id is None else self.rows[id]

    def save(self, account: Account) -> None:
        before = self.rows.get(account.id)
        if before is None or before.version != account.version:
            raise Stale
        self._identify(account, before)
        saved = replace(account, version=account.version + 1)
        self.rows[account.id] = replace(saved, events=())
        self.emit(account.id, account.id, saved)

    def page(
        self, *, limit: int, after: str | None, prefix: str | None, state: AccountState | None
    ) -> tuple[list[Account], str | None]:
        accounts = [account for account in self.rows.values() if state in (None, account.state)]
        if prefix is None:
            return page_by_id(accounts, lambda account: account.id, limit=limit, after=after)
        if after is not None and not (after.startswith(prefix) and after.isprintable()):
            raise CursorInvalid
        found = (a for a in accounts if a.email.value.startswith(prefix) and (after is None or a.email.value > after))
        by_address = sorted(found, key=lambda account: account.email.value)
        return first_page(by_address, lambda account: account.email.value, limit=limit)

    def _identify(self, account: Account, before: Account | None = None) -> None:
        """What `account` signs in with takes the place of what it signed in with `before`."""
        is_closed = account.state is AccountState.CLOSED
        if not is_closed and self.identifiers.get(account.email, account.id) != account.id:
            raise EmailTaken("That address already has an account.")
        if before:
            self.identifiers.pop(before.email, None)
        if not is_closed:
            self.identifiers[account.email] = account.id


@dataclass(frozen=True, slots=True)
class MemoryOperators(Operators):
    rows: dict[AccountId, None]

    def all(self) -> list[AccountId]:
        return sorted(self.rows)

    def add(self, id: AccountId) -> None:
        self.rows[id] = None

    def remove(self, id: AccountId) -> None:
        if id not in self.rows:
            return
        if len(self.rows) == 1:
            raise LastOperator("The installation would be left without an operator: appoint another one first.")
        del self.rows[id]
