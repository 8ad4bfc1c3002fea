"""Signing in by a code in a mail."""

from typing import Annotated

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.email_codes import RequestEmailCode, SignInWithEmailCode
from domain.accounts import InvalidEmail
from domain.attempts import TooManyAttempts
from domain.email_codes import EmailCodeWrong
from entrypoints.http.accounts import AddressOnly
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import NOBODY, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import Input, Secret, answer
from entrypoints.http.second_factors import Code
from entrypoints.http.sessions import SECOND_FACTOR_DUE, Tokens, signed_in_or_due

routes = router("email codes")


class CodeSent(BaseModel):
    browser_token: str = Field(description="Keep it in this browser: the code works with it only.")


class CodeShown(Input):
    browser_token: Secret
    code: Code


@routes.post(
    "/v1/email-codes",
    status_code=202,
    response_model=CodeSent,
    summary="Have a code sent to sign in with",
    **operation(RequestEmailCode, InvalidEmail, needs=NOBODY),
)
def request_email_code(
    body: AddressOnly, request: Annotated[RequestEmailCode, use(lambda c: c.request_email_code())]
) -> Response:
    return answer(CodeSent(browser_token=request(email=body.email)), 202, secret=True)


@routes.post(
    "/v1/email-code-sessions",
    status_code=201,
    response_model=Tokens,
    summary="Sign in with a code",
    **operation(SignInWithEmailCode, EmailCodeWrong, TooManyAttempts, needs=NOBODY, also=SECOND_FACTOR_DUE),
)
def sign_in_with_email_code(
    body: CodeShown,
    caller: Caller,
    sign_in: Annotated[SignInWithEmailCode, use(lambda c: c.sign_in_with_email_code())],
) -> Response:
    opened = sign_in(browser_token=body.browser_token, code=body.code, client=caller.client_seen)
    return signed_in_or_due(opened)
