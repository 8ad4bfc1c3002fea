"""One-time tokens, as they come back: from a mail, a browser, a challenge."""

from application.ports.security import OpaqueTokens
from domain.one_time_tokens import OneTimeToken, Purpose


def read_one_time_token(tokens: OpaqueTokens, purpose: Purpose, token: str) -> OneTimeToken | None:
    """None if it was not issued, or for something else. Whether its row is still there, its caller has to ask."""
    packed = tokens.read(purpose, token)
    return None if packed is None else OneTimeToken.unpack(packed)
