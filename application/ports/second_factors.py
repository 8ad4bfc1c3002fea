from typing import Protocol

from domain.kernel import AccountId
from domain.second_factors import SecondFactors


class SecondFactorsOf(Protocol):
    def find(self, account_id: AccountId) -> SecondFactors | None: ...

    def page(self, *, limit: int, after: str | None) -> tuple[list[SecondFactors], str | None]:
        """At most `limit` of all accounts, in the order of their ids, and where the next page starts: it asks every
        shard, and is for whoever runs the installation. Raise CursorInvalid."""

    def lock(self, account_id: AccountId) -> SecondFactors:
        """Fresh ones where there were none; until the end of the transaction nobody else may lock or save them."""

    def save(self, factors: SecondFactors) -> None:
        """Write what was locked in this transaction, and what it recorded."""
