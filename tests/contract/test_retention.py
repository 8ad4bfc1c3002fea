"""Old entries leave from the beginning of their chains, and what is left can still be proved."""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from adapters.environment import Uuid7Ids
from adapters.security.seals import HmacSealer
from adapters.security.secret_keys import SecretKeys
from application.occasion import occasioned
from application.ports.unit_of_work import Persistence, TransactionFailed
from application.retention import ForgetEntries, ForgetEvents
from application.sequencing import Sequencer
from domain.audit import AuditEntry, Chain, ChainId, Happening, Occasion, Seal, checkpointed, sealed
from domain.kernel import AccountId, OrganizationId
from domain.sessions import Client
from tests.builders import DAY, NOON, FixedClock, an_account
from tests.contract.threads import at_once

HERE, THERE, ADA = ChainId(uuid4()), ChainId(uuid4()), AccountId(uuid4())
SEALER = HmacSealer(SecretKeys("a secret of the tests"))
KEPT = timedelta(days=400)
NOW = NOON + 500 * DAY
CALLER = Occasion(actor_id=ADA, client=Client(user_agent="curl", network="192.0.2.7/32"))


def note(database: Persistence, *times: datetime, chain: ChainId = HERE) -> None:
    with occasioned(CALLER), database.unit_of_work() as uow:
        for at in times:
            uow.audit.note(Happening(action="show_account", at=at, organization_id=OrganizationId(chain)))


def seal(database: Persistence) -> None:
    clock = FixedClock(NOON)
    sequence = Sequencer(
        unit_of_work=database.unit_of_work,
        autocommit=database.autocommit,
        sealer=SEALER,
        clock=clock,
        ids=Uuid7Ids(),
        holder=UUID(int=1),
        batch=3,
    )
    while sequence():
        pass


def forget(database: Persistence, *, batch: int = 100, now: datetime = NOW) -> list[int]:
    retention = ForgetEntries(
        unit_of_work=database.unit_of_work, sealer=SEALER, clock=FixedClock(now), kept=KEPT, batch=batch
    )
    return list(retention())


def links(database: Persistence, chain: ChainId = HERE) -> list[tuple[Seal, AuditEntry | None]]:
    with database.autocommit() as reads:
        return reads.chains.links(chain, after=0, limit=1000)


def head(database: Persistence, chain: ChainId = HERE) -> Chain:
    with database.autocommit() as reads:
        return reads.chains.get([chain])[chain]


def is_proved(database: Persistence, chain: ChainId = HERE) -> bool:
    """That nothing is missing from its checkpoint to its head."""
    end = head(database, chain)
    position, mac = end.checkpoint, end.checkpoint_mac
    if position:
        assert SEALER.is_whole(checkpointed(chain, position, mac), end.checkpoint_proof)
    for link, entry in links(database, chain):
        assert entry
        assert link.position == position + 1
        assert SEALER.is_whole(sealed(chain, link.position, mac, entry.digest), link.mac)
        position, mac = link.position, link.mac
    return (position, mac) == (end.position, end.mac)


def personal_rows(database: Persistence) -> int:
    """How many there are of her, which it removes."""
    with database.unit_of_work() as uow:
        return uow.audit.erase(ADA, limit=1000)


def test_what_is_old_leaves_with_its_seals_and_what_is_personal_in_it(database: Persistence) -> None:
    note(database, *(NOON + number * DAY for number in (0, 99, 100, 101)))
    seal(database)
    before = head(database)
    assert forget(database) == [2]
    assert [link.position for link, _ in links(database)] == [3, 4]
    after = head(database)
    assert (after.position, after.mac, after.checkpoint) == (before.position, before.mac, 2)
    assert is_proved(database)
    assert personal_rows(database) == 2


def test_what_is_as_old_as_the_limit_stays(database: Persistence) -> None:
    note(database, NOW - KEPT)
    seal(database)
    assert forget(database) == [0]
    assert is_proved(database)


