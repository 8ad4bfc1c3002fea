"""Removing what is over, and nothing else."""

from collections import Counter

from domain.roles import MEMBER
from domain.signing_keys import KeyState
from tests.application.world import ADA, EVE, PASSWORD, World
from tests.builders import DAY, MINUTE


def swept(world: World) -> Counter[str]:
    removed: Counter[str] = Counter()
    for batch in world.sweep():
        removed[batch.kind] += batch.removed
    return +removed


def fill(world: World, number: int) -> None:
    """One thing of each kind that will be over some day."""
    address = f"somebody-{number}@example.com"
    principal = world.somebody(address)
    world.register(email=f"new-{number}@example.com", password=PASSWORD)
    world.request_reset(email=address)
    world.request_email_change(principal=principal, new_email=f"x-{address}", password=PASSWORD)
    id = world.make_organization(principal=principal, name="Acme").id
    acme = world.within(principal, id)
    world.invite(actor=acme, email=f"invited-{number}@example.com", role=MEMBER)
    for expires_at in (None, world.clock.now() + 2 * DAY):
        world.make_personal_key(principal=principal, actor=None, name="K", scopes=[], expires_at=expires_at)


def test_nothing_that_still_counts_is_removed(world: World) -> None:
    for number in range(3):
        fill(world, number)
    assert swept(world) == {}
    world.deliver()
    assert swept(world) == {}
    assert world.verify(
        token=next(mail.values["token"] for mail in world.mailer.sent if mail.template == "verification"),
        password=PASSWORD,
    )


def test_everything_that_is_over_is_removed_batch_by_batch(world: World) -> None:
    for number in range(5):
        fill(world, number)
    world.deliver()
    world.clock.advance(31 * DAY)
    with world.work() as work:
        removed = swept(world)
    assert removed == {
        "claims": 5,
        "password resets": 5,
        "address changes": 5,
        "attempt counters": 15,
        "sessions": 5,
        "invitations": 5,
        "API keys": 5,
        "sent mail": 25,
    }
    assert work.count("claims.sweep") == 3  # two at a time
    assert work.count("begin") == work.count("commit")
    assert swept(world) == {}


def test_each_thing_goes_in_its_own_time(world: World) -> None:
    fill(world, 1)
    world.deliver()
    world.clock.advance(30 * MINUTE)
    assert swept(world) == {"password resets": 1}
    world.clock.advance(DAY)
    assert swept(world) == {"claims": 1, "address changes": 1, "attempt counters": 3}
    world.clock.advance(DAY)
    assert swept(world) == {"invitations": 1, "API keys": 1}
    world.clock.advance(5 * DAY)
    assert swept(world) == {"sessions": 1}
    world.clock.advance(23 * DAY)
    assert swept(world) == {"sent mail": 5}


def test_accounts_events_and_waiting_mail_stay(world: World) -> None:
    principal = world.somebody(ADA)
    world.an_account(EVE)
    world.request_reset(email=EVE)
    before = world.events()
    world.clock.advance(365 * DAY)
    swept(world)
    assert world.account(principal.account.id) == principal.account
    assert world.events() == before
    assert [mail.due_at is None for mail in world.queued(EVE)] == [False]


def test_retired_keys_are_revoked(world: World) -> None:
    world.prepare_keys()
    world.rotate_keys(force=True)
    world.clock.advance(11 * MINUTE)
    assert swept(world) == {"retired keys": 1}
    assert [key.state for key in world.list_keys()] == [KeyState.REVOKED, KeyState.ACTIVE, KeyState.STANDBY]


def test_challenges_codes_by_mail_and_trust_go_in_their_own_time(world: World) -> None:
    world.an_app_of(world.an_account())
    world.enter_with_app(trust_device=True)
    world.asked()
    world.begin_passkey_sign_in()
    world.request_email_code(email=ADA)
    assert swept(world) == {}
    world.clock.advance(5 * MINUTE)
    assert swept(world) == {"challenges": 2}
    world.clock.advance(5 * MINUTE)
    assert swept(world) == {"codes by mail": 1}
    world.clock.advance(30 * DAY - 10 * MINUTE)
    assert swept(world)["trusted devices"] == 1
