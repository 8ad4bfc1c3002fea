"""Changing the address of an account."""

from typing import Annotated, Literal

from pydantic import BaseModel
from starlette.responses import Response

from application.email_changes import ConfirmEmailChange, RequestEmailChange
from domain.accounts import EmailTaken, InvalidEmail
from domain.assurance import StepUpRequired
from domain.attempts import TooManyAttempts
from domain.email_changes import EmailUnchanged
from domain.one_time_tokens import TokenInvalid
from domain.passwords import WrongPassword
from entrypoints.http.caller import Caller
from entrypoints.http.deps import HashingDep, use
from entrypoints.http.operations import operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import NO_CONTENT, Address, Input, Secret, answer, no_content

routes = router("me")


class NewAddress(Input):
    new_email: Address
    password: Secret


class ConfirmationSent(BaseModel):
    status: Literal["confirmation_sent"] = "confirmation_sent"


class Confirmation(Input):
    token: Secret


@routes.post(
    "/v1/me/email",
    status_code=202,
    response_model=ConfirmationSent,
    summary="Change my address",
    **operation(
        RequestEmailChange, StepUpRequired, InvalidEmail, EmailUnchanged, WrongPassword, TooManyAttempts, hashes=True
    ),
)
async def request_email_change(
    body: NewAddress,
    caller: Caller,
    hashing: HashingDep,
    request: Annotated[RequestEmailChange, use(lambda c: c.request_email_change())],
) -> Response:
    principal = await caller.authenticated()
    await hashing.run(lambda: request(principal=principal, new_email=body.new_email, password=body.password))
    return answer(ConfirmationSent(), 202)


@routes.post(
    "/v1/me/email/confirm",
    status_code=NO_CONTENT,
    summary="Prove my new address",
    **operation(ConfirmEmailChange, StepUpRequired, TokenInvalid, EmailTaken),
)
def confirm_email_change(
    body: Confirmation,
    caller: Caller,
    confirm: Annotated[ConfirmEmailChange, use(lambda c: c.confirm_email_change())],
) -> Response:
    confirm(principal=caller.principal(), token=body.token)
    return no_content()
