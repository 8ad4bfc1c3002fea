from dataclasses import replace

import pytest

from adapters.sql.database import SqlDatabase
from application.catalogue import ApplyCatalogue
from application.ports.unit_of_work import Persistence
from domain.api_keys import ApiKey
from domain.kernel import Stale
from domain.permissions import MEMBERS_READ, OWN, Catalogue, Permission, PermissionInUse
from domain.roles import Role
from tests.builders import NOON, FixedClock, a_personal_key, a_role, a_service_key
from tests.contract.given import events, founded
from tests.contract.threads import MANY, PATIENCE, at_once, begun, in_another_thread, tally

READ, WRITE, SEND = (Permission(f"invoices:{action}") for action in ("read", "write", "send"))
DECLARED = Catalogue.declare(
    {READ: "See invoices — “alle”", WRITE: "", SEND: "ü" * 200}, of_admin=["invoices:*"], of_member=[READ]
)


def put(database: Persistence, catalogue: Catalogue) -> None:
    with database.unit_of_work() as uow:
        uow.catalogue.put(catalogue)


def current(database: Persistence) -> Catalogue:
    with database.autocommit() as reads:
        return reads.catalogue.get()


def named(database: Persistence) -> tuple[Role, ApiKey, ApiKey]:
    """A role and two keys that name some of it."""
    role = a_role(organization_id=founded(database).id, permissions=frozenset({READ, WRITE, MEMBERS_READ}))
    service, personal = a_service_key(scopes=frozenset({WRITE, MEMBERS_READ})), a_personal_key(scopes=frozenset())
    with database.unit_of_work() as uow:
        uow.roles.add(role)
        uow.api_keys.add(service)
        uow.api_keys.add(personal)
    return role, service, personal


def test_until_one_is_put_it_is_porticos_own(database: Persistence) -> None:
    assert current(database) == Catalogue()
    with database.unit_of_work() as uow:
        assert uow.catalogue.lock() == Catalogue()


def test_every_field_survives_the_round_trip(database: Persistence) -> None:
    put(database, DECLARED)
    assert current(database) == DECLARED
    with database.unit_of_work() as uow:
        assert uow.catalogue.lock() == DECLARED


@pytest.mark.parametrize("next_one", [Catalogue(), Catalogue.declare({SEND: "Send", "a:b": "New"}, of_member=[SEND])])
def test_the_next_takes_the_place_of_the_one_before_entirely(database: Persistence, next_one: Catalogue) -> None:
    put(database, DECLARED)
    put(database, next_one)
    assert current(database) == next_one


def test_what_a_built_in_role_is_not_granted_any_more_is_gone(database: Persistence) -> None:
    put(database, DECLARED)
    put(database, replace(DECLARED, of_admin=frozenset(), of_member=frozenset({SEND})))
    assert current(database).of_admin == frozenset()
    assert current(database).of_member == frozenset({SEND})


def test_it_is_told_how_many_roles_and_keys_name_a_permission(database: Persistence) -> None:
    named(database)
    named(database)
    with database.autocommit() as reads:
        assert reads.catalogue.uses([READ, WRITE, SEND]) == {READ: 2, WRITE: 4}
        assert reads.catalogue.uses([SEND]) == {}
        assert reads.catalogue.uses([]) == {}


def test_a_permission_is_no_part_of_another_ones_name(database: Persistence) -> None:
    role = a_role(organization_id=founded(database).id, permissions=frozenset({Permission("invoices:read_all")}))
    with database.unit_of_work() as uow:
        uow.roles.add(role)
        assert uow.catalogue.uses([READ, Permission("invoices:read_al"), Permission("invoices:read%")]) == {}
        uow.catalogue.withdraw([READ])
        assert uow.roles.find(role.organization_id, role.name) == role


def test_what_the_built_in_roles_grant_is_no_use_of_it(database: Persistence) -> None:
    put(database, DECLARED)
    with database.autocommit() as reads:
        assert reads.catalogue.uses(list(DECLARED.permissions)) == {}


