from dataclasses import dataclass, replace
from datetime import datetime

from adapters.memory.rows import first_page, sweep
from application.ports.outbox import Emit
from application.ports.pages import id_of
from application.ports.sessions import Sessions
from domain.kernel import AccountId, SessionId, Stale
from domain.sessions import Client, EndReason, Session, SessionPolicy

SessionKey = tuple[AccountId, SessionId]


@dataclass(frozen=True, slots=True)
class MemorySessions(Sessions):
    rows: dict[SessionKey, Session]
    emit: Emit

    def add(self, session: Session) -> None:
        self._keep(session)

    def find(self, account_id: AccountId, id: SessionId) -> Session | None:
        return self.rows.get((account_id, id))

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
        session = self.rows.get((account_id, id))
        if session is None or session.generation != generation or not session.is_live(at):
            return None
        rotated = session.rotated(client=client, policy=policy, at=at)
        self.rows[account_id, id] = rotated
        return rotated

    def save(self, session: Session) -> None:
        before = self.find(session.account_id, session.id)
        if before is None or before.generation != session.generation - 1:
            raise Stale
        self._keep(session)

    def count_replay(self, account_id: AccountId, id: SessionId, *, generation: int, most: int) -> bool:
        session = self.rows.get((account_id, id))
        if session is None or session.generation != generation or session.replays >= most:
            return False
        self.rows[account_id, id] = replace(session, replays=session.replays + 1)
        return True

    def note(self, session: Session) -> None:
        self._emit(session, version=session.generation)

    def remove(self, session: Session) -> bool:
        if self.rows.pop((session.account_id, session.id), None) is None:
            return False
        self._emit(session, version=session.generation + 1)
        return True

    def page(
        self, account_id: AccountId, *, limit: int, after: str | None, at: datetime
    ) -> tuple[list[Session], str | None]:
        end = None if after is None else id_of(after)
        live = (session for session in self._newest_first(account_id) if session.is_live(at))
        return first_page([s for s in live if end is None or s.id < end], lambda s: str(s.id), limit=limit)

    def end_all(self, account_id: AccountId, reason: EndReason, *, keep: SessionId | None = None, at: datetime) -> int:
        ended = [session for session in self._newest_first(account_id) if session.id != keep]
        for session in ended:
            self.remove(session.end(reason, at=at))
        return len(ended)

    def make_room(self, account_id: AccountId, *, most: int, at: datetime) -> None:
        sessions = self._newest_first(account_id)
        for expired in (session for session in sessions if not session.is_live(at)):
            self.remove(expired)
        for oldest in [session for session in sessions if session.is_live(at)][most:]:
            self.remove(oldest.end(EndReason.GAVE_WAY, at=at))

    def sweep(self, *, at: datetime, limit: int) -> int:
        return sweep(self.rows, lambda session: not session.is_live(at), limit=limit)

    def _keep(self, session: Session) -> None:
        self.rows[session.account_id, session.id] = replace(session, events=())
        self.note(session)

    def _newest_first(self, account_id: AccountId) -> list[Session]:
        owned = (session for key, session in self.rows.items() if key[0] == account_id)
        return sorted(owned, key=lambda session: session.id, reverse=True)

    def _emit(self, session: Session, *, version: int) -> None:
        """The generation is what counts the saves of a session."""
        self.emit(session.account_id, session.id, replace(session, version=version))
