from collections.abc import Mapping
from functools import lru_cache

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from adapters.security.ec_keys import ALGORITHM, private_key, public_key
from adapters.security.strict_access_tokens import StrictAccessTokens
from domain.access import AccessTokenInvalid


class JoserfcAccessTokens(StrictAccessTokens):
    """The same tokens as `JoseAccessTokens`, by joserfc."""

    def sign(self, header: Mapping[str, str], payload: bytes, private_pem: str) -> str:
        return jws.serialize_compact(dict(header), payload, _signing_key(private_pem), algorithms=[ALGORITHM])

    def signed_payload(self, token: str, public_pem: str) -> bytes:
        try:
            return jws.deserialize_compact(token, _verifying_key(public_pem), algorithms=[ALGORITHM]).payload
        except JoseError:
            raise AccessTokenInvalid from None


# Parsing a PEM costs as much as the signature itself. Of private keys only the last is kept: one signs at a time.
@lru_cache(maxsize=1)
def _signing_key(pem: str) -> ECKey:
    return ECKey.import_key(private_key(pem))


@lru_cache(maxsize=16)
def _verifying_key(pem: str) -> ECKey:
    return ECKey.import_key(public_key(pem))
