from dataclasses import dataclass, replace

from adapters.memory.rows import page_by_id
from application.ports.outbox import Emit
from application.ports.second_factors import SecondFactorsOf
from domain.kernel import AccountId
from domain.second_factors import SecondFactors


@dataclass(frozen=True, slots=True)
class MemorySecondFactors(SecondFactorsOf):
    rows: dict[AccountId, SecondFactors]
    emit: Emit

    def find(self, account_id: AccountId) -> SecondFactors | None:
        return self.rows.get(account_id)

    def page(self, *, limit: int, after: str | None) -> tuple[list[SecondFactors], str | None]:
        return page_by_id(self.rows.values(), lambda factors: factors.account_id, limit=limit, after=after)

    def lock(self, account_id: AccountId) -> SecondFactors:
        return self.rows.get(account_id) or SecondFactors(account_id=account_id)

    def save(self, factors: SecondFactors) -> None:
        saved = replace(factors, version=factors.version + 1)
        self.rows[factors.account_id] = replace(saved, events=())
        self.emit(factors.account_id, factors.id, saved)
