import pytest

from domain.passkeys import Passkey
from tests.security.authenticator import Authenticator
from tests.security.relying_party import ORIGIN, registered


@pytest.fixture
def device() -> Authenticator:
    return Authenticator(origin=ORIGIN)


@pytest.fixture
def passkey(device: Authenticator) -> Passkey:
    return registered(device)
