"""The audit trail: who did what, when, from where, and what was refused; and how each entry proves the one before."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NewType, Self
from uuid import UUID

from domain.kernel import AccountId, ActorId, ApiKeyId, OrganizationId
from domain.sessions import Client

ChainId = NewType("ChainId", UUID)
"""An organization, an account, or the installation: whoever its entries are about."""

EntryId = NewType("EntryId", UUID)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

INSTALLATION = UUID(int=0)
"""Owns what belongs to no organization and no account: signing keys, the catalogue of permissions, sign-ups."""

_LONGEST_TURN = 2**12 - 1


def entry_id(at: datetime, turn: int, random: bytes) -> EntryId:
    """A UUIDv7 (RFC 9562 section 5.7) of that very moment: so entries are sorted by time, and found by it. Those of one
    transaction take turns; `random` has 8 bytes."""
    low = int.from_bytes(random) & (2**62 - 1)
    return EntryId(UUID(int=earliest_id(at).int | min(turn, _LONGEST_TURN) << 64 | low))


def earliest_id(at: datetime) -> EntryId:
    """Below every entry from that millisecond on, and above all earlier ones."""
    milliseconds = max(0, (at - _EPOCH) // timedelta(milliseconds=1))
    return EntryId(UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62))


def latest_id(at: datetime) -> EntryId:
    """Above every entry up to the end of that millisecond, and below all later ones."""
    return EntryId(UUID(int=earliest_id(at).int | _LONGEST_TURN << 64 | 2**62 - 1))


Details = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """On whose behalf, from where and in which request something happens.

    `actor_id` is who really acts; `principal_id` whose rights count, today always the same; `key_id` the API key by
    which they act. Nobody is known at a sign-in, and at what the installation does by itself, which has no `client`.
    """

    actor_id: ActorId | None = None
    principal_id: ActorId | None = None
    key_id: ApiKeyId | None = None
    organization_id: OrganizationId | None = None
    """Where the actor was found to be a member."""
    client: Client | None = None
    request_id: str = ""


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What an entry is to be about, before the occasion is added to it.

    `about` is the account or address that it concerns, where it concerns one: what is personal of the entry goes when
    that account is erased.
    """

    action: str
    at: datetime
    outcome: Outcome = Outcome.SUCCEEDED
    code: str | None = None
    """Of the refusal."""
    about: UUID | None = None
    target_id: UUID | None = None
    organization_id: OrganizationId | None = None
    details: Details = field(default_factory=dict)

    @classmethod
    def of_event(cls, name: str, details: Details, *, aggregate_id: UUID, at: datetime) -> Self:
        """What changed, as its event tells it."""
        organization_id = details.get("organization_id")
        about = details.get("account_id") or details.get("owner_id")
        return cls(
            action=name,
            at=at,
            about=UUID(str(about)) if about else None,
            target_id=aggregate_id,
            organization_id=OrganizationId(UUID(str(organization_id))) if organization_id else None,
            details=details,
        )

    @property
    def chain_id(self) -> ChainId:
        return ChainId(self.organization_id or self.about or INSTALLATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """What is personal in an entry. It lies apart, so that erasing it leaves the entry, and its seal, whole."""

    account_id: AccountId
    """Whose it is: whoever acted, or is concerned where nobody was known; the installation where nobody is."""
    salt: bytes = field(repr=False)
    """Without it the digest that the entry keeps could be guessed back to the network."""
    network: str
    user_agent: str

    @property
    def digest(self) -> str:
        return sha256(self.salt + _canonical([self.network, self.user_agent])).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Immutable: who, what, to what, with what outcome. `position` is its place in the chain, once it is sealed."""

    chain_id: ChainId
    id: EntryId
    at: datetime
    action: str
    outcome: Outcome
    code: str | None = None
    actor_id: ActorId | None = None
    principal_id: ActorId | None = None
    key_id: ApiKeyId | None = None
    target_id: UUID | None = None
    organization_id: OrganizationId | None = None
    request_id: str = ""
    details: Details = field(default_factory=dict)
    personal_digest: str | None = None
    personal: Personal | None = field(default=None, compare=False)
    """None once it was erased, and where nobody called."""
    position: int | None = None

    @classmethod
    def of(cls, happening: Happening, occasion: Occasion, *, turn: int, random: bytes) -> Self:
        """The entry, which is the `turn`-th of its transaction. `random` has 24 bytes.

        Whoever proves themselves at a sign-in, or by a link, acts for the account that it is about. Whoever fails to
        has shown nothing, and is nobody.
        """
        client = occasion.client
        is_proved = client and happening.outcome is Outcome.SUCCEEDED
        about = AccountId(happening.about) if happening.about and is_proved else None
        actor = occasion.actor_id or about
        personal = (
            Personal(
                account_id=AccountId(actor or happening.chain_id),
                salt=random[:16],
                network=client.network,
                user_agent=client.user_agent,
            )
            if client
            else None
        )
        return cls(
            chain_id=happening.chain_id,
            id=entry_id(happening.at, turn, random[16:]),
            at=happening.at,
            action=happening.action,
            outcome=happening.outcome,
            code=happening.code,
            actor_id=actor,
            principal_id=occasion.principal_id or actor,
            key_id=occasion.key_id,
            target_id=happening.target_id,
            organization_id=happening.organization_id,
            request_id=occasion.request_id,
            details=happening.details,
            personal_digest=personal.digest if personal else None,
            personal=personal,
        )

    @property
    def personal_of(self) -> AccountId:
        """Whose the personal part is: whoever acted, or else what it is about."""
        return AccountId(self.actor_id or self.chain_id)

    @property
    def digest(self) -> bytes:
        """SHA-256 of everything that may never change."""
        return sha256(
            _canonical(
                {
                    "chain_id": str(self.chain_id),
                    "id": str(self.id),
                    "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
                    "action": self.action,
                    "outcome": self.outcome.value,
                    "code": self.code,
                    "actor_id": _text(self.actor_id),
                    "principal_id": _text(self.principal_id),
                    "key_id": _text(self.key_id),
                    "target_id": _text(self.target_id),
                    "organization_id": _text(self.organization_id),
                    "request_id": self.request_id,
                    "details": dict(self.details),
                    "personal": self.personal_digest,
                }
            )
        ).digest()

    def without_personal(self) -> Self:
        return replace(self, personal=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Proves an entry, its place, and all that came before it in the chain."""

    chain_id: ChainId
    position: int
    """The first is 1."""
    entry_id: EntryId
    mac: str
    """Base64url of the key id and an HMAC of what `sealed` gives."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ended at some time, as the log keeps it: `CHAIN:POSITION:MAC`."""

    chain_id: ChainId
    position: int
    mac: str

    @classmethod
    def parse(cls, raw: str) -> Self:
        """Raise ValueError."""
        chain_id, position, mac = raw.split(":")
        head = cls(ChainId(UUID(chain_id)), int(position), mac)
        if head.position < 1 or not mac:
            raise ValueError("A chain begins at 1.")
        return head

    def __str__(self) -> str:
        return f"{self.chain_id}:{self.position}:{self.mac}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Where a chain ends, and where what is kept of it begins: everything up to `checkpoint` was removed by retention,
    and `checkpoint_mac` is the seal that stood there. `checkpoint_proof` signs that it may be missing."""

    id: ChainId
    position: int = 0
    mac: str = ""
    checkpoint: int = 0
    checkpoint_mac: str = ""
    checkpoint_proof: str = ""

    @property
    def head(self) -> Head:
        return Head(self.id, self.position, self.mac)

    def advanced(self, seal: Seal) -> Self:
        return replace(self, position=seal.position, mac=seal.mac)

    def beginning(self, links: Sequence[tuple[Seal, AuditEntry]]) -> list[tuple[Seal, AuditEntry]]:
        """Of these, which are in order, those that follow the checkpoint without a gap."""
        kept = [link for link in links if link[0].position > self.checkpoint]
        return [link for place, link in enumerate(kept, self.checkpoint + 1) if link[0].position == place]

    def shortened(self, last: Seal, proof: str) -> Self:
        """Everything up to that seal is gone."""
        return replace(self, checkpoint=last.position, checkpoint_mac=last.mac, checkpoint_proof=proof)


def sealed(chain_id: ChainId, position: int, previous: str, digest: bytes) -> bytes:
    """What a seal authenticates: the chain, the place, the seal before it, and the entry."""
    return b"".join((chain_id.bytes, position.to_bytes(8), sha256(previous.encode()).digest(), digest))


def checkpointed(chain_id: ChainId, position: int, mac: str) -> bytes:
    """What a checkpoint authenticates: that everything up to the position was removed on purpose."""
    return b"".join((b"checkpoint", chain_id.bytes, position.to_bytes(8), sha256(mac.encode()).digest()))


def _canonical(value: object) -> bytes:
    # In ASCII: whoever verifies must be able to digest whatever somebody may have written there, half a character too.
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _text(id: UUID | None) -> str | None:
    return str(id) if id else None
