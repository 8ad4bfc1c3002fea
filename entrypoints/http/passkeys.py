"""Passkeys: registered, named, removed, and signed in with."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.passkeys import (
    BeginPasskey,
    BeginPasskeySignIn,
    ListPasskeys,
    PasskeyOptions,
    RegisterPasskey,
    RemovePasskey,
    RenamePasskey,
    SignInWithPasskey,
)
from domain.accounts import InvalidEmail
from domain.assurance import StepUpRequired
from domain.challenges import ChallengeInvalid
from domain.passkeys import (
    InvalidPasskeyName,
    Passkey,
    PasskeyNotFound,
    PasskeyRefused,
    PasskeyTaken,
    PasskeyWrong,
    TooManyPasskeys,
)
from domain.second_factors import FactorsLocked, FactorWrong, RecoveryCodeNeeded
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import NOBODY, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import NO_CONTENT, Address, Input, Name, Secret, Timestamp, answer, no_content
from entrypoints.http.second_factors import Credential, RecoveryCodeOnly
from entrypoints.http.sessions import Tokens

mine = router("passkeys", prefix="/v1/me/passkeys")
signing_in = router("passkeys", prefix="/v1/passkey-sessions")


class OptionsOut(BaseModel):
    challenge: str = Field(description="Send it back with what the browser made.")
    options: dict[str, Any] = Field(description="`publicKey` of `navigator.credentials.create` or `get`.")

    @classmethod
    def of(cls, asked: PasskeyOptions) -> Self:
        return cls(challenge=asked.challenge, options=dict(asked.options))


class PasskeyOut(BaseModel):
    id: UUID
    name: str
    is_backed_up: bool = Field(description="Whether it is kept by more than one device.")
    created_at: Timestamp
    last_used_at: Timestamp | None

    @classmethod
    def of(cls, passkey: Passkey) -> Self:
        return cls(
            id=passkey.id,
            name=passkey.display_name,
            is_backed_up=passkey.is_backed_up,
            created_at=passkey.created_at,
            last_used_at=passkey.last_used_at,
        )


class PasskeysOut(BaseModel):
    items: list[PasskeyOut]


class Registration(Input):
    challenge: Secret
    passkey: Credential
    name: Annotated[Name, Field(examples=["Laptop"])]


class Renaming(Input):
    name: Name


class SigningIn(Input):
    challenge: Secret
    passkey: Credential


class AskedFor(Input):
    email: Annotated[
        Address | None, Field(description="The browser finds the passkeys by itself: it changes nothing.")
    ] = None


@mine.get("", response_model=PasskeysOut, summary="List my passkeys", **operation(ListPasskeys, body=False))
def list_passkeys(caller: Caller, list_passkeys: Annotated[ListPasskeys, use(lambda c: c.list_passkeys())]) -> Response:
    items = [PasskeyOut.of(passkey) for passkey in list_passkeys(principal=caller.principal())]
    return answer(PasskeysOut(items=items), secret=True)


@mine.post(
    "/options",
    status_code=201,
    response_model=OptionsOut,
    summary="Begin to register a passkey",
    **operation(BeginPasskey, StepUpRequired, TooManyPasskeys, body=False),
)
def begin_passkey(caller: Caller, begin: Annotated[BeginPasskey, use(lambda c: c.begin_passkey())]) -> Response:
    return answer(OptionsOut.of(begin(principal=caller.principal())), 201, secret=True)


@mine.post(
    "",
    status_code=201,
    response_model=PasskeyOut,
    summary="Register a passkey",
    **operation(
        RegisterPasskey,
        StepUpRequired,
        InvalidPasskeyName,
        ChallengeInvalid,
        PasskeyRefused,
        PasskeyTaken,
        TooManyPasskeys,
    ),
)
def register_passkey(
    body: Registration, caller: Caller, register: Annotated[RegisterPasskey, use(lambda c: c.register_passkey())]
) -> Response:
    passkey = register(principal=caller.principal(), challenge=body.challenge, credential=body.passkey, name=body.name)
    return answer(PasskeyOut.of(passkey), 201, secret=True)


@mine.patch(
    "/{id}",
    response_model=PasskeyOut,
    summary="Rename a passkey",
    **operation(RenamePasskey, InvalidPasskeyName, PasskeyNotFound),
)
def rename_passkey(
    id: UUID, body: Renaming, caller: Caller, rename: Annotated[RenamePasskey, use(lambda c: c.rename_passkey())]
) -> Response:
    return answer(PasskeyOut.of(rename(principal=caller.principal(), passkey_id=id, name=body.name)), secret=True)


@mine.delete(
    "/{id}",
    status_code=NO_CONTENT,
    summary="Remove a passkey",
    **operation(RemovePasskey, StepUpRequired, PasskeyNotFound, RecoveryCodeNeeded, FactorWrong, FactorsLocked),
)
def remove_passkey(
    id: UUID,
    caller: Caller,
    remove: Annotated[RemovePasskey, use(lambda c: c.remove_passkey())],
    body: RecoveryCodeOnly | None = None,
) -> Response:
    remove(principal=caller.principal(), passkey_id=id, recovery_code=body.recovery_code if body else None)
    return no_content()


@signing_in.post(
    "/options",
    status_code=201,
    response_model=OptionsOut,
    summary="Begin to sign in with a passkey",
    **operation(BeginPasskeySignIn, InvalidEmail, needs=NOBODY),
)
def begin_passkey_sign_in(
    begin: Annotated[BeginPasskeySignIn, use(lambda c: c.begin_passkey_sign_in())], body: AskedFor | None = None
) -> Response:
    return answer(OptionsOut.of(begin(email=body.email if body else None)), 201, secret=True)


@signing_in.post(
    "",
    status_code=201,
    response_model=Tokens,
    summary="Sign in with a passkey",
    **operation(SignInWithPasskey, ChallengeInvalid, PasskeyWrong, FactorsLocked, needs=NOBODY),
)
def sign_in_with_passkey(
    body: SigningIn,
    caller: Caller,
    sign_in: Annotated[SignInWithPasskey, use(lambda c: c.sign_in_with_passkey())],
) -> Response:
    signed_in = sign_in(challenge=body.challenge, credential=body.passkey, client=caller.client_seen)
    return answer(Tokens.of(signed_in), 201, secret=True)
