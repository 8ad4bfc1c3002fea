from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.ports.unit_of_work import Persistence
from domain.api_keys import ApiKey, ApiKeySecret, EndOfKey, KeyKind
from domain.kernel import ApiKeyId, CursorInvalid, OrganizationId, ServiceAccountId, Stale
from tests.builders import DAY, HOUR, MINUTE, NOON, a_personal_key, a_service_key
from tests.contract.given import NOT_A_CURSOR, SOMEBODY, events, pages, reasons
from tests.contract.threads import MANY, at_once, tally

SECOND = timedelta(seconds=1)


def kept(database: Persistence, key: ApiKey) -> ApiKey:
    with database.unit_of_work() as uow:
        uow.api_keys.add(key)
    return key


def personal(database: Persistence, **changes: Any) -> ApiKey:
    return kept(database, a_personal_key(**changes))


def service(database: Persistence, **changes: Any) -> ApiKey:
    return kept(database, a_service_key(**changes))


def stored(database: Persistence, key: ApiKey) -> ApiKey | None:
    with database.autocommit() as reads:
        return reads.api_keys.find(key.owner_id, key.id)


def save(database: Persistence, key: ApiKey) -> None:
    with database.unit_of_work() as uow:
        uow.api_keys.save(key)


def remove(database: Persistence, key: ApiKey) -> bool:
    with database.unit_of_work() as uow:
        return uow.api_keys.remove(key.end(EndOfKey.REVOKED, at=NOON))


def end_all(database: Persistence, owner_id: UUID, **which: Any) -> None:
    with database.unit_of_work() as uow:
        uow.api_keys.end_all(owner_id, EndOfKey.MEMBERSHIP_ENDED, at=NOON, **which)


def note_use(database: Persistence, key: ApiKey, at: datetime) -> datetime | None:
    """When it was used last, as far as is known then."""
    with database.autocommit() as calls:
        calls.api_keys.note_use(key, at=at)
    found = stored(database, key)
    return found.last_used_at if found else None


def rotated(key: ApiKey) -> ApiKey:
    secret = ApiKeySecret.make(kind=key.kind, id=key.id, owner_id=key.owner_id, random=bytes(32))
    return key.rotate(secret, "v1.api-key.of-the-next", overlap=DAY, by=SOMEBODY, at=NOON)


def test_every_field_of_a_service_key_survives_the_round_trip(database: Persistence) -> None:
    key = service(database, display_name="ü" * 100)
    assert stored(database, key) == key


def test_every_field_of_a_personal_key_survives_the_round_trip(database: Persistence) -> None:
    bare = {"previous_digest": None, "previous_expires_at": None, "expires_at": None, "last_used_at": None}
    for key in (personal(database, **bare), personal(database, organization_id=OrganizationId(uuid4()))):
        assert stored(database, key) == key


def test_a_key_is_found_under_its_own_owner_only(database: Persistence) -> None:
    key, other = personal(database), personal(database)
    with database.autocommit() as reads:
        assert reads.api_keys.find(other.owner_id, key.id) is None
        assert reads.api_keys.find(key.owner_id, ApiKeyId(uuid4())) is None


def test_an_expired_key_is_found_until_it_is_swept(database: Persistence) -> None:
    key = personal(database, expires_at=NOON - DAY)
    assert stored(database, key) == key


@pytest.mark.parametrize("kind", KeyKind)
def test_what_a_key_recorded_is_an_event_of_its_owner(database: Persistence, kind: KeyKind) -> None:
    owner_id = uuid4()
    secret = ApiKeySecret.make(kind=kind, id=ApiKeyId(uuid4()), owner_id=owner_id, random=bytes(32))
    key = ApiKey.make(
        secret=secret,
        digest="v1.api-key.of-the-secret",
        service_account_id=None,
        organization_id=None,
        display_name="Of a test",
        scopes=frozenset(),
        expires_at=None,
        by=SOMEBODY,
        at=NOON,
    )
    kept(database, key)
    found = stored(database, key)
    assert found == key
    save(database, rotated(found))
    remove(database, found)
    assert events(database, owner_id) == [
        ("api_key.created", key.id),
        ("api_key.rotated", key.id),
        ("api_key.ended", key.id),
    ]


