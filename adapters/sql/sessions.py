from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    ForeignKey,
    String,
    and_,
    bindparam,
    delete,
    insert,
    not_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.accounts import AccountRow
from adapters.sql.model import Model
from adapters.sql.prepared import Prepared
from adapters.sql.statements import one_page, swept, without_key
from application.ports.outbox import Emit
from application.ports.pages import id_of
from application.ports.sessions import Sessions
from domain.kernel import AccountId, SessionId, Stale
from domain.sessions import Client, EndReason, Session, SessionPolicy, to_the_hour


class SessionRow(Model):
    __tablename__ = "sessions"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(AccountRow.id), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    authenticated_at: Mapped[datetime]
    amr: Mapped[str] = mapped_column(String(100))
    aal: Mapped[int]
    generation: Mapped[int]
    rotated_at: Mapped[datetime]
    replays: Mapped[int]
    user_agent: Mapped[str] = mapped_column(String(256))
    network: Mapped[str] = mapped_column(String(64))
    last_seen_at: Mapped[datetime]
    idle_expires_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    idle_expiry_hour: Mapped[datetime] = mapped_column(index=True)
    """For the sweep. It changes once an hour: an index on the exact time would make PostgreSQL write to every index
    of the table at every refresh (no HOT update)."""


def to_row(session: Session) -> dict[str, Any]:
    return {
        "account_id": session.account_id,
        "id": session.id,
        "created_at": session.created_at,
        "authenticated_at": session.authenticated_at,
        "amr": " ".join(session.amr),
        "aal": session.aal,
        "generation": session.generation,
        "rotated_at": session.rotated_at,
        "replays": session.replays,
        "user_agent": session.user_agent,
        "network": session.network,
        "last_seen_at": session.last_seen_at,
        "idle_expires_at": session.idle_expires_at,
        "expires_at": session.expires_at,
        "idle_expiry_hour": to_the_hour(session.idle_expires_at),
    }


def to_session(row: Sequence[Any]) -> Session:
    """`row` holds the columns of SessionRow in their order: by position, because every request comes through here."""
    (
        account_id,
        id,
        created_at,
        authenticated_at,
        amr,
        aal,
        generation,
        rotated_at,
        replays,
        user_agent,
        network,
        last_seen_at,
        idle_expires_at,
        expires_at,
        _,
    ) = row
    return Session(
        id=id,
        account_id=account_id,
        created_at=created_at,
        authenticated_at=authenticated_at,
        amr=tuple(amr.split()),
        aal=aal,
        generation=generation,
        rotated_at=rotated_at,
        replays=replays,
        user_agent=user_agent,
        network=network,
        last_seen_at=last_seen_at,
        idle_expires_at=idle_expires_at,
        expires_at=expires_at,
    )


# What every refresh runs is built once: building costs as much as running.
_THIS = and_(SessionRow.account_id == bindparam("of_account"), SessionRow.id == bindparam("of_session"))
_NOW = bindparam("now", type_=SessionRow.rotated_at.type)
_ADVANCE = Prepared(
    update(SessionRow)
    .where(
        _THIS,
        SessionRow.generation == bindparam("of_generation"),
        SessionRow.idle_expires_at > _NOW,
        SessionRow.expires_at > _NOW,
    )
    .values(
        generation=SessionRow.generation + 1,
        replays=0,
        rotated_at=_NOW,
        user_agent=bindparam("seen_user_agent"),
        network=bindparam("seen_network"),
        last_seen_at=bindparam("seen_hour"),
        idle_expires_at=bindparam("idle_until"),
        idle_expiry_hour=bindparam("idle_until_hour"),
    )
    .returning(SessionRow.__table__)
)


def _is_live(at: datetime) -> ColumnElement[bool]:
    return and_(SessionRow.idle_expires_at > at, SessionRow.expires_at > at)


