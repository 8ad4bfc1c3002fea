"""The past goes in its own time: what is personal of whoever left, old entries, old events."""

from collections import Counter

from application.occasion import occasioned
from domain.audit import INSTALLATION, ChainId, Occasion, checkpointed
from domain.kernel import AccountId
from tests.application.world import ADA, ELSEWHERE, PASSWORD, World
from tests.builders import DAY, MINUTE

CALLED = Occasion(client=ELSEWHERE, request_id="a-request")


def swept(world: World) -> Counter[str]:
    removed: Counter[str] = Counter()
    for batch in world.sweep():
        removed[batch.kind] += batch.removed
    return +removed


def sequence(world: World) -> None:
    while world.sequencer():
        pass


def personal(world: World, account_id: AccountId) -> list[str]:
    """Of which actions something personal of the account is kept."""
    return [entry.action for entry in world.entries() if entry.personal and entry.personal.account_id == account_id]


def test_who_leaves_takes_what_is_personal_along_and_leaves_the_entries(world: World) -> None:
    with occasioned(CALLED):
        principal = world.somebody(ADA)
        world.rename(principal=principal, display_name="Ada Lovelace")
        id = principal.account.id
        assert len(personal(world, id)) == 2
        world.close(principal=principal, password=PASSWORD)
    digests = {entry.id: entry.digest for entry in world.entries()}
    # Only of the closing itself, which was written last.
    assert set(personal(world, id)) == {"account.closed", "session.ended"}
    world.clock.advance(2 * MINUTE)
    assert swept(world)["traces of closed accounts"] == 3  # two, and the request for it
    assert personal(world, id) == []
    assert {entry.id: entry.digest for entry in world.entries()} == digests
    assert all(entry.personal_digest for entry in world.entries() if entry.request_id)


def test_what_others_did_with_a_closed_account_stays_theirs(world: World) -> None:
    operator = world.an_operator()
    principal = world.somebody(ADA)
    with occasioned(Occasion(actor_id=operator.account.id, client=ELSEWHERE)):
        world.show_account(principal=operator, account_id=principal.account.id)
    world.close(principal=principal, password=PASSWORD)
    world.clock.advance(2 * MINUTE)
    swept(world)
    assert personal(world, operator.account.id) == ["show_account"]


def test_entries_leave_after_their_time_and_a_checkpoint_stands_for_them(world: World) -> None:
    with occasioned(CALLED):
        id = world.somebody(ADA).account.id
        sequence(world)
        world.clock.advance(400 * DAY)
        world.enter()
    sequence(world)
    # She signed in on the first day, when her account had been there for long.
    assert swept(world)["audit entries"] == 0
    world.clock.advance(MINUTE)
    assert swept(world)["audit entries"] == 1
    with world.database.persistence.autocommit() as reads:
        chain = reads.chains.get([ChainId(id)])[ChainId(id)]
    assert chain.checkpoint == 1
    assert world.sealer.is_whole(checkpointed(chain.id, 1, chain.checkpoint_mac), chain.checkpoint_proof)
    assert personal(world, id) == ["session.started"]


def test_events_leave_the_feed_after_theirs(world: World) -> None:
    world.somebody(ADA)
    sequence(world)
    world.clock.advance(30 * DAY + MINUTE)
    world.enter()
    sequence(world)
    assert swept(world)["events"] == 1
    with world.database.persistence.autocommit() as reads:
        assert [event.position for event in reads.outbox.feed(after=0, limit=10)] == [2]
        assert reads.sequence.get().forgotten == 1


def test_what_nobody_has_sealed_or_placed_stays(world: World) -> None:
    world.an_operator()
    before = world.entries()
    world.clock.advance(4000 * DAY)
    assert not swept(world).keys() & {"audit entries", "events"}
    assert world.entries() == before
    assert INSTALLATION not in {entry.actor_id for entry in before}
