from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Index, Select, String, delete, false, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model, bytewise
from adapters.sql.statements import claimed, one_page, without_key
from application.ports.accounts import Accounts, Operators
from application.ports.outbox import Emit
from application.ports.pages import id_of
from domain.accounts import Account, AccountNotFound, AccountState, EmailAddress, EmailTaken, LastOperator
from domain.kernel import AccountId, CursorInvalid, Stale


class IdentifierRow(Model):
    """What an account signs in with; unique over all shards, and therefore a row of its own."""

    __tablename__ = "identifiers"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    value: Mapped[str] = mapped_column(String(254), primary_key=True)
    account_id: Mapped[UUID]


class AccountRow(Model):
    __tablename__ = "accounts"
    __table_args__ = (
        Index(None, "email"),
        Index(None, "state", "email"),
        Index(None, "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(bytewise(254))
    email_verified_at: Mapped[datetime | None]
    display_name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(String(255))
    credentials_epoch: Mapped[int]
    is_operator: Mapped[bool]
    has_second_factor: Mapped[bool] = mapped_column(server_default=false())
    state: Mapped[str] = mapped_column(String(16))
    state_since: Mapped[datetime]
    created_at: Mapped[datetime]
    version: Mapped[int]


class OperatorRow(Model):
    """The active operators, once more: few rows, the same on every shard."""

    __tablename__ = "operators"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)


def to_identifier(account: Account) -> dict[str, Any]:
    return {"kind": "email", "value": account.email.value, "account_id": account.id}


def to_row(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email.value,
        "email_verified_at": account.email_verified_at,
        "display_name": account.display_name,
        "password_hash": account.password_hash,
        "credentials_epoch": account.credentials_epoch,
        "is_operator": account.is_operator,
        "has_second_factor": account.has_second_factor,
        "state": account.state.value,
        "state_since": account.state_since,
        "created_at": account.created_at,
        "version": account.version,
    }


def to_account(row: Sequence[Any]) -> Account:
    """`row` holds the columns of AccountRow in their order: by position, because every request comes through here."""
    (
        id,
        email,
        email_verified_at,
        display_name,
        password_hash,
        credentials_epoch,
        is_operator,
        has_second_factor,
        state,
        state_since,
        created_at,
        version,
    ) = row
    return Account(
        id=id,
        email=EmailAddress(email),
        email_verified_at=email_verified_at,
        display_name=display_name,
        password_hash=password_hash,
        credentials_epoch=credentials_epoch,
        is_operator=is_operator,
        has_second_factor=has_second_factor,
        state=AccountState(state),
        state_since=state_since,
        created_at=created_at,
        version=version,
    )


@dataclass(frozen=True, slots=True)
class SqlAccounts(Accounts):
    connection: Connection
    emit: Emit

    def add(self, account: Account) -> None:
        self._claim_address(account)
        self.connection.execute(insert(AccountRow), to_row(account))
        self.emit(account.id, account.id, account)

    def get(self, id: AccountId) -> Account:
        return self._the_one(select(AccountRow.__table__).where(AccountRow.id == id))

    def lock(self, id: AccountId) -> Account:
        # FOR NO KEY UPDATE, as a save takes it: a session that refers to the account need not wait.
        return self._the_one(select(AccountRow.__table__).where(AccountRow.id == id).with_for_update(key_share=True))

    def some(self, ids: Collection[AccountId]) -> Mapping[AccountId, Account]:
        accounts = map(to_account, self.connection.execute(select(AccountRow.__table__).where(AccountRow.id.in_(ids))))
        return {account.id: account for account in accounts}

    def find_by_email(self, email: EmailAddress) -> Account | None:
        # Not a join: the two tables lie on different shards.
        holder = select(IdentifierRow.account_id).where(
            IdentifierRow.kind == "email", IdentifierRow.value == email.value
        )
        account = select(AccountRow.__table__).where(AccountRow.id == holder.scalar_subquery())
        row = self.connection.execute(account).first()
        return to_account(row) if row else None

    def save(self, account: Account) -> None:
        stored = (AccountRow.id == account.id, AccountRow.version == account.version)
        before = self.connection.scalar(select(AccountRow.email).where(*stored))
        if before is not None and before != account.email.value:
            self._change_address(before, account)
        saved = replace(account, version=account.version + 1)
        changed = update(AccountRow).where(*stored).values(without_key(AccountRow, to_row(saved)))
        if not self.connection.execute(changed).rowcount:
            raise Stale
        self.emit(account.id, account.id, saved)

    def page(
        self, *, limit: int, after: str | None, prefix: str | None, state: AccountState | None
    ) -> tuple[list[Account], str | None]:
        accounts = select(AccountRow.__table__)
        if state is not None:
            accounts = accounts.where(AccountRow.state == state.value)
        if prefix is None:
            if after is not None:
                accounts = accounts.where(AccountRow.id > id_of(after))
            return one_page(
                self.connection, accounts.order_by(AccountRow.id), to_account, lambda it: str(it.id), limit=limit
            )
        if after is not None and not (after.startswith(prefix) and after.isprintable()):
            raise CursorInvalid
        if not (prefix.isascii() and prefix.isprintable()):
            return [], None  # no address starts like that, and not everything is text to a database
        # Addresses are printable ASCII: DEL sorts after all that start with the prefix.
        accounts = accounts.where(AccountRow.email >= prefix, AccountRow.email < prefix + "\x7f")
        if after is not None:
            accounts = accounts.where(AccountRow.email > after)
        return one_page(
            self.connection, accounts.order_by(AccountRow.email), to_account, lambda it: it.email.value, limit=limit
        )

    def _the_one(self, statement: Select[Any]) -> Account:
        row = self.connection.execute(statement).first()
        if row is None:
            raise AccountNotFound("There is no such account.")
        return to_account(row)

    def _claim_address(self, account: Account) -> None:
        if not claimed(self.connection, IdentifierRow, to_identifier(account)):
            raise EmailTaken("That address already has an account.")

    def _change_address(self, before: str, account: Account) -> None:
        """A closed account signs in with nothing any more."""
        if account.state is not AccountState.CLOSED:
            self._claim_address(account)
        self.connection.execute(
            delete(IdentifierRow).where(
                IdentifierRow.kind == "email", IdentifierRow.value == before, IdentifierRow.account_id == account.id
            )
        )


@dataclass(frozen=True, slots=True)
class SqlOperators(Operators):
    connection: Connection

    def all(self) -> list[AccountId]:
        ids = self.connection.execute(select(OperatorRow.account_id).order_by(OperatorRow.account_id)).scalars()
        return [AccountId(id) for id in ids]

    def add(self, id: AccountId) -> None:
        claimed(self.connection, OperatorRow, {"account_id": id})

    def remove(self, id: AccountId) -> None:
        everyone = select(OperatorRow.account_id).order_by(OperatorRow.account_id).with_for_update()
        operators = self.connection.execute(everyone).scalars().all()
        if id not in operators:
            return
        if len(operators) == 1:
            raise LastOperator("The installation would be left without an operator: appoint another one first.")
        self.connection.execute(delete(OperatorRow).where(OperatorRow.account_id == id))