def test_what_is_withdrawn_is_struck_out_everywhere_and_nothing_else_is(database: Persistence) -> None:
    role, service, personal = named(database)
    with database.unit_of_work() as uow:
        uow.catalogue.withdraw([WRITE, SEND])
    with database.autocommit() as reads:
        assert reads.roles.permissions(role.organization_id, role.name) == frozenset({READ, MEMBERS_READ})
        narrowed = reads.api_keys.find(service.owner_id, service.id)
        assert narrowed
        assert narrowed.scopes == frozenset({MEMBERS_READ})
        assert reads.api_keys.find(personal.owner_id, personal.id) == personal
        assert reads.catalogue.uses([READ, WRITE]) == {READ: 1}


def test_what_was_withdrawn_does_not_come_back_with_a_save_of_what_was_read_before(database: Persistence) -> None:
    role, service, _ = named(database)
    with database.unit_of_work() as uow:
        uow.catalogue.withdraw([WRITE])
    with pytest.raises(Stale), database.unit_of_work() as uow:
        uow.roles.save(role.change(description="Another", permissions=role.permissions, at=NOON))
    with pytest.raises(Stale), database.unit_of_work() as uow:
        uow.api_keys.save(service)


def test_to_withdraw_nothing_changes_nothing(database: Persistence) -> None:
    role, service, _ = named(database)
    with database.unit_of_work() as uow:
        uow.catalogue.withdraw([])
    with database.autocommit() as reads:
        assert reads.roles.find(role.organization_id, role.name) == role
        assert reads.api_keys.find(service.owner_id, service.id) == service
    assert events(database, role.organization_id) == []


def test_of_many_catalogues_put_at_once_one_is_there_in_one_piece(database: Persistence) -> None:
    catalogues = [
        Catalogue.declare({f"things-{n}:read": f"{n}"}, of_admin=[f"things-{n}:read"], of_member=[f"things-{n}:read"])
        for n in range(MANY)
    ]

    def lock_and_put(number: int) -> None:
        with database.unit_of_work() as uow:
            uow.catalogue.lock()
            uow.catalogue.put(catalogues[number])

    assert tally(at_once(lock_and_put)) == {None: MANY}
    assert current(database) in catalogues


def test_who_locked_it_sees_what_who_held_it_before_put(database: Persistence) -> None:
    def declare_one_more(number: int) -> None:
        with database.unit_of_work() as uow:
            so_far: dict[str, str] = {
                name: text for name, text in uow.catalogue.lock().permissions.items() if name not in OWN
            }
            uow.catalogue.put(Catalogue.declare({**so_far, f"things-{number}:read": ""}))

    assert tally(at_once(declare_one_more)) == {None: MANY}
    assert len(current(database).permissions) == len(OWN) + MANY


def test_what_somebody_relies_on_is_removed_by_nobody_until_they_are_done(database: Persistence) -> None:
    put(database, DECLARED)
    organization = founded(database)
    apply = ApplyCatalogue(unit_of_work=database.unit_of_work, clock=FixedClock())
    with database.unit_of_work() as uow:
        granted = uow.catalogue.hold().known([READ])
        applied = begun(lambda: apply(Catalogue()))
        with pytest.raises(TimeoutError):
            applied.result(timeout=0.2)
        uow.roles.add(a_role(organization_id=organization.id, permissions=granted))
    with pytest.raises(PermissionInUse):
        applied.result(timeout=PATIENCE)
    assert current(database) == DECLARED


def test_whoever_holds_it_sees_what_was_put_before(database: Persistence) -> None:
    with database.unit_of_work() as uow:
        assert uow.catalogue.hold() == Catalogue()
    put(database, DECLARED)
    with database.unit_of_work() as uow:
        assert uow.catalogue.hold() == DECLARED


def test_any_number_hold_it_at_once(postgresql: SqlDatabase) -> None:
    """The other adapters let one transaction change something at a time."""

    def hold() -> Catalogue:
        with postgresql.unit_of_work() as uow:
            return uow.catalogue.hold()

    with postgresql.unit_of_work() as uow:
        assert uow.catalogue.hold() == in_another_thread(hold)


def test_applied_by_many_at_once_it_changes_something_once(database: Persistence) -> None:
    apply = ApplyCatalogue(unit_of_work=database.unit_of_work, clock=FixedClock())
    outcomes = at_once(lambda _: bool(apply(DECLARED).changes))
    assert tally(outcomes) == {True: 1, False: MANY - 1}
    assert current(database) == DECLARED
