"""Second factors: enrolled, proved at sign-in and at step-up, lost and found again."""

import asyncio
from functools import partial
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from application.assurance import StepUp
from application.factor_proofs import Proof
from application.factor_resets import ResetFactors
from application.recovery_codes import MakeRecoveryCodes
from application.second_factors import ShowFactors
from application.signing_in import FinishSignIn
from application.totp import BeginTotp, ConfirmTotp, RemoveTotp
from application.trusted_devices import DistrustDevice, ListTrustedDevices
from domain.accounts import AccountNotFound
from domain.assurance import StepUpRequired
from domain.attempts import TooManyAttempts
from domain.challenges import ChallengeInvalid
from domain.passwords import WrongPassword
from domain.second_factors import (
    CodeWrong,
    Factor,
    FactorsLocked,
    FactorWrong,
    NoFactor,
    RecoveryCodeNeeded,
    TotpEnrolled,
    TotpNotFound,
)
from domain.trusted_devices import TrustedDevice, TrustedDeviceNotFound
from entrypoints.http.caller import Caller
from entrypoints.http.deps import HashingDep, use
from entrypoints.http.operations import NOBODY, OPERATOR, operation
from entrypoints.http.routing import router
from entrypoints.http.schemas import NO_CONTENT, Input, Secret, Timestamp, answer, no_content
from entrypoints.http.sessions import Tokens

routes = router("second factors")

Code = Annotated[str, StringConstraints(max_length=64), Field(examples=["123456"])]
Credential = Annotated[
    dict[str, Any], Field(description="What `navigator.credentials` gave, as its `toJSON()` writes it.")
]


class ProofIn(Input):
    """One of the three."""

    code: Annotated[Code | None, Field(description="Of the authenticator app.")] = None
    recovery_code: Code | None = None
    passkey: Credential | None = None

    def proof(self) -> Proof | None:
        if not self._given():
            return None
        return Proof(code=self.code, recovery_code=self.recovery_code, passkey=self.passkey)

    def _given(self) -> int:
        return sum(each is not None for each in (self.code, self.recovery_code, self.passkey))


class SecondFactor(ProofIn):
    challenge: Secret
    trust_device: Annotated[
        bool, Field(description="Skip the second factor on this device for 30 days; send its `device_token` then.")
    ] = False

    @model_validator(mode="after")
    def _gives_one(self) -> Self:
        if self._given() != 1:
            raise PydanticCustomError("one_proof", "Give one of code, recovery_code and passkey")
        return self


class SteppingUp(ProofIn):
    password: Annotated[Secret | None, Field(description="Enough where no factor is enrolled.")] = None
    challenge: Annotated[Secret | None, Field(description="With a passkey: of POST /v1/passkey-sessions/options.")] = (
        None
    )

    @model_validator(mode="after")
    def _gives_one(self) -> Self:
        if self._given() + (self.password is not None) != 1:
            raise PydanticCustomError("one_proof", "Give one of password, code, recovery_code and passkey")
        if (self.passkey is None) != (self.challenge is None):
            raise PydanticCustomError("passkey_and_challenge", "A passkey and its challenge go together")
        return self


class RecoveryCodeOnly(Input):
    recovery_code: Annotated[Code | None, Field(description="Asked for where it is your last factor.")] = None


class CodeOnly(Input):
    code: Code


class TotpOut(BaseModel):
    secret: str = Field(description="For an app that reads no pictures. It is shown this once.")
    uri: str
    qr_svg: str


class RecoveryCodesOut(BaseModel):
    recovery_codes: list[str] = Field(description="Shown this once. Each is good for one use.")


class FactorsOut(BaseModel):
    factors: list[Factor]
    recovery_codes_left: int


class TrustedDeviceOut(BaseModel):
    id: UUID
    user_agent: str
    network: str
    created_at: Timestamp
    expires_at: Timestamp

    @classmethod
    def of(cls, device: TrustedDevice) -> Self:
        return cls(
            id=device.id,
            user_agent=device.user_agent,
            network=device.network,
            created_at=device.created_at,
            expires_at=device.expires_at,
        )


class TrustedDevicesOut(BaseModel):
    items: list[TrustedDeviceOut]


@routes.post(
    "/v1/sessions/second-factor",
    status_code=201,
    response_model=Tokens,
    summary="Sign in: the second factor",
    **operation(FinishSignIn, ChallengeInvalid, FactorWrong, FactorsLocked, needs=NOBODY),
)
def finish_sign_in(
    body: SecondFactor,
    caller: Caller,
    finish: Annotated[FinishSignIn, use(lambda c: c.finish_sign_in())],
) -> Response:
    signed_in = finish(
        challenge=body.challenge,
        proof=body.proof() or Proof(),
        trust_device=body.trust_device,
        client=caller.client_seen,
    )
    return answer(Tokens.of(signed_in), 201, secret=True)