@dataclass(frozen=True, slots=True)
class SqlSessions(Sessions):
    connection: Connection
    emit: Emit

    def add(self, session: Session) -> None:
        self.connection.execute(insert(SessionRow), to_row(session))
        self.note(session)

    def find(self, account_id: AccountId, id: SessionId) -> Session | None:
        session = select(SessionRow.__table__).where(_THIS)
        row = self.connection.execute(session, {"of_account": account_id, "of_session": id}).first()
        return to_session(row) if row else None

    def advance(
        self,
        account_id: AccountId,
        id: SessionId,
        *,
        generation: int,
        client: Client,
        policy: SessionPolicy,
        at: datetime,
    ) -> Session | None:
        idle_expires_at = at + policy.idle
        advanced = _ADVANCE.first(
            self.connection,
            {
                "of_account": account_id,
                "of_session": id,
                "of_generation": generation,
                "now": at,
                "seen_user_agent": client.user_agent,
                "seen_network": client.network,
                "seen_hour": to_the_hour(at),
                "idle_until": idle_expires_at,
                "idle_until_hour": to_the_hour(idle_expires_at),
            },
        )
        return to_session(advanced) if advanced else None

    def save(self, session: Session) -> None:
        saved = (
            update(SessionRow)
            .where(_THIS, SessionRow.generation == session.generation - 1)
            .values(without_key(SessionRow, to_row(session)))
        )
        this = {"of_account": session.account_id, "of_session": session.id}
        if not self.connection.execute(saved, this).rowcount:
            raise Stale
        self.note(session)

    def count_replay(self, account_id: AccountId, id: SessionId, *, generation: int, most: int) -> bool:
        counted = (
            update(SessionRow)
            .where(_THIS, SessionRow.generation == generation, SessionRow.replays < most)
            .values(replays=SessionRow.replays + 1)
        )
        return self.connection.execute(counted, {"of_account": account_id, "of_session": id}).rowcount == 1

    def note(self, session: Session) -> None:
        self._emit(session, version=session.generation)

    def remove(self, session: Session) -> bool:
        removed = self.connection.execute(
            delete(SessionRow).where(_THIS), {"of_account": session.account_id, "of_session": session.id}
        )
        if not removed.rowcount:
            return False
        self._emit(session, version=session.generation + 1)
        return True

    def page(
        self, account_id: AccountId, *, limit: int, after: str | None, at: datetime
    ) -> tuple[list[Session], str | None]:
        live = select(SessionRow.__table__).where(SessionRow.account_id == account_id, _is_live(at))
        if after is not None:
            live = live.where(SessionRow.id < id_of(after))
        newest_first = live.order_by(SessionRow.id.desc())
        return one_page(self.connection, newest_first, to_session, lambda session: str(session.id), limit=limit)

    def end_all(self, account_id: AccountId, reason: EndReason, *, keep: SessionId | None = None, at: datetime) -> int:
        ended = delete(SessionRow).where(SessionRow.account_id == account_id)
        if keep is not None:
            ended = ended.where(SessionRow.id != keep)
        rows = self.connection.execute(ended.returning(SessionRow.__table__)).all()
        self._note_end(rows, reason, at)
        return len(rows)

    def make_room(self, account_id: AccountId, *, most: int, at: datetime) -> None:
        of_account = SessionRow.account_id == account_id
        self.connection.execute(delete(SessionRow).where(of_account, not_(_is_live(at))))
        excess = select(SessionRow.id).where(of_account).order_by(SessionRow.id.desc()).offset(most)
        gave_way = delete(SessionRow).where(of_account, SessionRow.id.in_(excess)).returning(SessionRow.__table__)
        self._note_end(self.connection.execute(gave_way).all(), EndReason.GAVE_WAY, at)

    def sweep(self, *, at: datetime, limit: int) -> int:
        # One after the other: no index serves both conditions at once.
        idle = (SessionRow.idle_expiry_hour <= at, SessionRow.idle_expires_at <= at)
        removed = swept(self.connection, SessionRow, *idle, oldest=SessionRow.idle_expiry_hour, limit=limit)
        old = SessionRow.expires_at <= at
        return removed + swept(self.connection, SessionRow, old, oldest=SessionRow.expires_at, limit=limit - removed)

    def _note_end(self, rows: Sequence[Sequence[Any]], reason: EndReason, at: datetime) -> None:
        for session in sorted(map(to_session, rows), key=lambda session: session.id):
            self._emit(session.end(reason, at=at), version=session.generation + 1)

    def _emit(self, session: Session, *, version: int) -> None:
        """The generation is what counts the saves of a session."""
        self.emit(session.account_id, session.id, replace(session, version=version))
