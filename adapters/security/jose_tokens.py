from collections.abc import Mapping
from functools import lru_cache

from jose import jwk, jws
from jose.backends.base import Key
from jose.exceptions import JWSError

from adapters.security.ec_keys import ALGORITHM, private_key, public_key
from adapters.security.strict_access_tokens import StrictAccessTokens
from domain.access import AccessTokenInvalid


class JoseAccessTokens(StrictAccessTokens):
    """Access tokens signed and verified by python-jose, which leaves the work to `cryptography`."""

    def sign(self, header: Mapping[str, str], payload: bytes, private_pem: str) -> str:
        return jws.sign(payload, _signing_key(private_pem), headers=header, algorithm=ALGORITHM)

    def signed_payload(self, token: str, public_pem: str) -> bytes:
        try:
            return jws.verify(token, _verifying_key(public_pem), algorithms=[ALGORITHM])
        except JWSError:
            raise AccessTokenInvalid from None


# Parsing a PEM costs as much as the signature itself. Of private keys only the last is kept: one signs at a time.
@lru_cache(maxsize=1)
def _signing_key(pem: str) -> Key:
    private_key(pem)
    return jwk.construct(pem, ALGORITHM)


@lru_cache(maxsize=16)
def _verifying_key(pem: str) -> Key:
    public_key(pem)
    return jwk.construct(pem, ALGORITHM)
