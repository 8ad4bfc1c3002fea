"""An audit trail as tests need it: what happened, to whom and from where, and sealed by a sequencer."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from adapters.environment import Uuid7Ids
from adapters.security.seals import HmacSealer
from adapters.security.secret_keys import SecretKeys
from application.audit_verification import BrokenLink, VerifyAudit
from application.occasion import occasioned
from application.ports.audit import EntryFilter
from application.ports.unit_of_work import Persistence
from application.sequencing import Sequencer
from domain.audit import AuditEntry, ChainId, Happening, Head, Occasion, Outcome
from domain.kernel import AccountId, ApiKeyId, OrganizationId
from domain.sessions import Client
from tests.builders import DAY, NOON, FixedClock

SEALER = HmacSealer(SecretKeys("a secret of the tests"))
CLIENT = Client(user_agent="curl", network="192.0.2.7/32")
ACME, GLOBEX = (OrganizationId(UUID(int=number)) for number in (0xACE, 0x610BE))
ADA, BOB = (AccountId(UUID(int=number)) for number in (0xADA, 0xB0B))
ANYTHING = EntryFilter()


def an_occasion(**changes: Any) -> Occasion:
    values: dict[str, Any] = {
        "actor_id": ADA,
        "principal_id": ADA,
        "key_id": ApiKeyId(UUID(int=0x4E1)),
        "organization_id": ACME,
        "client": CLIENT,
        "request_id": "r-1",
    }
    return Occasion(**values | changes)


def a_happening(**changes: Any) -> Happening:
    values: dict[str, Any] = {
        "action": "role.changed",
        "at": NOON,
        "outcome": Outcome.REFUSED,
        "code": "permission_denied",
        "about": BOB,
        "target_id": uuid4(),
        "organization_id": ACME,
        "details": {"name": "bücher", "count": 3, "forced": False, "reason": None},
    }
    return Happening(**values | changes)


def happened(database: Persistence, *happenings: Happening, by: Occasion | None = None) -> None:
    with occasioned(by or an_occasion()), database.unit_of_work() as uow:
        for happening in happenings:
            uow.audit.note(happening)


def sequencer(database: Persistence, *, batch: int = 100) -> Sequencer:
    return Sequencer(
        unit_of_work=database.unit_of_work,
        autocommit=database.autocommit,
        sealer=SEALER,
        clock=FixedClock(),
        ids=Uuid7Ids(),
        holder=UUID(int=0x5E0),
        batch=batch,
    )


def seal_all(database: Persistence) -> list[Head]:
    """The heads, as the log would keep them."""
    heads: dict[ChainId, Head] = {}
    sequence = sequencer(database)
    while batch := sequence():
        heads |= {chain.id: chain.head for chain in batch.heads}
    return list(heads.values())


def entries(database: Persistence, chain_id: ChainId | None = None) -> list[AuditEntry]:
    """Oldest first."""
    with database.autocommit() as reads:
        return reads.audit.following(chain_id, ANYTHING, after=None, limit=1000)


def a_trail(database: Persistence, *, length: int = 6) -> list[Head]:
    """Of two organizations and an account, sealed: entries a day apart."""
    for number in range(length):
        at: datetime = NOON + number * DAY
        happened(
            database,
            a_happening(at=at),
            a_happening(at=at, organization_id=GLOBEX),
            a_happening(at=at, organization_id=None, about=ADA),
        )
    return seal_all(database)


def verification(database: Persistence, *, page: int = 2) -> VerifyAudit:
    return VerifyAudit(autocommit=database.autocommit, sealer=SEALER, page=page)


def broken(database: Persistence, *heads: Head) -> list[BrokenLink]:
    """The first broken link of each chain."""
    return [step.broken for step in verification(database)(heads=heads) if step.broken]
