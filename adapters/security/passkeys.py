import json
from collections.abc import Sequence
from typing import Any, NoReturn
from uuid import UUID

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, options_to_json_dict
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from application.ports.factors import Json, PasskeyVerifier
from domain.kernel import AccountId
from domain.passkeys import NewPasskey, Passkey, PasskeyRefused, PasskeyWrong

_ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_MOST_CHARACTERS = 32 * 1024
"""Of a whole credential. Attestation chains are longer, and are not asked for."""
_LONGEST_ID = 1023
"""Bytes (WebAuthn section 4, credential ID)."""
_FORMATS = frozenset({AttestationFormat.NONE, AttestationFormat.PACKED})
"""No attestation is asked for; an authenticator may sign its own registration all the same."""


class WebauthnVerifier(PasskeyVerifier):
    """WebAuthn for the site `domain`, whose pages come from `origins`.

    The library checks type, challenge, origin, site, presence, verification of the user, and the signature. It lets
    pass what a page that embeds ours could do (`crossOrigin`, `topOrigin`), and lets out whatever its parsers raise:
    both are mended here.
    """

    def __init__(self, *, domain: str, origins: Sequence[str], name: str) -> None:
        self._domain = domain
        self._origins = list(origins)
        self._name = name

    def registration_options(
        self, *, account_id: AccountId, name: str, display_name: str, random: bytes, known: list[Passkey]
    ) -> Json:
        options = generate_registration_options(
            rp_id=self._domain,
            rp_name=self._name,
            user_id=account_id.bytes,
            user_name=name,
            user_display_name=display_name,
            challenge=random,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                require_resident_key=True,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(
                    id=passkey.credential_id, transports=[AuthenticatorTransport(each) for each in passkey.transports]
                )
                for passkey in known
            ],
            supported_pub_key_algs=_ALGORITHMS,
        )
        return options_to_json_dict(options)

    def verify_registration(self, credential: Json, *, random: bytes) -> NewPasskey:
        try:
            _must_be_small(credential)
            _must_be_of_this_page(credential)
            verified = verify_registration_response(
                credential=dict(credential),
                expected_challenge=random,
                expected_rp_id=self._domain,
                expected_origin=self._origins,
                require_user_verification=True,
                supported_pub_key_algs=_ALGORITHMS,
            )
            if verified.fmt not in _FORMATS or len(verified.credential_id) > _LONGEST_ID:
                raise PasskeyRefused
            return NewPasskey(
                credential_id=verified.credential_id,
                public_key=verified.credential_public_key,
                sign_count=verified.sign_count,
                transports=_transports(credential),
                is_backed_up=verified.credential_backed_up,
            )
        except Exception:  # the parsers of CBOR, COSE and certificates raise whatever they like
            raise PasskeyRefused from None

    def sign_in_options(self, *, random: bytes) -> Json:
        options = generate_authentication_options(
            rp_id=self._domain, challenge=random, user_verification=UserVerificationRequirement.REQUIRED
        )
        return options_to_json_dict(options)

    def claimed(self, credential: Json) -> tuple[AccountId | None, bytes]:
        try:
            _must_be_small(credential)
            handle = credential["response"].get("userHandle")
            owner = AccountId(UUID(bytes=base64url_to_bytes(handle))) if handle else None
            return owner, base64url_to_bytes(credential["rawId"])
        except Exception:
            raise PasskeyWrong from None

    def verify_sign_in(self, credential: Json, *, random: bytes, passkey: Passkey) -> int:
        try:
            _must_be_small(credential)
            _must_be_of_this_page(credential)
            verified = verify_authentication_response(
                credential=dict(credential),
                expected_challenge=random,
                expected_rp_id=self._domain,
                expected_origin=self._origins,
                credential_public_key=passkey.public_key,
                # The library compares before it has verified the signature: anybody could make a key look copied.
                credential_current_sign_count=0,
                require_user_verification=True,
            )
            if verified.credential_id != passkey.credential_id:
                raise PasskeyWrong
            return verified.new_sign_count
        except Exception:
            raise PasskeyWrong from None


def _must_be_small(credential: Json) -> None:
    if len(json.dumps(credential)) > _MOST_CHARACTERS:
        raise ValueError("Nothing that a browser makes is that long.")


def _must_be_of_this_page(credential: Json) -> None:
    """Raise ValueError if another site had embedded the page (WebAuthn level 3, section 13.4.9)."""
    data = _JSON.decode(base64url_to_bytes(credential["response"]["clientDataJSON"]).decode())
    if data.get("crossOrigin", False) is not False or "topOrigin" in data:
        raise ValueError("Another site had embedded the page.")


def _transports(credential: Json) -> tuple[str, ...]:
    known = {each.value for each in AuthenticatorTransport}
    given = credential["response"].get("transports") or []
    return tuple(dict.fromkeys(each for each in given if isinstance(each, str) and each in known))


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(members)) != len(members):
        raise ValueError("A member stands twice: what was checked might not be what counts.")
    return dict(members)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


_JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
