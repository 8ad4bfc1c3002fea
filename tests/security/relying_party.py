"""Portico as the relying party that the tests of passkeys speak to."""

import copy
from typing import Any
from uuid import uuid4

import pytest

from adapters.security.passkeys import WebauthnVerifier
from application.ports.factors import Json
from domain.kernel import AccountId, PasskeyId
from domain.passkeys import Passkey, PasskeyRefused, PasskeyWrong
from tests.builders import NOON
from tests.security.authenticator import Authenticator

DOMAIN, ORIGIN, OTHER_ORIGIN = "example.com", "https://accounts.example.com", "https://app.example.com"
RANDOM, ANOTHER_RANDOM = bytes(range(32)), bytes(range(1, 33))
ADA = AccountId(uuid4())
VERIFIER = WebauthnVerifier(domain=DOMAIN, origins=[ORIGIN, OTHER_ORIGIN], name="Portico")


def to_register(random: bytes = RANDOM, known: list[Passkey] | None = None) -> Json:
    return VERIFIER.registration_options(
        account_id=ADA, name="ada@example.com", display_name="Ada", random=random, known=known or []
    )


def to_sign_in(random: bytes = RANDOM) -> Json:
    return VERIFIER.sign_in_options(random=random)


def registered(device: Authenticator, **how: Any) -> Passkey:
    new = VERIFIER.verify_registration(device.create(to_register(), **how), random=RANDOM)
    return Passkey.register(new, id=PasskeyId(uuid4()), account_id=ADA, display_name="Laptop", at=NOON)


def must_be_refused(credential: Json) -> None:
    with pytest.raises(PasskeyRefused):
        VERIFIER.verify_registration(credential, random=RANDOM)


def must_be_wrong(credential: Json, passkey: Passkey) -> None:
    with pytest.raises(PasskeyWrong):
        VERIFIER.verify_sign_in(credential, random=RANDOM, passkey=passkey)


def changed(credential: Json, **response: Any) -> dict[str, Any]:
    copied: dict[str, Any] = copy.deepcopy(dict(credential))
    copied["response"] |= response
    return copied
