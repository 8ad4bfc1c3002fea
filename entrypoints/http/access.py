"""May somebody do something? Asked by backends, and by whoever wants to know why not."""

from functools import lru_cache
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from application.access import Check, CheckAccess, CheckAccessOfMany, Checked
from domain.access import Because, PermissionDenied, Reason
from domain.kernel import AccountId, OrganizationId
from domain.organizations import OrganizationNotFound
from domain.permissions import PermissionInvalid
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import SUBJECT, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import Input, answer

routes = router("access", prefix="/v1/access")

_MOST_CHECKS = 100


class CheckIn(Input):
    permission: Annotated[str, StringConstraints(max_length=100), Field(examples=["invoices:send"])]
    organization_id: UUID
    resource: Annotated[
        str | None,
        Field(max_length=256, description="Repeated in the answer. Portico knows no single resources."),
    ] = None
    principal_id: Annotated[
        UUID | None,
        Field(description="The account or service account in question; null asks about the caller."),
    ] = None

    def asked(self) -> Check:
        return Check(
            permission=self.permission,
            organization_id=OrganizationId(self.organization_id),
            subject_id=None if self.principal_id is None else AccountId(self.principal_id),
            resource=self.resource,
        )


class ReasonOut(BaseModel):
    code: Because
    detail: str

    @classmethod
    @lru_cache(maxsize=1024)  # a hundred answers share a few
    def of(cls, reason: Reason) -> Self:
        return cls(code=reason.code, detail=reason.detail)


class CheckOut(BaseModel):
    allowed: bool
    because: list[ReasonOut] = Field(description="Every step that led there; the last one decided.")
    permission: str
    organization_id: UUID
    resource: str | None
    principal_id: UUID | None

    @classmethod
    def of(cls, checked: Checked) -> Self:
        check, decision = checked.check, checked.decision
        return cls(
            allowed=decision.allowed,
            because=[ReasonOut.of(reason) for reason in decision.because],
            permission=check.permission,
            organization_id=check.organization_id,
            resource=check.resource,
            principal_id=check.subject_id,
        )


class ChecksIn(Input):
    checks: Annotated[list[CheckIn], Field(min_length=1, max_length=_MOST_CHECKS)]


class ChecksOut(BaseModel):
    results: list[CheckOut] = Field(description="In the order of the checks.")


_REFUSALS = (PermissionInvalid, OrganizationNotFound, PermissionDenied)


@routes.post(
    "/check",
    response_model=CheckOut,
    summary="Ask whether somebody may do something, and why",
    **operation(CheckAccess, *_REFUSALS, needs=SUBJECT, keys=True),
)
def check_access(
    body: CheckIn, caller: Caller, check: Annotated[CheckAccess, use(lambda c: c.check_access())]
) -> Response:
    subject, other = caller.subject_and_other(body.organization_id, body.principal_id)
    return answer(CheckOut.of(check(caller=subject, other=other, check=body.asked())))


@routes.post(
    "/check-many",
    response_model=ChecksOut,
    summary="Ask up to 100 such questions at once",
    **operation(CheckAccessOfMany, *_REFUSALS, needs=SUBJECT, keys=True),
)
def check_access_of_many(
    body: ChecksIn, caller: Caller, check: Annotated[CheckAccessOfMany, use(lambda c: c.check_access_of_many())]
) -> Response:
    checked = check(caller=caller.subject(), checks=[each.asked() for each in body.checks])
    return answer(ChecksOut(results=[CheckOut.of(each) for each in checked]))
