from typing import Protocol

from domain.kernel import AccountId
from domain.second_factors import SecondFactors


class SecondFactorsOf(Protocol):
    def find(self, account_id: AccountId) -> SecondFactors | None: ...

    def lock(self, account_id: AccountId) -> SecondFactors:
        """Fresh ones where there were none; until the end of the transaction nobody else may lock or save them."""

    def save(self, factors: SecondFactors) -> None:
        """Write what was locked in this transaction, and what it recorded."""

    def remove(self, account_id: AccountId) -> None:
        """Without a word: the account is closed, or its first proof removed what was planted."""
