"""Personal keys, and what any key is worth at the moment it is presented."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import uuid4

import pytest

from adapters.security.secret_hashes import HmacSecretHasher
from adapters.security.secret_keys import SecretKeys
from application.access import Authenticate
from application.api_keys import MadeApiKey
from domain.access import Actor, Principal, SessionRequired
from domain.api_keys import (
    MOST_KEYS,
    ApiKeyDamaged,
    ApiKeyInvalid,
    ApiKeyNotFound,
    ApiKeySecret,
    InvalidApiKey,
    KeyKind,
    TooManyApiKeys,
)
from domain.kernel import ApiKeyId
from domain.organizations import OrganizationNotFound
from domain.permissions import (
    MEMBERS_MANAGE,
    MEMBERS_READ,
    ORGANIZATION_READ,
    ORGANIZATION_UPDATE,
    PermissionUnknown,
)
from domain.roles import ADMIN, MEMBER, ExceedsOwnRights
from domain.sessions import SessionEnded
from tests.application.use_cases import UseCases
from tests.application.world import ADA, ANOTHER, EVE, PASSWORD, World
from tests.builders import DAY, HOUR, MINUTE

MOMENT = timedelta(microseconds=1)
OVERLAP = 24 * HOUR


def a_key(
    world: World, actor: Actor, *scopes: str, expires_at: datetime | None = None, name: str = "Backup"
) -> MadeApiKey:
    """Of that member, in that organization."""
    return world.make_personal_key(
        principal=actor.person(),
        actor=actor,
        name=name,
        scopes=scopes or [ORGANIZATION_READ],
        expires_at=expires_at,
    )


def a_key_for_nothing(world: World, principal: Principal) -> MadeApiKey:
    """One that tells whose it is, and no more."""
    return world.make_personal_key(principal=principal, actor=None, name="CI", scopes=[], expires_at=None)


def is_worth_something(world: World, secret: str) -> bool:
    try:
        world.by_key(secret)
    except ApiKeyInvalid:
        return False
    return True


# ---- making one


def test_a_key_acts_in_its_owners_name_for_what_its_scopes_name(world: World) -> None:
    ada = world.an_organization()
    made = a_key(world, ada, ORGANIZATION_READ, MEMBERS_READ)
    caller = world.by_key(made.secret)
    assert caller.own_account().id == ada.id
    assert caller.within(ada.organization_id).permissions() == {ORGANIZATION_READ, MEMBERS_READ}
    with pytest.raises(SessionRequired):
        caller.person()


def test_a_key_without_an_organization_is_in_none(world: World) -> None:
    ada = world.an_organization()
    caller = world.by_key(a_key_for_nothing(world, ada.person()).secret)
    assert caller.own_account().id == ada.id
    with pytest.raises(OrganizationNotFound):
        caller.within(ada.organization_id)


def test_a_key_is_worth_nothing_in_its_owners_other_organization(world: World) -> None:
    ada = world.an_organization()
    other = world.make_organization(principal=ada.person(), name="Other")
    secret = a_key(world, ada).secret
    caller, _ = world.authenticate(secret, organization_id=other.id)
    with pytest.raises(OrganizationNotFound):
        caller.within(other.id)


def test_a_scope_may_not_be_wider_than_ones_own_role(world: World) -> None:
    member = world.a_member(world.an_organization(), role=MEMBER)
    with pytest.raises(ExceedsOwnRights):
        a_key(world, member, ORGANIZATION_READ, ORGANIZATION_UPDATE)
    assert world.list_personal_keys(principal=member.person(), limit=10, after=None) == ([], None)


@pytest.mark.parametrize("scope", ["organization:burn", "organization", "", "*", "organization:*", "\0", "ä:b"])
def test_a_scope_is_of_the_catalogue(world: World, scope: str) -> None:
    with pytest.raises(PermissionUnknown) as refused:
        a_key(world, world.an_organization(), ORGANIZATION_READ, scope)
    assert refused.value.field == "scopes"


def test_scopes_and_organization_come_together(world: World) -> None:
    ada = world.an_organization()
    for actor, scopes in ((None, [ORGANIZATION_READ]), (ada, [])):
        with pytest.raises(InvalidApiKey):
            world.make_personal_key(principal=ada.person(), actor=actor, name="CI", scopes=scopes, expires_at=None)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "a\0b", "\u202eb"])
def test_a_name_can_be_read(world: World, name: str) -> None:
    with pytest.raises(InvalidApiKey):
        a_key(world, world.an_organization(), name=name)


def test_a_key_cannot_have_expired_before_it_is_made(world: World) -> None:
    ada = world.an_organization()
    for expires_at in (world.clock.now(), world.clock.now() - DAY):
        with pytest.raises(InvalidApiKey):
            a_key(world, ada, expires_at=expires_at)


def test_one_has_at_most_fifty(world: World) -> None:
    ada = world.somebody()
    for _ in range(MOST_KEYS):
        last = a_key_for_nothing(world, ada)
    with pytest.raises(TooManyApiKeys):
        a_key_for_nothing(world, ada)
    world.revoke_personal_key(principal=ada, key_id=last.key.id)
    a_key_for_nothing(world, ada)


def test_whoever_was_signed_out_meanwhile_learns_no_secret(world: World) -> None:
    ada = world.an_organization()
    made = a_key(world, ada)
    world.sign_out(principal=ada.person())
    with pytest.raises(SessionEnded):
        a_key(world, ada)
    with pytest.raises(SessionEnded):
        world.rotate_personal_key(principal=ada.person(), key_id=made.key.id)
    world.revoke_personal_key(principal=ada.person(), key_id=made.key.id)  # nobody is the worse for it


def test_whoever_left_meanwhile_makes_none(world: World) -> None:
    member = world.a_member(world.an_organization())
    world.leave_organization(actor=member)
    with pytest.raises(OrganizationNotFound):
        a_key(world, member)


def test_nothing_that_is_kept_shows_the_secret(world: World) -> None:
    ada = world.an_organization()
    made = a_key(world, ada)
    rotated = world.rotate_personal_key(principal=ada.person(), key_id=made.key.id)
    (kept,), _ = world.list_personal_keys(principal=ada.person(), limit=10, after=None)
    shown = " ".join(map(repr, (made, rotated, kept, ApiKeySecret.parse(made.secret), *world.events(), world.journal)))
    for secret in (made.secret, rotated.secret):
        assert secret.startswith(kept.prefix[:6])
        assert secret[len(kept.prefix) :] not in shown
        assert secret not in (kept.digest, kept.previous_digest)
    assert kept.digest not in shown


def test_making_rotating_and_revoking_is_told(world: World) -> None:
    ada = world.somebody()
    made = a_key_for_nothing(world, ada)
    world.rotate_personal_key(principal=ada, key_id=made.key.id)
    world.revoke_personal_key(principal=ada, key_id=made.key.id)
    told = [event for event in world.events() if event.name.startswith("api_key")]
    assert [event.name for event in told] == ["api_key.created", "api_key.rotated", "api_key.ended"]
    assert {event.data["key_id"] for event in told} == {str(made.key.id)}
    assert {event.data["owner_id"] for event in told} == {str(ada.account.id)}
    assert told[-1].data["reason"] == "revoked"


# ---- rotating and revoking


def test_both_secrets_work_for_a_day_and_then_the_new_one_alone(world: World) -> None:
    ada = world.an_organization()
    made = a_key(world, ada)
    rotated = world.rotate_personal_key(principal=ada.person(), key_id=made.key.id)
    assert rotated.key.previous_expires_at == world.clock.now() + OVERLAP
    assert rotated.secret != made.secret
    world.clock.advance(OVERLAP - MOMENT)
    assert world.by_key(made.secret).id == world.by_key(rotated.secret).id == ada.id
    world.clock.advance(MOMENT)
    assert not is_worth_something(world, made.secret)
    assert is_worth_something(world, rotated.secret)


def test_of_two_rotations_only_the_last_leaves_an_old_secret(world: World) -> None:
    ada = world.somebody()
    first = a_key_for_nothing(world, ada)
    second = world.rotate_personal_key(principal=ada, key_id=first.key.id)
    third = world.rotate_personal_key(principal=ada, key_id=first.key.id)
    assert [is_worth_something(world, made.secret) for made in (first, second, third)] == [False, True, True]


def test_a_revoked_key_is_worth_nothing_and_so_is_its_old_secret(world: World) -> None:
    ada = world.somebody()
    made = a_key_for_nothing(world, ada)
    rotated = world.rotate_personal_key(principal=ada, key_id=made.key.id)
    world.revoke_personal_key(principal=ada, key_id=made.key.id)
    assert not is_worth_something(world, made.secret)
    assert not is_worth_something(world, rotated.secret)
    with pytest.raises(ApiKeyNotFound):
        world.revoke_personal_key(principal=ada, key_id=made.key.id)


def test_nobody_touches_the_key_of_another(world: World) -> None:
    made = a_key_for_nothing(world, world.somebody())
    eve = world.somebody(EVE)
    for call in (world.rotate_personal_key, world.revoke_personal_key):
        for key_id in (made.key.id, uuid4()):
            with pytest.raises(ApiKeyNotFound):
                call(principal=eve, key_id=key_id)
    assert world.list_personal_keys(principal=eve, limit=10, after=None) == ([], None)
    assert is_worth_something(world, made.secret)


def test_keys_are_listed_oldest_first_in_pages(world: World) -> None:
    ada = world.somebody()
    made = [a_key_for_nothing(world, ada).key.id for _ in range(3)]
    first, after = world.list_personal_keys(principal=ada, limit=2, after=None)
    rest, end = world.list_personal_keys(principal=ada, limit=2, after=after)
    assert [key.id for key in (*first, *rest)] == made
    assert end is None


# ---- what it is worth when it is presented


def test_a_use_is_written_at_most_once_a_minute(world: World) -> None:
    ada = world.somebody()
    made = a_key_for_nothing(world, ada)

    def used() -> list[str]:
        with world.work() as work:
            world.by_key(made.secret)
        return work

    noted = ["access.by_key", "api_keys.note_use"]
    assert used() == noted
    world.clock.advance(MINUTE - MOMENT)
    assert used() == ["access.by_key"]
    world.clock.advance(MOMENT)
    assert used() == noted
    (key,), _ = world.list_personal_keys(principal=ada, limit=1, after=None)
    assert key.last_used_at == world.clock.now()
    assert "api_key.used" not in world.event_names()


def under(world: World, current: str, *old: str) -> Authenticate:
    """How keys are taken once the secret of the installation is another."""
    return replace(world.authenticate, secret_hasher=HmacSecretHasher(SecretKeys(current, old)))


def test_a_key_that_is_used_outlives_a_change_of_the_secret(world: World) -> None:
    ada = world.somebody()
    used, idle = a_key_for_nothing(world, ada), a_key_for_nothing(world, ada)
    under(world, "the next secret", "a secret of the tests")(used.secret)
    assert under(world, "the next secret")(used.secret)[0].id == ada.account.id
    with pytest.raises(ApiKeyInvalid):
        under(world, "the next secret")(idle.secret)


def test_the_old_secret_of_a_rotated_key_does_not_take_the_place_of_the_new_one(world: World) -> None:
    ada = world.somebody()
    made = a_key_for_nothing(world, ada)
    rotated = world.rotate_personal_key(principal=ada, key_id=made.key.id)
    changing = under(world, "the next secret", "a secret of the tests")
    changing(made.secret)
    world.clock.advance(MINUTE)
    changing(rotated.secret)
    world.clock.advance(OVERLAP)
    with pytest.raises(ApiKeyInvalid):
        changing(made.secret)
    assert under(world, "the next secret")(rotated.secret)[0].id == ada.account.id


def test_a_refused_key_is_not_noted_as_used(world: World) -> None:
    ada = world.somebody()
    made = a_key_for_nothing(world, ada)
    world.suspend(principal=world.an_operator(), account_id=ada.account.id)
    with world.work() as work:
        assert not is_worth_something(world, made.secret)
    assert work == ["access.by_key"]


def test_it_works_until_it_expires(world: World) -> None:
    ada = world.an_organization()
    made = a_key(world, ada, expires_at=world.clock.now() + DAY)
    world.clock.advance(DAY - MOMENT)
    assert is_worth_something(world, made.secret)
    world.clock.advance(MOMENT)
    assert not is_worth_something(world, made.secret)


def test_rotating_does_not_prolong_it(world: World) -> None:
    ada = world.an_organization()
    made = a_key(world, ada, expires_at=world.clock.now() + HOUR)
    rotated = world.rotate_personal_key(principal=ada.person(), key_id=made.key.id)
    world.clock.advance(HOUR)
    assert not is_worth_something(world, made.secret)
    assert not is_worth_something(world, rotated.secret)


def test_it_is_asleep_while_its_owner_is_suspended(world: World) -> None:
    ada, olga = world.an_organization(), world.an_operator()
    secrets = [a_key(world, ada).secret, a_key_for_nothing(world, ada.person()).secret]
    world.suspend(principal=olga, account_id=ada.id)
    assert not any(is_worth_something(world, secret) for secret in secrets)
    world.reactivate(principal=olga, account_id=ada.id)
    assert all(is_worth_something(world, secret) for secret in secrets)


def removed(world: World, owner: Actor, member: Actor) -> None:
    world.remove_member(actor=owner, account_id=member.id)


def left(world: World, _: Actor, member: Actor) -> None:
    world.leave_organization(actor=member)


def organization_deleted(world: World, owner: Actor, _: Actor) -> None:
    slug = world.show_organization(actor=owner).organization.slug
    world.delete_organization(actor=owner, confirm=slug)


@pytest.mark.parametrize("end", [removed, left, organization_deleted])
def test_it_dies_with_the_membership(world: World, end: Callable[[World, Actor, Actor], None]) -> None:
    owner = world.an_organization()
    member = world.a_member(owner)
    here, anywhere = a_key(world, member), a_key_for_nothing(world, member.person())
    end(world, owner, member)
    assert not is_worth_something(world, here.secret)
    assert is_worth_something(world, anywhere.secret), "a key of no organization stays"


def test_it_does_not_come_back_with_a_new_membership(world: World) -> None:
    owner = world.an_organization()
    member = world.a_member(owner)
    made = a_key(world, member)
    world.remove_member(actor=owner, account_id=member.id)
    world.invite(actor=owner, email=EVE, role=MEMBER)
    world.accept_invitation(principal=member.person(), token=world.mailed_token("invitation"))
    assert not is_worth_something(world, made.secret)


def test_a_password_reset_revokes_it_and_a_change_of_password_does_not(world: World) -> None:
    ada = world.an_organization()
    secrets = [a_key(world, ada).secret, a_key_for_nothing(world, ada.person()).secret]
    world.change_password(principal=ada.person(), current_password=PASSWORD, new_password=ANOTHER)
    assert all(is_worth_something(world, secret) for secret in secrets)
    world.request_reset(email=ADA)
    world.confirm_reset(token=world.mailed_token("password_reset"), new_password=PASSWORD)
    assert not any(is_worth_something(world, secret) for secret in secrets)
    reasons = [event.data["reason"] for event in world.events() if event.name == "api_key.ended"]
    assert reasons == ["password_reset"] * 2


def test_closing_the_account_ends_it(world: World) -> None:
    ada = world.somebody()
    made = a_key_for_nothing(world, ada)
    world.close(principal=ada, password=PASSWORD)
    assert not is_worth_something(world, made.secret)


def test_a_demotion_counts_from_the_next_request(world: World) -> None:
    owner = world.an_organization()
    admin = world.a_member(owner, role=ADMIN)
    secret = a_key(world, admin, MEMBERS_READ, MEMBERS_MANAGE).secret
    world.change_member_role(actor=owner, account_id=admin.id, role=MEMBER)
    assert world.by_key(secret).within(owner.organization_id).permissions() == {MEMBERS_READ}


def test_a_promotion_widens_no_scope(world: World) -> None:
    owner = world.an_organization()
    member = world.a_member(owner)
    secret = a_key(world, member, MEMBERS_READ).secret
    world.change_member_role(actor=owner, account_id=member.id, role=ADMIN)
    assert world.by_key(secret).within(owner.organization_id).permissions() == {MEMBERS_READ}


# ---- what is no key


class Untouchable:
    """A database that nobody may even open."""

    def __call__(self) -> NoReturn:
        raise AssertionError("The database was asked.")


def by_sight(world: UseCases) -> Authenticate:
    return replace(world.authenticate, autocommit=Untouchable())


def test_a_damaged_key_is_refused_without_asking_the_database(world: World) -> None:
    secret = a_key_for_nothing(world, world.somebody()).secret
    authenticate = by_sight(world)
    for place in range(4, len(secret)):
        other = "x" if secret[place] != "x" else "y"
        with pytest.raises(ApiKeyDamaged):
            authenticate(secret[:place] + other + secret[place + 1 :])
    for cut in ("ptc_", secret[:-1], secret + "0", secret + " ", secret.swapcase(), secret[:50] + "é" + secret[51:]):
        with pytest.raises(ApiKeyDamaged):
            authenticate(cut if cut.startswith("ptc_") else "ptc_" + cut)
    with pytest.raises(AssertionError, match="was asked"):
        authenticate(secret)


def forged(kind: KeyKind, like: ApiKeySecret, **changes: object) -> str:
    """Whole, by its checksum, and nobody's."""
    named = {"id": like.id, "owner_id": like.owner_id, "random": b"r" * 32, **changes}
    return ApiKeySecret.make(kind=kind, **named).text  # type: ignore[arg-type]


def test_a_guessed_key_is_refused_whatever_of_it_is_right(world: World) -> None:
    like = ApiKeySecret.parse(a_key_for_nothing(world, world.somebody()).secret)
    for text in (
        forged(KeyKind.PERSONAL, like),
        forged(KeyKind.SERVICE, like),
        forged(KeyKind.PERSONAL, like, id=ApiKeyId(uuid4())),
        forged(KeyKind.PERSONAL, like, owner_id=uuid4()),
    ):
        with pytest.raises(ApiKeyInvalid):
            world.by_key(text)
