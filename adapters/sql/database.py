"""Persistence in SQL: PostgreSQL, or an SQLite file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from adapters.sql.access import SqlAccess
from adapters.sql.accounts import SqlAccounts, SqlOperators
from adapters.sql.api_keys import SqlApiKeys
from adapters.sql.attempts import SqlAttempts
from adapters.sql.audit import SqlAuditTrail
from adapters.sql.catalogue import SqlCatalogues
from adapters.sql.chains import SqlChains
from adapters.sql.challenges import SqlChallenges
from adapters.sql.checks import strays
from adapters.sql.claims import SqlClaims
from adapters.sql.deliveries import SqlDeliveries
from adapters.sql.email_changes import SqlEmailChanges
from adapters.sql.email_codes import SqlEmailCodes
from adapters.sql.engine import gateway
from adapters.sql.failures import failures_told
from adapters.sql.invitations import SqlInvitations
from adapters.sql.mail import SqlMailQueue
from adapters.sql.memberships import SqlMemberships
from adapters.sql.model import UtcDateTime
from adapters.sql.organizations import SqlOrganizations
from adapters.sql.outbox import SqlOutbox
from adapters.sql.passkeys import SqlPasskeys
from adapters.sql.password_resets import SqlPasswordResets
from adapters.sql.recorder import Recorder, refuse_events, refuse_notes
from adapters.sql.roles import SqlRoles
from adapters.sql.second_factors import SqlSecondFactors
from adapters.sql.sequence import SqlSequences
from adapters.sql.service_accounts import SqlServiceAccounts
from adapters.sql.sessions import SqlSessions
from adapters.sql.signing_keys import SqlSigningKeys
from adapters.sql.trusted_devices import SqlTrustedDevices
from adapters.sql.webhooks import SqlWebhookEndpoints
from application.ports.environment import Ids
from application.ports.outbox import Emit
from application.ports.unit_of_work import Persistence, UnitOfWork
from domain.audit import Happening

SCHEMA_HEAD = "0004"
"""The migration that this code needs; workers import no Alembic to ask it."""


@dataclass(frozen=True, slots=True)
class SqlUnitOfWork(UnitOfWork):
    connection: Connection
    emit: Emit
    note: Callable[[Happening], None]

    @property
    def accounts(self) -> SqlAccounts:
        return SqlAccounts(self.connection, self.emit)

    @property
    def operators(self) -> SqlOperators:
        return SqlOperators(self.connection)

    @property
    def claims(self) -> SqlClaims:
        return SqlClaims(self.connection, self.emit)

    @property
    def password_resets(self) -> SqlPasswordResets:
        return SqlPasswordResets(self.connection)

    @property
    def email_changes(self) -> SqlEmailChanges:
        return SqlEmailChanges(self.connection, self.emit)

    @property
    def sessions(self) -> SqlSessions:
        return SqlSessions(self.connection, self.emit)

    @property
    def access(self) -> SqlAccess:
        return SqlAccess(self.connection)

    @property
    def catalogue(self) -> SqlCatalogues:
        return SqlCatalogues(self.connection)

    @property
    def organizations(self) -> SqlOrganizations:
        return SqlOrganizations(self.connection, self.emit)

    @property
    def memberships(self) -> SqlMemberships:
        return SqlMemberships(self.connection, self.emit)

    @property
    def roles(self) -> SqlRoles:
        return SqlRoles(self.connection, self.emit)

    @property
    def invitations(self) -> SqlInvitations:
        return SqlInvitations(self.connection, self.emit)

    @property
    def service_accounts(self) -> SqlServiceAccounts:
        return SqlServiceAccounts(self.connection, self.emit)

    @property
    def api_keys(self) -> SqlApiKeys:
        return SqlApiKeys(self.connection, self.emit)

    @property
    def second_factors(self) -> SqlSecondFactors:
        return SqlSecondFactors(self.connection, self.emit)

    @property
    def passkeys(self) -> SqlPasskeys:
        return SqlPasskeys(self.connection, self.emit)

    @property
    def challenges(self) -> SqlChallenges:
        return SqlChallenges(self.connection)

    @property
    def email_codes(self) -> SqlEmailCodes:
        return SqlEmailCodes(self.connection)

    @property
    def trusted_devices(self) -> SqlTrustedDevices:
        return SqlTrustedDevices(self.connection)

    @property
    def attempts(self) -> SqlAttempts:
        return SqlAttempts(self.connection)

    @property
    def mail(self) -> SqlMailQueue:
        return SqlMailQueue(self.connection)

    @property
    def signing_keys(self) -> SqlSigningKeys:
        return SqlSigningKeys(self.connection, self.emit)

    @property
    def outbox(self) -> SqlOutbox:
        return SqlOutbox(self.connection)

    @property
    def audit(self) -> SqlAuditTrail:
        return SqlAuditTrail(self.connection, self.note)

    @property
    def chains(self) -> SqlChains:
        return SqlChains(self.connection)

    @property
    def sequence(self) -> SqlSequences:
        return SqlSequences(self.connection)

    @property
    def webhooks(self) -> SqlWebhookEndpoints:
        return SqlWebhookEndpoints(self.connection, self.emit)

    @property
    def deliveries(self) -> SqlDeliveries:
        return SqlDeliveries(self.connection)


class SqlDatabase(Persistence):
    """The database at `url` (`postgresql://…` or `sqlite:///file`), already migrated.

    `pool_size` connections serve the whole process; who waits longer than `pool_timeout` seconds for one gets
    Unavailable.
    """

    def __init__(self, url: str, *, ids: Ids, pool_size: int = 8, pool_timeout: float = 5.0) -> None:
        self._ids = ids
        self._gateway = gateway(url, pool_size=pool_size, pool_timeout=pool_timeout)

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        recorder = Recorder(self._ids)
        with failures_told(in_transaction=True), self._gateway.begin() as connection:
            yield SqlUnitOfWork(connection, recorder.emit, recorder.note)
            recorder.write(connection)

    @contextmanager
    def autocommit(self) -> Iterator[UnitOfWork]:
        with failures_told(in_transaction=False), self._gateway.alone() as connection:
            yield SqlUnitOfWork(connection, refuse_events, refuse_notes)

    def problem(self) -> str | None:
        try:
            with self._gateway.alone() as connection:
                if not inspect(connection).has_table("alembic_version"):
                    return "schema"
                heads = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
        except SQLAlchemyError:
            return "database"
        return None if heads == [SCHEMA_HEAD] else "schema"

    def now(self) -> datetime:
        with failures_told(in_transaction=False), self._gateway.alone() as connection:
            now = connection.execute(select(func.current_timestamp(type_=UtcDateTime))).scalar_one()
        return now.replace(tzinfo=UTC) if now.tzinfo is None else now  # SQLite names no zone, and means UTC

    def findings(self) -> list[str]:
        with failures_told(in_transaction=False), self._gateway.alone() as connection:
            return list(strays(connection))

    def close(self) -> None:
        self._gateway.engine.dispose()
