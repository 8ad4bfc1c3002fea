"""The transaction: what commits together."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from application.ports.access import Access
from application.ports.accounts import Accounts, Operators
from application.ports.api_keys import ApiKeys
from application.ports.attempts import Attempts
from application.ports.audit import AuditTrail, Chains
from application.ports.catalogue import Catalogues
from application.ports.challenges import Challenges
from application.ports.claims import Claims
from application.ports.deliveries import Deliveries
from application.ports.email_changes import EmailChanges
from application.ports.email_codes import EmailCodes
from application.ports.invitations import Invitations
from application.ports.mail import MailQueue
from application.ports.memberships import Memberships
from application.ports.organizations import Organizations
from application.ports.outbox import Outbox
from application.ports.passkeys import Passkeys
from application.ports.password_resets import PasswordResets
from application.ports.roles import Roles
from application.ports.second_factors import SecondFactorsOf
from application.ports.sequence import Sequences
from application.ports.service_accounts import ServiceAccounts
from application.ports.sessions import Sessions
from application.ports.signing_keys import SigningKeys
from application.ports.trusted_devices import TrustedDevices
from application.ports.webhooks import WebhookEndpoints


class UnitOfWork(Protocol):
    """The repositories of one transaction. What their aggregates recorded is written in it as well."""

    @property
    def accounts(self) -> Accounts: ...
    @property
    def operators(self) -> Operators: ...
    @property
    def claims(self) -> Claims: ...
    @property
    def password_resets(self) -> PasswordResets: ...
    @property
    def email_changes(self) -> EmailChanges: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def access(self) -> Access: ...
    @property
    def catalogue(self) -> Catalogues: ...
    @property
    def organizations(self) -> Organizations: ...
    @property
    def memberships(self) -> Memberships: ...
    @property
    def roles(self) -> Roles: ...
    @property
    def invitations(self) -> Invitations: ...
    @property
    def service_accounts(self) -> ServiceAccounts: ...
    @property
    def api_keys(self) -> ApiKeys: ...
    @property
    def second_factors(self) -> SecondFactorsOf: ...
    @property
    def passkeys(self) -> Passkeys: ...
    @property
    def challenges(self) -> Challenges: ...
    @property
    def email_codes(self) -> EmailCodes: ...
    @property
    def trusted_devices(self) -> TrustedDevices: ...
    @property
    def attempts(self) -> Attempts: ...
    @property
    def mail(self) -> MailQueue: ...
    @property
    def signing_keys(self) -> SigningKeys: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def audit(self) -> AuditTrail: ...
    @property
    def chains(self) -> Chains: ...
    @property
    def sequence(self) -> Sequences: ...
    @property
    def webhooks(self) -> WebhookEndpoints: ...
    @property
    def deliveries(self) -> Deliveries: ...


Begin = Callable[[], AbstractContextManager[UnitOfWork]]
"""Opens a unit of work: commits on a clean exit, rolls back on an exception."""


class Persistence(Protocol):
    """What a persistence adapter is: swapped by one line (docs/swap-persistence.md)."""

    def unit_of_work(self) -> AbstractContextManager[UnitOfWork]:
        """A transaction. Raise TransactionFailed where running again is safe, Unavailable if the database is out of
        reach."""

    def autocommit(self) -> AbstractContextManager[UnitOfWork]:
        """Each call of a repository stands alone, and is durable when it returns: for reads, and for a change that
        is one statement. What records events needs a unit of work."""

    def problem(self) -> str | None:
        """What keeps it from serving, for `/health/ready`: 'database', 'schema' or None."""

    def now(self) -> datetime:
        """The time by the database's own clock, in UTC."""

    def findings(self) -> list[str]:
        """What is wrong in the data, in words, for `portico doctor`: references across shards that lead nowhere."""

    def close(self) -> None:
        """Give back what it holds."""


class TransactionFailed(Exception):
    """Nothing was committed (a serialization failure, a deadlock, a lost connection): running again is safe."""


class Unavailable(Exception):
    """Nothing can be done now; whether what was asked happened may be unknown."""
