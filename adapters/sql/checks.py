"""What no foreign key watches over, because it would cross shards (see scale.md): for `portico doctor`.

Each check reads whole tables, over all shards, and is for a person who asked.
"""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, Select, and_, func, not_, select

from adapters.sql.accounts import AccountRow, IdentifierRow, OperatorRow
from domain.accounts import AccountState

_OPEN = AccountRow.state != AccountState.CLOSED.value
_OPERATES = and_(AccountRow.is_operator, AccountRow.state == AccountState.ACTIVE.value)


def strays(connection: Connection) -> Iterator[str]:
    """References that lead nowhere, in words."""
    for count, text in (
        (
            _count(IdentifierRow, not_(_exists(AccountRow, AccountRow.id == IdentifierRow.account_id, _OPEN))),
            "addresses belong to no open account, and nobody can sign up with them",
        ),
        (
            _count(AccountRow, _OPEN, not_(_exists(IdentifierRow, IdentifierRow.value == AccountRow.email))),
            "open accounts have no address to sign in with",
        ),
        (
            _count(OperatorRow, not_(_exists(AccountRow, AccountRow.id == OperatorRow.account_id, _OPERATES))),
            "operators are no active accounts",
        ),
        (
            _count(AccountRow, _OPERATES, not_(_exists(OperatorRow, OperatorRow.account_id == AccountRow.id))),
            "active accounts with operator rights are missing among the operators",
        ),
    ):
        found = connection.execute(count).scalar_one()
        if found:
            yield f"{found} {text}"


def _count(model: type[AccountRow | IdentifierRow | OperatorRow], *where: ColumnElement[bool]) -> Select[int]:
    return select(func.count()).select_from(model).where(*where)


def _exists(model: type[AccountRow | IdentifierRow | OperatorRow], *where: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(model).where(*where).exists()