def test_a_save_changes_it_and_counts(database: Persistence) -> None:
    key = service(database)
    save(database, rotated(key))
    assert stored(database, key) == replace(rotated(key), version=1)


def test_a_stale_save_is_refused(database: Persistence) -> None:
    key = service(database)
    save(database, rotated(key))
    for stale in (rotated(key), rotated(a_service_key())):
        with pytest.raises(Stale):
            save(database, stale)
    assert events(database, key.owner_id) == [("api_key.rotated", key.id)]


def test_a_key_is_removed_once_with_what_it_recorded(database: Persistence) -> None:
    key, other = service(database), service(database)
    assert [remove(database, key), remove(database, key)] == [True, False]
    assert (stored(database, key), stored(database, other)) == (None, other)
    assert events(database, key.owner_id) == [("api_key.ended", key.id)]


def test_keys_are_counted_for_each_service_account_and_for_the_owner_alone(database: Persistence) -> None:
    key = service(database)
    service(database, organization_id=key.organization_id, service_account_id=key.service_account_id)
    service(database, organization_id=key.organization_id)
    own = personal(database)
    with database.autocommit() as reads:
        assert reads.api_keys.count(key.owner_id, key.service_account_id) == 2
        assert reads.api_keys.count(key.owner_id, ServiceAccountId(uuid4())) == 0
        assert reads.api_keys.count(key.owner_id, None) == 0
        assert reads.api_keys.count(own.owner_id, None) == 1
        assert reads.api_keys.count(uuid4(), None) == 0


def test_pages_show_every_personal_key_once_oldest_first(database: Persistence) -> None:
    owner_id = uuid4()
    keys = [personal(database, owner_id=owner_id, expires_at=NOON - HOUR) for _ in range(5)]
    personal(database)
    service(database, owner_id=owner_id)
    with database.autocommit() as reads:
        found = pages(lambda after: reads.api_keys.page(owner_id, None, limit=2, after=after))
    assert found == [keys[:2], keys[2:4], keys[4:]]


def test_pages_show_every_key_of_a_service_account_once(database: Persistence) -> None:
    first = service(database)
    mine = {"organization_id": first.organization_id, "service_account_id": first.service_account_id}
    keys = [first, *(service(database, **mine) for _ in range(3))]
    service(database, organization_id=first.organization_id)
    with database.autocommit() as reads:
        found = pages(lambda after: reads.api_keys.page(first.owner_id, first.service_account_id, limit=2, after=after))
    assert found == [keys[:2], keys[2:]]


@pytest.mark.parametrize("after", NOT_A_CURSOR)
def test_a_page_starts_only_where_another_ended(database: Persistence, after: str) -> None:
    with database.autocommit() as reads, pytest.raises(CursorInvalid):
        reads.api_keys.page(uuid4(), None, limit=2, after=after)


def test_a_first_use_is_noted(database: Persistence) -> None:
    key = personal(database, last_used_at=None)
    assert note_use(database, key, NOON) == NOON
    assert stored(database, key) == replace(key, last_used_at=NOON)


def test_a_use_is_noted_once_a_minute_whatever_the_caller_knew(database: Persistence) -> None:
    key = personal(database, last_used_at=None)
    times = [NOON, NOON + MINUTE - SECOND, NOON + MINUTE, NOON + MINUTE + SECOND]
    assert [note_use(database, key, at) for at in times] == [NOON, NOON, NOON + MINUTE, NOON + MINUTE]
    assert events(database, key.owner_id) == []


def test_a_use_of_a_key_that_is_gone_is_noted_nowhere(database: Persistence) -> None:
    key = personal(database)
    remove(database, key)
    assert note_use(database, key, NOON) is None


def test_with_a_use_the_same_secret_gets_another_hash(database: Persistence) -> None:
    key = personal(database, last_used_at=None)
    with database.autocommit() as calls:
        calls.api_keys.note_use(key, digest="a newer hash", at=NOON)
        calls.api_keys.note_use(key, digest="too soon", at=NOON)
    assert stored(database, key) == replace(key, digest="a newer hash", last_used_at=NOON)
    assert events(database, key.owner_id) == []


