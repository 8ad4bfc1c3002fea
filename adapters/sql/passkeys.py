from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    ForeignKey,
    LargeBinary,
    String,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.accounts import AccountRow
from adapters.sql.model import Json, Model
from adapters.sql.statements import claimed, without_key
from application.ports.outbox import Emit
from application.ports.passkeys import Passkeys
from domain.kernel import AccountId, PasskeyId, Stale
from domain.passkeys import Passkey, PasskeyTaken


class PasskeyCredentialRow(Model):
    """Which passkey has the credential; unique over all shards, and therefore a row of its own."""

    __tablename__ = "passkey_credentials"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[UUID]
    passkey_id: Mapped[UUID]


class PasskeyRow(Model):
    __tablename__ = "passkeys"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(AccountRow.id), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    display_name: Mapped[str] = mapped_column(String(100))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    """Authenticators count in 32 bits without a sign."""
    transports: Mapped[list[str]] = mapped_column(Json)
    is_backed_up: Mapped[bool]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    version: Mapped[int]


def to_credential(passkey: Passkey) -> dict[str, Any]:
    return {"digest": passkey.credential_digest, "account_id": passkey.account_id, "passkey_id": passkey.id}


def to_row(passkey: Passkey) -> dict[str, Any]:
    return {
        "account_id": passkey.account_id,
        "id": passkey.id,
        "display_name": passkey.display_name,
        "credential_id": passkey.credential_id,
        "public_key": passkey.public_key,
        "sign_count": passkey.sign_count,
        "transports": list(passkey.transports),
        "is_backed_up": passkey.is_backed_up,
        "created_at": passkey.created_at,
        "last_used_at": passkey.last_used_at,
        "version": passkey.version,
    }


def to_passkey(row: Sequence[Any]) -> Passkey:
    """`row` holds the columns of PasskeyRow in their order."""
    (
        account_id,
        id,
        display_name,
        credential_id,
        public_key,
        sign_count,
        transports,
        is_backed_up,
        created_at,
        last_used_at,
        version,
    ) = row
    return Passkey(
        account_id=account_id,
        id=id,
        display_name=display_name,
        credential_id=credential_id,
        public_key=public_key,
        sign_count=sign_count,
        transports=tuple(transports),
        is_backed_up=is_backed_up,
        created_at=created_at,
        last_used_at=last_used_at,
        version=version,
    )


@dataclass(frozen=True, slots=True)
class SqlPasskeys(Passkeys):
    connection: Connection
    emit: Emit

    def add(self, passkey: Passkey) -> None:
        if not claimed(self.connection, PasskeyCredentialRow, to_credential(passkey)):
            raise PasskeyTaken
        self.connection.execute(insert(PasskeyRow), to_row(passkey))
        self._note(passkey)

    def all(self, account_id: AccountId) -> list[Passkey]:
        owned = select(PasskeyRow.__table__).where(PasskeyRow.account_id == account_id).order_by(PasskeyRow.id)
        return [to_passkey(row) for row in self.connection.execute(owned)]

    def find(self, account_id: AccountId, id: PasskeyId) -> Passkey | None:
        found = select(PasskeyRow.__table__).where(*_is(account_id, id))
        row = self.connection.execute(found).first()
        return to_passkey(row) if row else None

    def lock_by_credential(self, account_id: AccountId, credential_id: bytes) -> Passkey | None:
        # Among the few of the account: where the credential is claimed is another shard.
        found = select(PasskeyRow.__table__).where(
            PasskeyRow.account_id == account_id, PasskeyRow.credential_id == credential_id
        )
        row = self.connection.execute(found.with_for_update(key_share=True)).first()
        return to_passkey(row) if row else None

    def save(self, passkey: Passkey) -> None:
        saved = replace(passkey, version=passkey.version + 1)
        stored = (*_is(passkey.account_id, passkey.id), PasskeyRow.version == passkey.version)
        changed = update(PasskeyRow).where(*stored).values(without_key(PasskeyRow, to_row(saved)))
        if not self.connection.execute(changed).rowcount:
            raise Stale
        self._note(saved)

    def remove(self, passkey: Passkey) -> bool:
        if not self.connection.execute(delete(PasskeyRow).where(*_is(passkey.account_id, passkey.id))).rowcount:
            return False
        self._release([passkey])
        self._note(replace(passkey, version=passkey.version + 1))
        return True

    def remove_all(self, account_id: AccountId) -> None:
        removed = delete(PasskeyRow).where(PasskeyRow.account_id == account_id).returning(PasskeyRow.__table__)
        self._release([to_passkey(row) for row in self.connection.execute(removed)])

    def _release(self, passkeys: Sequence[Passkey]) -> None:
        digests = [passkey.credential_digest for passkey in passkeys]
        if digests:
            self.connection.execute(delete(PasskeyCredentialRow).where(PasskeyCredentialRow.digest.in_(digests)))

    def _note(self, passkey: Passkey) -> None:
        self.emit(passkey.account_id, passkey.id, passkey)


def _is(account_id: AccountId, id: PasskeyId) -> tuple[ColumnElement[bool], ...]:
    return PasskeyRow.account_id == account_id, PasskeyRow.id == id