@routes.post(
    "/v1/sessions/current/step-up",
    response_model=Tokens,
    summary="Prove once more who I am",
    **operation(
        StepUp,
        StepUpRequired,
        WrongPassword,
        TooManyAttempts,
        ChallengeInvalid,
        FactorWrong,
        FactorsLocked,
        hashes=True,
    ),
)
async def step_up(
    body: SteppingUp,
    caller: Caller,
    hashing: HashingDep,
    step_up: Annotated[StepUp, use(lambda c: c.step_up())],
) -> Response:
    principal = await caller.authenticated()
    prove = partial(
        step_up,
        principal=principal,
        password=body.password,
        proof=body.proof(),
        challenge=body.challenge,
        client=caller.client_seen,
    )
    # Only a password costs a hash: whoever has a factor need not queue behind a storm of sign-ins.
    signed_in = await (asyncio.to_thread(prove) if body.password is None else hashing.run(prove))
    return answer(Tokens.of(signed_in), secret=True)


@routes.get(
    "/v1/me/factors",
    response_model=FactorsOut,
    summary="Which factors I have",
    **operation(ShowFactors, body=False),
)
def show_factors(caller: Caller, show: Annotated[ShowFactors, use(lambda c: c.show_factors())]) -> Response:
    shown = show(principal=caller.principal())
    return answer(FactorsOut(factors=list(shown.factors), recovery_codes_left=shown.recovery_codes_left), secret=True)


@routes.post(
    "/v1/me/totp",
    status_code=201,
    response_model=TotpOut,
    summary="Begin to enrol an authenticator app",
    **operation(BeginTotp, StepUpRequired, TotpEnrolled, body=False),
)
def begin_totp(caller: Caller, begin: Annotated[BeginTotp, use(lambda c: c.begin_totp())]) -> Response:
    begun = begin(principal=caller.principal())
    return answer(TotpOut(secret=begun.secret, uri=begun.uri, qr_svg=begun.qr_svg), 201, secret=True)


@routes.post(
    "/v1/me/totp/confirm",
    response_model=Tokens,
    summary="Confirm the authenticator app by a code",
    **operation(ConfirmTotp, StepUpRequired, FactorsLocked, TotpNotFound, CodeWrong),
)
def confirm_totp(
    body: CodeOnly, caller: Caller, confirm: Annotated[ConfirmTotp, use(lambda c: c.confirm_totp())]
) -> Response:
    signed_in = confirm(principal=caller.principal(), code=body.code, client=caller.client_seen)
    return answer(Tokens.of(signed_in), secret=True)


@routes.delete(
    "/v1/me/totp",
    status_code=NO_CONTENT,
    summary="Remove the authenticator app",
    **operation(RemoveTotp, StepUpRequired, TotpNotFound, RecoveryCodeNeeded, FactorWrong, FactorsLocked),
)
def remove_totp(
    caller: Caller,
    remove: Annotated[RemoveTotp, use(lambda c: c.remove_totp())],
    body: RecoveryCodeOnly | None = None,
) -> Response:
    remove(principal=caller.principal(), recovery_code=body.recovery_code if body else None)
    return no_content()


@routes.post(
    "/v1/me/recovery-codes",
    status_code=201,
    response_model=RecoveryCodesOut,
    summary="Make new recovery codes",
    **operation(MakeRecoveryCodes, StepUpRequired, NoFactor, body=False),
)
def make_recovery_codes(
    caller: Caller, make: Annotated[MakeRecoveryCodes, use(lambda c: c.make_recovery_codes())]
) -> Response:
    return answer(RecoveryCodesOut(recovery_codes=make(principal=caller.principal())), 201, secret=True)


@routes.get(
    "/v1/me/trusted-devices",
    response_model=TrustedDevicesOut,
    summary="Which devices I trust",
    **operation(ListTrustedDevices, body=False),
)
def list_trusted_devices(
    caller: Caller, list_devices: Annotated[ListTrustedDevices, use(lambda c: c.list_trusted_devices())]
) -> Response:
    items = [TrustedDeviceOut.of(device) for device in list_devices(principal=caller.principal())]
    return answer(TrustedDevicesOut(items=items), secret=True)


@routes.delete(
    "/v1/me/trusted-devices/{id}",
    status_code=NO_CONTENT,
    summary="Trust a device no longer",
    **operation(DistrustDevice, TrustedDeviceNotFound, body=False),
)
def distrust_device(
    id: UUID, caller: Caller, distrust: Annotated[DistrustDevice, use(lambda c: c.distrust_device())]
) -> Response:
    distrust(principal=caller.principal(), device_id=id)
    return no_content()


@routes.post(
    "/v1/admin/accounts/{id}/reset-factors",
    status_code=NO_CONTENT,
    summary="Remove every factor of an account",
    **operation(ResetFactors, StepUpRequired, AccountNotFound, needs=OPERATOR, body=False),
)
def reset_factors(
    id: UUID, caller: Caller, reset: Annotated[ResetFactors, use(lambda c: c.reset_factors())]
) -> Response:
    reset(principal=caller.principal(), account_id=id)
    return no_content()