def test_a_new_hash_of_the_old_secret_comes_too_late_for_a_key_that_was_rotated(database: Persistence) -> None:
    key = personal(database, last_used_at=None)
    save(database, rotated(key))
    with database.autocommit() as calls:
        calls.api_keys.note_use(key, digest="of the old secret", at=NOON)
    assert stored(database, key) == replace(rotated(key), last_used_at=NOON, version=1)


def test_a_use_noted_meanwhile_neither_hinders_a_save_nor_is_lost_by_it(database: Persistence) -> None:
    key = personal(database, last_used_at=None)
    note_use(database, key, NOON)
    save(database, rotated(key))
    assert stored(database, key) == replace(rotated(key), last_used_at=NOON, version=1)


def some_of_each(database: Persistence) -> tuple[UUID, OrganizationId, ServiceAccountId, dict[str, ApiKey]]:
    """An owner with keys of every kind, and somebody else's for the same."""
    owner_id, organization_id, service_account_id = uuid4(), OrganizationId(uuid4()), ServiceAccountId(uuid4())
    everywhere = {"owner_id": owner_id, "organization_id": organization_id}
    return (
        owner_id,
        organization_id,
        service_account_id,
        {
            "alone": personal(database, owner_id=owner_id),
            "here": personal(database, **everywhere),
            "there": personal(database, owner_id=owner_id, organization_id=OrganizationId(uuid4())),
            "of the one": service(database, **everywhere, service_account_id=service_account_id),
            "of the other": service(database, **everywhere, service_account_id=ServiceAccountId(uuid4())),
            "a stranger's": personal(database, organization_id=organization_id),
        },
    )


@pytest.mark.parametrize(
    ("which", "ended"),
    [
        ("all", {"alone", "here", "there", "of the one", "of the other"}),
        ("organization", {"here", "of the one", "of the other"}),
        ("service account", {"of the one"}),
    ],
)
def test_those_that_are_meant_end_each_with_its_event(database: Persistence, which: str, ended: set[str]) -> None:
    owner_id, organization_id, service_account_id, keys = some_of_each(database)
    choices: dict[str, dict[str, Any]] = {
        "all": {},
        "organization": {"organization_id": organization_id},
        "service account": {"service_account_id": service_account_id},
    }
    named = choices[which]
    end_all(database, owner_id, **named)
    end_all(database, owner_id, **named)
    assert {name for name, key in keys.items() if stored(database, key) is None} == ended
    assert len(events(database, owner_id)) == len(ended)
    assert reasons(database, owner_id) == {keys[name].id: ("api_key.ended", "membership_ended") for name in ended}


def test_expired_keys_are_swept_in_batches_without_an_event(database: Persistence) -> None:
    alive = [service(database, expires_at=NOON + MINUTE), service(database, expires_at=None)]
    owner_id = alive[0].owner_id
    for number in range(5):
        service(database, owner_id=owner_id, expires_at=NOON - number * DAY)
    removed = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            removed.append(uow.api_keys.sweep(at=NOON, limit=2))
    assert removed == [2, 2, 1, 0]
    assert [stored(database, key) for key in alive] == alive
    assert events(database, owner_id) == []


def test_of_many_who_remove_a_key_one_does(database: Persistence) -> None:
    key = service(database)
    assert tally(at_once(lambda _: remove(database, key))) == {True: 1, False: MANY - 1}
    assert events(database, key.owner_id) == [("api_key.ended", key.id)]


def test_of_many_who_rotate_a_key_one_does(database: Persistence) -> None:
    key = service(database)
    assert tally(at_once(lambda _: save(database, rotated(key)))) == {None: 1, Stale: MANY - 1}


def test_many_who_end_all_keys_end_each_once(database: Persistence) -> None:
    owner_id = uuid4()
    keys = [personal(database, owner_id=owner_id) for _ in range(10)]
    assert tally(at_once(lambda _: end_all(database, owner_id))) == {None: MANY}
    assert sorted(id for _, id in events(database, owner_id)) == [key.id for key in keys]


def test_many_who_use_a_key_at_once_all_pass(database: Persistence) -> None:
    key = service(database)
    assert tally(at_once(lambda _: note_use(database, key, NOON))) == {NOON: MANY}
