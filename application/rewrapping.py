"""After a change of secret: what was sealed under an old one is sealed under the present one."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from application.ports.security import SealBroken, SecretHasher, Vault
from application.ports.unit_of_work import Begin
from application.retrying import Retrying
from application.second_factors import totp_row
from domain.kernel import AccountId, WebhookId
from domain.second_factors import SecondFactors
from domain.webhooks import WebhookEndpoint, WebhookNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapped:
    """Of the accounts of one batch."""

    apps: int
    """Whose authenticator app, or the enrolment of one, was sealed anew."""
    broken: tuple[AccountId, ...]
    """Whose secret could not be opened. Nothing of theirs was changed."""
    with_old_codes: int
    """Whose recovery codes still need an old secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RewrapFactors:
    """Seal the secrets of all authenticator apps under the present secret; the old one can then be dropped.

    Recovery codes cannot follow: only keyed hashes of them are kept. Account by account, each in a short transaction,
    so that everybody goes on signing in, and a second call goes on where one was interrupted.
    """

    autocommit: Begin
    unit_of_work: Begin
    vault: Vault
    secret_hasher: SecretHasher
    batch: int = 500

    def __call__(self) -> Iterator[Rewrapped]:
        after: str | None = None
        while True:
            with self.autocommit() as database:
                page, after = database.second_factors.page(limit=self.batch, after=after)
            yield self._rewrapped(page)
            if after is None:
                return

    def _rewrapped(self, page: list[SecondFactors]) -> Rewrapped:
        apps, broken = 0, []
        for factors in page:
            try:
                if self._is_outdated(factors):
                    apps += Retrying(self.of)(factors.account_id)
            except SealBroken:
                broken.append(factors.account_id)
        with_old_codes = sum(any(map(self.secret_hasher.is_outdated, each.recovery_hashes)) for each in page)
        return Rewrapped(apps=apps, broken=tuple(broken), with_old_codes=with_old_codes)

    def _is_outdated(self, factors: SecondFactors) -> bool:
        return any(map(self.vault.is_outdated, factors.sealed_secrets))

    def of(self, account_id: AccountId) -> bool:
        """Whether there was anything to seal anew. Raise SealBroken; then nothing is changed."""
        with self.unit_of_work() as uow:
            uow.accounts.lock(account_id)  # first, as every change of factors does
            factors = uow.second_factors.lock(account_id)
            if is_outdated := self._is_outdated(factors):
                row = totp_row(account_id)
                rewrapped = factors.rewrap(lambda sealed: self.vault.seal(self.vault.open(sealed, row=row), row=row))
                uow.second_factors.save(rewrapped)
        return is_outdated


@dataclass(frozen=True, slots=True, kw_only=True)
class RewrappedWebhooks:
    """Of one batch."""

    webhooks: int
    broken: tuple[WebhookId, ...]
    """Whose secret could not be opened. Nothing of theirs was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RewrapWebhooks:
    """Seal the secrets of all webhooks under the present secret, each in a short transaction; receivers notice
    nothing."""

    autocommit: Begin
    unit_of_work: Begin
    vault: Vault
    batch: int = 500

    def __call__(self) -> Iterator[RewrappedWebhooks]:
        after: str | None = None
        while True:
            with self.autocommit() as database:
                page, after = database.webhooks.page(limit=self.batch, after=after)
            yield self._rewrapped(page)
            if after is None:
                return

    def _rewrapped(self, page: list[WebhookEndpoint]) -> RewrappedWebhooks:
        webhooks, broken = 0, []
        for endpoint in page:
            try:
                if self._is_outdated(endpoint):
                    webhooks += Retrying(self.of)(endpoint.owner_id, endpoint.id)
            except SealBroken:
                broken.append(endpoint.id)
        return RewrappedWebhooks(webhooks=webhooks, broken=tuple(broken))

    def _is_outdated(self, endpoint: WebhookEndpoint) -> bool:
        return any(map(self.vault.is_outdated, endpoint.kept_secrets))

    def of(self, owner_id: UUID, id: WebhookId) -> bool:
        """Whether there was anything to seal anew. Raise SealBroken; then nothing is changed."""
        with self.unit_of_work() as uow:
            try:
                endpoint = uow.webhooks.lock(owner_id, id)
            except WebhookNotFound:
                return False
            if is_outdated := self._is_outdated(endpoint):
                row = endpoint.secret_row
                uow.webhooks.save(
                    endpoint.rewrap(lambda sealed: self.vault.seal(self.vault.open(sealed, row=row), row=row))
                )
        return is_outdated