def test_what_is_not_sealed_stays_whatever_its_age(database: Persistence) -> None:
    note(database, NOON)
    assert forget(database) == [0]
    seal(database)
    assert is_proved(database)
    assert forget(database) == [1]


def test_a_chain_whose_entries_are_all_gone_keeps_its_head_and_goes_on(database: Persistence) -> None:
    note(database, NOON, NOON + DAY)
    seal(database)
    before = head(database)
    assert forget(database) == [2]
    assert links(database) == []
    after = head(database)
    assert (after.position, after.mac) == (before.position, before.mac) == (2, after.checkpoint_mac)
    note(database, NOW)
    seal(database)
    assert [link.position for link, _ in links(database)] == [3]
    assert head(database).checkpoint == 2
    assert is_proved(database)


def test_many_chains_are_shortened_in_batches(database: Persistence) -> None:
    for number in range(5):
        note(database, NOON + number * DAY)
        note(database, NOON + number * DAY, chain=THERE)
    note(database, NOW, chain=THERE)
    seal(database)
    assert forget(database, batch=3) == [3, 3, 3, 1]
    assert (links(database), len(links(database, THERE))) == ([], 1)
    assert is_proved(database)
    assert is_proved(database, THERE)
    assert forget(database, batch=3) == [0]


def test_nothing_leaves_out_of_order_and_what_must_stay_holds_no_other_chain_up(database: Persistence) -> None:
    note(database, NOW)  # a clock that was wrong, say
    seal(database)
    note(database, NOON, NOON + DAY)
    note(database, NOON + 2 * DAY, NOON + 3 * DAY, chain=THERE)
    seal(database)
    assert forget(database, batch=2) == [0, 2, 0]
    assert [link.position for link, _ in links(database)] == [1, 2, 3]
    assert links(database, THERE) == []
    assert forget(database, now=NOW + KEPT + DAY) == [3]


def test_several_may_shorten_the_same_chains_while_they_grow(database: Persistence) -> None:
    note(database, *(NOON + number * DAY for number in range(40)))
    seal(database)
    note(database, *(NOW for _ in range(20)))

    def work(number: int) -> int:
        if number:
            return sum(forget(database, batch=5))
        with suppress(TransactionFailed):
            seal(database)
        return 0

    removed = at_once(work, threads=4)
    seal(database)
    assert sum(each for each in removed if isinstance(each, int)) == 40
    end = head(database)
    assert (end.checkpoint, end.position) == (40, 60)
    assert is_proved(database)


# ---- events


def registered(database: Persistence, at: datetime) -> None:
    account = an_account()
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
        uow.accounts.save(account.rename("Ada", at=at))


def events(database: Persistence) -> tuple[list[int | None], int]:
    """Their places, and up to where they are forgotten."""
    with database.autocommit() as reads:
        return [event.position for event in reads.outbox.feed(after=0, limit=100)], reads.sequence.get().forgotten


def test_old_events_leave_the_feed_from_its_beginning_and_it_is_kept_how_many(database: Persistence) -> None:
    forget_events = ForgetEvents(
        unit_of_work=database.unit_of_work, clock=FixedClock(NOON + 31 * DAY), kept=30 * DAY, batch=2
    )
    for number in (0, 0, 0, 1):
        registered(database, NOON + number * DAY)
        seal(database)
    assert [forget_events() for _ in range(3)] == [2, 1, 0]
    assert events(database) == ([4], 3)


def test_an_event_without_a_place_stays_whatever_its_age(database: Persistence) -> None:
    registered(database, NOON)
    forget_events = ForgetEvents(unit_of_work=database.unit_of_work, clock=FixedClock(NOW), kept=30 * DAY)
    assert forget_events() == 0
    seal(database)
    assert events(database) == ([1], 0)
    assert forget_events() == 1


def test_what_was_forgotten_once_stays_forgotten(database: Persistence) -> None:
    for through in (7, 5):
        with database.unit_of_work() as uow:
            uow.sequence.forget(through)
    with database.autocommit() as reads:
        assert reads.sequence.get().forgotten == 7
