"""How sure a session is of its owner, and what must be proved anew before something sensitive (ASVS 7.5.1)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.accounts import Account
from domain.kernel import Forbidden
from domain.sessions import Session


class StepUpRequired(Forbidden):
    """The session is not sure enough of its owner, or no longer: prove it at POST /v1/sessions/current/step-up."""

    code = "step_up_required"

    def __init__(self, *, aal: int, max_age: timedelta | None, has_second_factor: bool) -> None:
        self.aal, self.max_age = aal, max_age
        self.is_enrolment_due = aal >= 2 and not has_second_factor
        super().__init__(
            "This needs a second factor, and you have none yet: enrol one first."
            if self.is_enrolment_due
            else "Prove once more who you are, at POST /v1/sessions/current/step-up."
        )

    def members(self) -> dict[str, object]:
        return {
            "required": {
                "acr": f"aal{self.aal}",
                "max_age": None if self.max_age is None else int(self.max_age.total_seconds()),
            },
            "enrol_first": self.is_enrolment_due,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AssurancePolicy:
    fresh_for: timedelta = timedelta(minutes=15)
    operators_need_second_factor: bool = True


def must_be_fresh(session: Session, account: Account, *, policy: AssurancePolicy, at: datetime) -> None:
    """Raise StepUpRequired unless the owner proved themselves a short while ago; with a factor enrolled, by that."""
    aal = 2 if account.has_second_factor else 1
    if session.aal < aal or at - session.authenticated_at > policy.fresh_for:
        raise StepUpRequired(aal=aal, max_age=policy.fresh_for, has_second_factor=account.has_second_factor)


def lacks_second_factor(session: Session, account: Account) -> bool:
    """Below AAL 2, or there by a factor that has been removed since: a password would keep the session fresh."""
    return session.aal < 2 or not account.has_second_factor


def must_have_second_factor(session: Session, account: Account) -> None:
    """Raise StepUpRequired without one, however long ago it was proved."""
    if lacks_second_factor(session, account):
        raise StepUpRequired(aal=2, max_age=None, has_second_factor=account.has_second_factor)
