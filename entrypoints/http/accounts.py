"""Signing up, and the account of whoever is signed in."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.access import Authenticate
from application.accounts import CloseAccount, RenameAccount
from application.claims import RegisterAccount, ResendVerification, VerifyAccount
from domain.accounts import (
    Account,
    AccountState,
    EmailTaken,
    InvalidDisplayName,
    InvalidEmail,
    LastOperator,
)
from domain.assurance import StepUpRequired
from domain.attempts import TooManyAttempts
from domain.claims import RegistrationByInvitation, RegistrationClosed
from domain.memberships import LastOwner
from domain.one_time_tokens import TokenInvalid
from domain.passwords import PasswordTooWeak, WrongPassword
from entrypoints.http.caller import Caller
from entrypoints.http.deps import HashingDep, use
from entrypoints.http.operations import NOBODY, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import (
    NO_CONTENT,
    Address,
    Input,
    Name,
    Secret,
    Timestamp,
    answer,
    no_content,
)

routes = router("accounts")
me = router("me")


class AccountOut(BaseModel):
    id: UUID
    email: str
    email_verified_at: Timestamp | None
    display_name: str
    state: AccountState
    is_operator: bool
    has_second_factor: bool = Field(description="An authenticator app or a passkey.")
    created_at: Timestamp

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(
            id=account.id,
            email=account.email.value,
            email_verified_at=account.email_verified_at,
            display_name=account.display_name,
            state=account.state,
            is_operator=account.is_operator,
            has_second_factor=account.has_second_factor,
            created_at=account.created_at,
        )


class SignUp(Input):
    email: Address
    password: Annotated[Secret, Field(examples=["correct horse battery staple"])]
    display_name: Name = ""
    invitation_token: Annotated[
        Secret | None, Field(description="Of an invitation, where accounts are by invitation only.")
    ] = None


class VerificationSent(BaseModel):
    status: Literal["verification_sent"] = "verification_sent"


class Verification(Input):
    token: Secret
    password: Annotated[Secret, Field(description="The password of that very sign-up.")]


class AddressOnly(Input):
    email: Address


@routes.post(
    "/v1/accounts",
    status_code=202,
    response_model=VerificationSent,
    summary="Sign up",
    **operation(
        RegisterAccount,
        RegistrationClosed,
        RegistrationByInvitation,
        InvalidEmail,
        InvalidDisplayName,
        PasswordTooWeak,
        EmailTaken,
        needs=NOBODY,
        hashes=True,
        also={201: {"model": AccountOut, "description": "With `REGISTRATION_REQUIRES_VERIFICATION=false` only."}},
    ),
)
async def register_account(
    body: SignUp,
    hashing: HashingDep,
    register: Annotated[RegisterAccount, use(lambda c: c.register_account())],
) -> Response:
    account = await hashing.run(
        lambda: register(
            email=body.email,
            password=body.password,
            display_name=body.display_name,
            invitation_token=body.invitation_token,
        )
    )
    return answer(AccountOut.of(account), 201) if account else answer(VerificationSent(), 202)


@routes.post(
    "/v1/accounts/verify",
    status_code=201,
    response_model=AccountOut,
    summary="Prove an address, and get its account",
    **operation(VerifyAccount, TokenInvalid, needs=NOBODY, hashes=True),
)
async def verify_account(
    body: Verification,
    hashing: HashingDep,
    verify: Annotated[VerifyAccount, use(lambda c: c.verify_account())],
) -> Response:
    account = await hashing.run(lambda: verify(token=body.token, password=body.password))
    return answer(AccountOut.of(account), 201)


@routes.post(
    "/v1/accounts/resend-verification",
    status_code=202,
    response_model=VerificationSent,
    summary="Have the verification mail sent once more",
    **operation(ResendVerification, InvalidEmail, needs=NOBODY),
)
def resend_verification(
    body: AddressOnly, resend: Annotated[ResendVerification, use(lambda c: c.resend_verification())]
) -> Response:
    resend(email=body.email)
    return answer(VerificationSent(), 202)


class Renaming(Input):
    display_name: Name


class Closing(Input):
    password: Secret


@me.get(
    "/v1/me",
    response_model=AccountOut,
    summary="Who am I",
    **operation(Authenticate, keys=True, body=False)
    | {"description": "The account of the bearer, as long as its session or key lives: revocation shows at once."},
)
def show_me(caller: Caller) -> Response:
    return answer(AccountOut.of(caller.subject().own_account()), secret=True)


@me.patch(
    "/v1/me",
    response_model=AccountOut,
    summary="Change my display name",
    **operation(RenameAccount, InvalidDisplayName),
)
def rename_me(
    body: Renaming, caller: Caller, rename: Annotated[RenameAccount, use(lambda c: c.rename_account())]
) -> Response:
    account = rename(principal=caller.principal(), display_name=body.display_name)
    return answer(AccountOut.of(account), secret=True)


@me.post(
    "/v1/me/close",
    status_code=NO_CONTENT,
    summary="Close my account for good",
    **operation(CloseAccount, StepUpRequired, WrongPassword, TooManyAttempts, LastOperator, LastOwner, hashes=True),
)
async def close_me(
    body: Closing,
    caller: Caller,
    hashing: HashingDep,
    close: Annotated[CloseAccount, use(lambda c: c.close_account())],
) -> Response:
    principal = await caller.authenticated()
    await hashing.run(lambda: close(principal=principal, password=body.password))
    return no_content()
