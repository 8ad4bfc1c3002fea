"""A challenge waits, for minutes, for the proof that somebody was asked for: it is answered once, or not at all."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.kernel import AccountId, ChallengeId, Invalid


class ChallengeInvalid(Invalid):
    """Unknown, answered, expired, tried too often or made for something else: deliberately not told apart."""

    code = "challenge_invalid"

    def __init__(self) -> None:
        super().__init__("That challenge is over. Begin again.", field="challenge")


class ChallengeKind(StrEnum):
    SECOND_FACTOR = "second_factor"
    """The first factor was right; the second is awaited."""
    PASSKEY_REGISTRATION = "passkey_registration"
    PASSKEY_SIGN_IN = "passkey_sign_in"
    """Nobody is known yet: the passkey says who it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """`owner_id` is the account, or the challenge itself where nobody is known yet.

    `random` is what a passkey signs. `amr` says what was proved before, at that `credentials_epoch`: a changed password
    voids it.
    """

    owner_id: UUID
    id: ChallengeId
    kind: ChallengeKind
    account_id: AccountId | None
    random: bytes = field(repr=False)
    amr: tuple[str, ...] = ()
    credentials_epoch: int = 0
    device_id: UUID | None = None
    """The device that signs in, which may be trusted from then on."""
    tries: int = 0
    expires_at: datetime

    @classmethod
    def of_account(
        cls,
        kind: ChallengeKind,
        *,
        id: ChallengeId,
        account_id: AccountId,
        random: bytes,
        amr: tuple[str, ...] = (),
        credentials_epoch: int,
        device_id: UUID | None = None,
        lifetime: timedelta,
        at: datetime,
    ) -> "Challenge":
        return cls(
            owner_id=account_id,
            id=id,
            kind=kind,
            account_id=account_id,
            random=random,
            amr=amr,
            credentials_epoch=credentials_epoch,
            device_id=device_id,
            expires_at=at + lifetime,
        )

    @classmethod
    def of_nobody(cls, *, id: ChallengeId, random: bytes, lifetime: timedelta, at: datetime) -> "Challenge":
        return cls(
            owner_id=id,
            id=id,
            kind=ChallengeKind.PASSKEY_SIGN_IN,
            account_id=None,
            random=random,
            expires_at=at + lifetime,
        )
