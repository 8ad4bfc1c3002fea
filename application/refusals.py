"""Refusals that matter are remembered: they change nothing, so that no event tells of them.

The name of such an entry has no dot: it is what was tried, not what happened.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.occasion import occasion
from application.ports.environment import Clock
from application.ports.unit_of_work import Begin
from application.remembering import remember
from domain.attempts import TooManyAttempts
from domain.audit import Happening, Outcome
from domain.kernel import AccountId, DomainError, Forbidden
from domain.second_factors import FactorWrong


def refused(
    action: str, error: type[DomainError], account_id: AccountId | None, *, target_id: UUID | None = None, at: datetime
) -> Happening:
    """What was tried on an account. One on an address without an account goes to the installation's chain and names
    nothing at all: a digest of the address could be guessed back, and a chain of its own would be a row for ever that
    any stranger can cause."""
    return Happening(
        action=action,
        at=at,
        outcome=Outcome.REFUSED,
        code=error.code,
        about=account_id,
        target_id=target_id or account_id,
    )


def remember_failure(
    begin: Begin,
    action: str,
    error: type[DomainError],
    account_id: AccountId | None,
    *,
    target_id: UUID | None = None,
    blocks: bool = False,
    at: datetime,
) -> None:
    """What could be judged only after the transaction that counted it: a hash is never made while one is open.

    `blocks` says that with this failure a delay begins. What is refused during the delay leaves nothing more: a
    stranger could fill the trail with it.
    """
    errors = (error, TooManyAttempts) if blocks else (error,)
    remember(begin, *(refused(action, each, account_id, target_id=target_id, at=at) for each in errors))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefusal:
    """Whoever is known and may not leaves an entry: in the organization that they belong to and asked about, or else
    with themselves."""

    unit_of_work: Begin
    clock: Clock

    def __call__(self, *, action: str, error: DomainError, target_id: UUID | None = None) -> None:
        """`action` is the operation that was called, `target_id` what it was to act on. Nothing is done where
        `is_due` says no."""
        if not self.is_due(error):
            return
        who = occasion()
        happening = Happening(
            action=action,
            at=self.clock.now(),
            outcome=Outcome.REFUSED,
            code=error.code,
            about=who.actor_id,
            target_id=target_id,
            organization_id=who.organization_id,
            details={name: said for name, said in error.members().items() if isinstance(said, str | bool)},
        )
        remember(self.unit_of_work, happening)

    def is_due(self, error: DomainError) -> bool:
        """Not for a factor: who judged it has remembered it, together with the count of failures."""
        return isinstance(error, Forbidden) and not isinstance(error, FactorWrong) and occasion().actor_id is not None
