"""Signatures as Standard Webhooks has them (https://www.standardwebhooks.com)."""

import hmac
from base64 import b64encode

from application.ports.webhooks import Parcel


def signed_headers(parcel: Parcel) -> dict[str, str]:
    """With one signature for each secret, so that a receiver that knows either is served."""
    timestamp = str(int(parcel.at.timestamp()))
    signed = f"{parcel.message_id}.{timestamp}.".encode() + parcel.body
    signatures = (b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in parcel.secrets)
    return {
        "webhook-id": parcel.message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
