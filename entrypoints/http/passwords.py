"""Changing a password, and setting a new one when it is lost."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.passwords import ChangePassword, ConfirmPasswordReset, RequestPasswordReset
from domain.accounts import InvalidEmail
from domain.assurance import StepUpRequired
from domain.attempts import TooManyAttempts
from domain.one_time_tokens import TokenInvalid
from domain.passwords import PasswordTooWeak, WrongPassword
from entrypoints.http.accounts import AddressOnly
from entrypoints.http.caller import Caller
from entrypoints.http.deps import HashingDep, use
from entrypoints.http.operations import NOBODY, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import NO_CONTENT, Input, Secret, answer, no_content

routes = router("passwords")


class PasswordChange(Input):
    current_password: Secret
    new_password: Secret


class ResetSent(BaseModel):
    status: Literal["reset_sent"] = "reset_sent"


class NewPassword(Input):
    token: Secret
    new_password: Secret


class KnownDevice(BaseModel):
    device_token: str = Field(description="Send it at the next sign-in from this device.")


@routes.post(
    "/v1/me/password",
    status_code=NO_CONTENT,
    summary="Change my password",
    **operation(ChangePassword, StepUpRequired, WrongPassword, PasswordTooWeak, TooManyAttempts, hashes=True),
)
async def change_password(
    body: PasswordChange,
    caller: Caller,
    hashing: HashingDep,
    change: Annotated[ChangePassword, use(lambda c: c.change_password())],
) -> Response:
    principal = await caller.authenticated()
    await hashing.run(
        lambda: change(
            principal=principal,
            current_password=body.current_password,
            new_password=body.new_password,
        )
    )
    return no_content()


@routes.post(
    "/v1/password-resets",
    status_code=202,
    response_model=ResetSent,
    summary="Ask for a mail to set a new password",
    **operation(RequestPasswordReset, InvalidEmail, needs=NOBODY),
)
def request_password_reset(
    body: AddressOnly, request: Annotated[RequestPasswordReset, use(lambda c: c.request_password_reset())]
) -> Response:
    request(email=body.email)
    return answer(ResetSent(), 202)


@routes.post(
    "/v1/password-resets/confirm",
    response_model=KnownDevice,
    summary="Set a new password",
    **operation(ConfirmPasswordReset, TokenInvalid, PasswordTooWeak, needs=NOBODY, hashes=True),
)
async def confirm_password_reset(
    body: NewPassword,
    hashing: HashingDep,
    confirm: Annotated[ConfirmPasswordReset, use(lambda c: c.confirm_password_reset())],
) -> Response:
    device_token = await hashing.run(lambda: confirm(token=body.token, new_password=body.new_password))
    return answer(KnownDevice(device_token=device_token), secret=True)
