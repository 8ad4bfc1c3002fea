"""However members collude, none of them, nobody they let in and no key or program of theirs gets beyond what one of
them was given by the owner."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from domain.access import Actor, Principal
from domain.kernel import DomainError
from domain.permissions import (
    API_KEYS_MANAGE,
    INVITATIONS_MANAGE,
    MEMBERS_MANAGE,
    MEMBERS_READ,
    ORGANIZATION_READ,
    ROLES_MANAGE,
    ROLES_READ,
    SERVICE_ACCOUNTS_MANAGE,
    Permission,
)
from domain.roles import ADMIN, BUILT_IN, OWNER
from tests.application.world import World

POWERS = [MEMBERS_MANAGE, ROLES_MANAGE, INVITATIONS_MANAGE, SERVICE_ACCOUNTS_MANAGE, API_KEYS_MANAGE]
RIGHTS = [*POWERS, ORGANIZATION_READ, MEMBERS_READ, ROLES_READ]
NEW_ROLES = ["first", "second"]

some_rights = st.frozensets(st.sampled_from(RIGHTS), min_size=3)


T = TypeVar("T")


class Plot:
    """An owner and an admin who do nothing, and two members who try everything."""

    def __init__(self, world: World, given: list[frozenset[Permission]]) -> None:
        self.world = world
        self.owner = world.an_organization()
        self.admin = world.a_member(self.owner, "admin@example.com", role=ADMIN)
        self.people: list[Principal] = [self.owner.person(), self.admin.person()]
        for number, rights in enumerate(given):
            self.people.append(world.a_member_who_may(self.owner, *rights, email=f"{number}@example.com").person())
        self.people.append(world.somebody("friend@example.com"))
        self.roles = [*BUILT_IN, *NEW_ROLES, *(f"role-{2 + number}" for number in range(len(given)))]
        self.secrets: list[str] = []
        self.robots = [world.make_service_account(actor=self.owner, name="Robot", role="member")]

    def conspirators(self) -> list[Actor]:
        """Whoever of them, by session or by key, is in the organization now."""
        found = []
        for person in self.people[2:]:
            with suppress(DomainError):
                found.append(self.world.within(person, self.owner.organization_id))
        for secret in self.secrets:
            with suppress(DomainError):
                found.append(self.world.by_key(secret).within(self.owner.organization_id))
        return found

    def attempt(self, data: st.DataObject) -> None:
        actors = self.conspirators()
        if not actors:
            return
        world = self.world

        def pick(among: list[T]) -> T:
            return data.draw(st.sampled_from(among))

        actor, role, rights, robot = pick(actors), pick(self.roles), data.draw(some_rights), pick(self.robots)
        whom, friend = pick(self.people), self.people[-1]

        def invite() -> None:
            world.invite(actor=actor, email=friend.account.email.value, role=role)
            world.accept_invitation(principal=friend, token=world.list_my_invitations(principal=friend)[0].token)

        def make_key() -> None:
            made = world.make_personal_key(
                principal=actor.person(), actor=actor, name="K", scopes=rights, expires_at=None
            )
            self.secrets.append(made.secret)

        def make_service_key() -> None:
            made = world.make_service_key(
                actor=actor, service_account_id=robot.id, name="K", scopes=rights, expires_at=None
            )
            self.secrets.append(made.secret)

        attempts: list[Callable[[], object]] = [
            lambda: world.make_role(actor=actor, name=pick(NEW_ROLES), description="", permissions=rights),
            lambda: world.change_role(actor=actor, name=role, permissions=rights),
            lambda: world.delete_role(actor=actor, name=role),
            lambda: world.change_member_role(actor=actor, account_id=whom.account.id, role=role),
            lambda: world.remove_member(actor=actor, account_id=whom.account.id),
            lambda: self.robots.append(world.make_service_account(actor=actor, name="Robot", role=role)),
            lambda: world.change_service_account(actor=actor, service_account_id=robot.id, role=role),
            invite,
            make_key,
            make_service_key,
        ]
        with suppress(DomainError):
            pick(attempts)()


@settings(max_examples=40, phases=[Phase.generate])  # a shorter plot would take minutes to find
@given(st.lists(some_rights, min_size=2, max_size=2), st.data())
def test_nobody_gets_beyond_what_one_of_them_was_given(given: list[frozenset[Permission]], data: st.DataObject) -> None:
    world = World()
    plot = Plot(world, given)
    for _ in range(20):
        plot.attempt(data)
        members = world.members(plot.owner.organization_id)
        assert members[plot.people[0].account.id] == OWNER
        assert members[plot.people[1].account.id] == ADMIN
        for actor in plot.conspirators():
            assert any(actor.permissions() <= rights for rights in given), actor
