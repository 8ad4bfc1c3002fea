"""Recovery codes: they stand in, once each, for a factor that was lost."""

import re
from dataclasses import dataclass

from application.access import lock_owner
from application.notices import notify
from application.ports.environment import Clock, Ids, Secrets
from application.ports.security import SecretHasher
from application.ports.unit_of_work import Begin
from domain.access import Principal
from domain.assurance import AssurancePolicy
from domain.mail import MailKind
from domain.second_factors import RECOVERY_CODES, NoFactor

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 letters and digits that nobody takes for one another."""
_LENGTH = 24
"""Of 5 bits each: 120 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeRecoveryCodes:
    """Ten new recovery codes, shown once; the old ones are void."""

    unit_of_work: Begin
    secrets: Secrets
    secret_hasher: SecretHasher
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal) -> list[str]:
        """Raise StepUpRequired, NoFactor if there is nothing that they could stand in for."""
        now = self.clock.now()
        principal.must_be_fresh(self.assurance, at=now)
        codes = [self._new() for _ in range(RECOVERY_CODES)]
        hashes = tuple(self.secret_hasher.hash(normalised_recovery_code(code)) for code in codes)
        with self.unit_of_work() as uow:
            account = lock_owner(uow, principal, at=now)
            if not account.has_second_factor:
                raise NoFactor
            factors = uow.second_factors.lock(account.id)
            uow.second_factors.save(factors.with_recovery_codes(hashes, at=now))
            notify(uow, MailKind.FACTORS_CHANGED, account, ids=self.ids, at=now)
        return codes

    def _new(self) -> str:
        letters = "".join(_ALPHABET[byte & 31] for byte in self.secrets.new(_LENGTH))
        return "-".join(letters[at : at + 6] for at in range(0, _LENGTH, 6))


def normalised_recovery_code(code: str) -> str:
    """As people copy it: with any hyphens and spaces, in either case."""
    return re.sub(r"[\s-]", "", code).upper()
