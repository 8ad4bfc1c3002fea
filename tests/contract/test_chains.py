from itertools import groupby
from typing import Any
from uuid import UUID

import pytest

from application.ports.unit_of_work import Persistence
from domain.audit import INSTALLATION, AuditEntry, Chain, ChainId, Seal
from tests.audit_trail import ACME, ADA, GLOBEX, a_happening, a_trail, entries, happened
from tests.builders import MINUTE, NOON

OF_ACME, OF_GLOBEX, OF_ADA, NOBODYS = ChainId(ACME), ChainId(GLOBEX), ChainId(ADA), ChainId(INSTALLATION)
HERE: list[dict[str, Any]] = [{}, {"organization_id": GLOBEX}, {"organization_id": None}]


def unsealed(database: Persistence, *, limit: int = 100) -> list[AuditEntry]:
    with database.autocommit() as reads:
        return reads.chains.unsealed(limit=limit)


def sealed(database: Persistence, chain_id: ChainId, found: list[AuditEntry], *, after: int = 0) -> list[Seal]:
    seals = [
        Seal(chain_id=chain_id, position=position, entry_id=entry.id, mac=f"mac-{position}")
        for position, entry in enumerate(found, after + 1)
    ]
    with database.unit_of_work() as uow:
        uow.chains.append(seals, [Chain(id=chain_id, position=seals[-1].position, mac=seals[-1].mac)])
    return seals


def test_what_waits_stands_chain_by_chain_and_oldest_first(database: Persistence) -> None:
    for minute in (2, 0, 1):
        at = NOON + minute * MINUTE
        happened(database, a_happening(at=at), a_happening(at=at, organization_id=GLOBEX))
    waiting = unsealed(database)
    chains = [(chain_id, [entry.at for entry in group]) for chain_id, group in groupby(waiting, lambda e: e.chain_id)]
    in_order = [NOON, NOON + MINUTE, NOON + 2 * MINUTE]
    assert chains == [(chain_id, in_order) for chain_id in sorted([OF_ACME, OF_GLOBEX])]
    assert unsealed(database, limit=4) == waiting[:4]


def test_those_of_one_transaction_keep_their_order(database: Persistence) -> None:
    happened(database, *(a_happening(details={"number": number}) for number in range(9)))
    assert [entry.details["number"] for entry in unsealed(database)] == list(range(9))


def test_what_is_sealed_waits_no_more_and_has_its_place(database: Persistence) -> None:
    happened(database, *(a_happening() for _ in range(3)))
    first, second, third = unsealed(database)
    sealed(database, OF_ACME, [first, second])
    assert unsealed(database) == [third]
    assert [entry.position for entry in entries(database)] == [1, 2, None]


def test_every_field_of_a_link_survives_the_round_trip(database: Persistence) -> None:
    happened(database, a_happening())
    [entry] = unsealed(database)
    [seal] = sealed(database, OF_ACME, [entry])
    with database.autocommit() as reads:
        [(kept, of_it)] = reads.chains.links(OF_ACME, after=0, limit=10)
    assert kept == seal
    assert of_it is not None
    assert of_it.position == 1
    assert of_it.personal is not None
    assert of_it.personal.digest == entry.personal_digest


def test_links_come_in_order_and_no_more_than_asked_for(database: Persistence) -> None:
    a_trail(database)
    with database.autocommit() as reads:
        whole = reads.chains.links(OF_ACME, after=0, limit=100)
        assert [seal.position for seal, _ in whole] == [1, 2, 3, 4, 5, 6]
        assert {seal.chain_id for seal, _ in whole} == {OF_ACME}
        assert reads.chains.links(OF_ACME, after=2, limit=3) == whole[2:5]
        assert reads.chains.links(OF_ACME, after=6, limit=3) == []
        assert reads.chains.links(NOBODYS, after=0, limit=3) == []


def test_a_chain_ends_where_its_last_seal_stands(database: Persistence) -> None:
    happened(database, *(a_happening() for _ in range(3)))
    first, second, third = unsealed(database)
    sealed(database, OF_ACME, [first, second])
    sealed(database, OF_ACME, [third], after=2)
    with database.autocommit() as reads:
        assert reads.chains.get([OF_ACME, OF_GLOBEX]) == {OF_ACME: Chain(id=OF_ACME, position=3, mac="mac-3")}
        assert reads.chains.get([]) == {}


def test_a_checkpoint_survives_the_round_trip(database: Persistence) -> None:
    happened(database, a_happening())
    [entry] = unsealed(database)
    chain = Chain(id=OF_ACME, position=8, mac="m", checkpoint=7, checkpoint_mac="n", checkpoint_proof="p")
    with database.unit_of_work() as uow:
        uow.chains.append([Seal(chain_id=OF_ACME, position=8, entry_id=entry.id, mac="m")], [chain])
    with database.autocommit() as reads:
        assert list(reads.chains.all()) == [chain]


def test_all_chains_come_by_their_ids(database: Persistence) -> None:
    a_trail(database, length=1)
    with database.autocommit() as reads:
        assert [chain.id for chain in reads.chains.all()] == sorted([OF_ACME, OF_GLOBEX, OF_ADA])


@pytest.mark.parametrize("count", [500, 501, 1001])
def test_all_of_many_chains_come_once(database: Persistence, count: int) -> None:
    happened(database, *(a_happening(organization_id=None, about=UUID(int=number + 1)) for number in range(count)))
    with database.unit_of_work() as uow:
        found = uow.chains.unsealed(limit=count)
        seals = [Seal(chain_id=each.chain_id, position=1, entry_id=each.id, mac="m") for each in found]
        uow.chains.append(seals, [Chain(id=each.chain_id, position=1, mac="m") for each in found])
    with database.autocommit() as reads:
        assert [chain.id for chain in reads.chains.all()] == [ChainId(UUID(int=number + 1)) for number in range(count)]


def test_whoever_has_a_seal_claims_its_place_rightly(database: Persistence) -> None:
    """What tests of tampering find otherwise."""
    a_trail(database, length=4)
    happened(database, a_happening())
    with database.autocommit() as reads:
        assert reads.chains.unproved(OF_ACME, limit=10) == []
        assert reads.chains.headless(limit=10) == []


def test_a_chain_without_an_end_is_found(database: Persistence) -> None:
    happened(database, *(a_happening(**changes) for changes in HERE))
    with database.unit_of_work() as uow:
        waiting = uow.chains.unsealed(limit=10)
        seals = [Seal(chain_id=each.chain_id, position=1, entry_id=each.id, mac="m") for each in waiting]
        uow.chains.append(seals, [Chain(id=OF_ACME, position=1, mac="m")])
    without = sorted({seal.chain_id for seal in seals} - {OF_ACME})
    with database.autocommit() as reads:
        assert reads.chains.headless(limit=10) == without
        assert reads.chains.headless(limit=1) == without[:1]
