import tracemalloc
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from adapters.security.jose_tokens import JoseAccessTokens
from adapters.security.remembered_tokens import RememberedAccessTokens
from application.ports.security import AccessTokens
from domain.access import AccessClaims, AccessTokenInvalid
from tests.security.threads import threads_that_interleave
from tests.security.tokens import KEY_ID, NOON, HeldKeys, forged, some_claims, tokens_of

MOMENT = timedelta(seconds=1)


class Counted(AccessTokens):
    """Tells how many tokens were really verified."""

    def __init__(self, tokens: AccessTokens) -> None:
        self.tokens = tokens
        self.verified = 0

    def issue(self, claims: AccessClaims) -> str:
        return self.tokens.issue(claims)

    def verify(self, token: str, *, at: datetime) -> AccessClaims:
        self.verified += 1
        return self.tokens.verify(token, at=at)


class Remembered:
    def __init__(self, most: int = 8192) -> None:
        self.keys = HeldKeys()
        self.counted = Counted(tokens_of(JoseAccessTokens, self.keys))
        self.tokens = RememberedAccessTokens(self.counted, self.keys, most)

    def issue(self) -> str:
        return self.tokens.issue(some_claims(token_id=uuid4()))


def test_a_token_is_verified_once() -> None:
    remembered = Remembered()
    token = remembered.tokens.issue(some_claims())
    for second in range(5):
        assert remembered.tokens.verify(token, at=NOON + second * MOMENT) == some_claims()
    assert remembered.counted.verified == 1


def test_a_remembered_token_expires_all_the_same() -> None:
    remembered = Remembered()
    token = remembered.issue()
    remembered.tokens.verify(token, at=NOON)
    with pytest.raises(AccessTokenInvalid):
        remembered.tokens.verify(token, at=NOON + timedelta(minutes=10))


def test_a_remembered_token_is_lost_at_once_when_its_key_is_revoked() -> None:
    remembered = Remembered()
    token = remembered.issue()
    remembered.tokens.verify(token, at=NOON)
    del remembered.keys.pairs[KEY_ID]
    with pytest.raises(AccessTokenInvalid):
        remembered.tokens.verify(token, at=NOON)


def test_a_rotation_forgets_nothing() -> None:
    remembered = Remembered()
    token = remembered.issue()
    remembered.tokens.verify(token, at=NOON)
    remembered.keys.rotate()
    remembered.tokens.verify(token, at=NOON)
    assert remembered.counted.verified == 1


def test_after_the_clock_was_set_back_a_token_is_judged_anew() -> None:
    remembered = Remembered()
    token = remembered.issue()
    remembered.tokens.verify(token, at=NOON)
    with pytest.raises(AccessTokenInvalid):
        remembered.tokens.verify(token, at=NOON - timedelta(hours=1))


def test_a_refusal_is_not_remembered() -> None:
    remembered = Remembered()
    pair = remembered.keys.pairs.pop(KEY_ID)
    with pytest.raises(AccessTokenInvalid):
        remembered.tokens.verify(forged(), at=NOON)
    remembered.keys.pairs[KEY_ID] = pair
    assert remembered.tokens.verify(forged(), at=NOON)


def test_the_oldest_gives_way() -> None:
    remembered = Remembered(most=2)
    first, second, third = (remembered.issue() for _ in range(3))
    for token in (first, second, third, second, third):
        remembered.tokens.verify(token, at=NOON)
    assert remembered.counted.verified == 3
    remembered.tokens.verify(first, at=NOON)
    assert remembered.counted.verified == 4


def test_what_has_expired_is_forgotten() -> None:
    remembered = Remembered()
    tokens = [remembered.issue() for _ in range(300)]
    later = remembered.tokens.issue(some_claims(issued_at=NOON, expires_at=NOON + timedelta(minutes=20)))
    tracemalloc.start()
    try:
        for token in tokens:
            remembered.tokens.verify(str(token), at=NOON)
        full, _ = tracemalloc.get_traced_memory()
        remembered.tokens.verify(later, at=NOON + timedelta(minutes=10))
        swept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert swept < full / 2


def test_many_threads_may_use_it_at_once() -> None:
    remembered = Remembered(most=5)
    tokens = [remembered.issue() for _ in range(10)]
    with threads_that_interleave(16) as pool:
        answers = list(pool.map(lambda token: remembered.tokens.verify(token, at=NOON), tokens * 50))
    assert len(answers) == 500
    assert len({claims.token_id for claims in answers}) == 10
