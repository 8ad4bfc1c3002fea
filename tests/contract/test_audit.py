from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.occasion import occasioned
from application.ports.audit import EntryFilter
from application.ports.unit_of_work import Persistence
from domain.accounts import Account
from domain.audit import INSTALLATION, AuditEntry, ChainId, Happening, Occasion, Outcome, Personal, earliest_id
from domain.kernel import AccountId, ApiKeyId, CursorInvalid, OrganizationId
from domain.sessions import Client
from tests.builders import DAY, NOON, an_address
from tests.contract.given import NOT_A_CURSOR, events, pages

ADA, EVE, HERE, OTHER = AccountId(uuid4()), AccountId(uuid4()), OrganizationId(uuid4()), OrganizationId(uuid4())
CLIENT = Client(user_agent="Mozilla/5.0 (Lünx) 🦉", network="2001:db8::/64")
MILLISECOND = timedelta(milliseconds=1)


def by(actor: AccountId | None = ADA, **changes: Any) -> Occasion:
    occasion = Occasion(actor_id=actor, principal_id=actor, client=CLIENT, request_id="a-request.1")
    return replace(occasion, **changes)


def a_happening(**changes: Any) -> Happening:
    """With every field filled."""
    happening = Happening(
        action="change_member_role",
        at=NOON + timedelta(microseconds=123_456),
        outcome=Outcome.REFUSED,
        code="permission_denied",
        about=EVE,
        target_id=uuid4(),
        organization_id=HERE,
        details={"permission": "members:manage", "tries": 3, "is": True, "because": None, "wörd": "„🦉“"},
    )
    return replace(happening, **changes)


def note(database: Persistence, *happenings: Happening, occasion: Occasion | None = None) -> None:
    with occasioned(occasion or by()), database.unit_of_work() as uow:
        for happening in happenings:
            uow.audit.note(happening)


def trail(database: Persistence, chain_id: UUID | None = None) -> list[AuditEntry]:
    """Newest first."""
    with database.autocommit() as reads:
        return reads.audit.page(ChainId(chain_id) if chain_id else None, EntryFilter(), limit=1000, after=None)[0]


def a_sign_up() -> Account:
    return Account.register(
        id=AccountId(uuid4()), email=an_address(), display_name="", password_hash="$", verified=True, at=NOON
    )


# ---- what is kept


def test_every_field_of_an_entry_is_kept(database: Persistence) -> None:
    happening, key_id = a_happening(), ApiKeyId(uuid4())
    note(database, happening, occasion=by(key_id=key_id))
    (found,) = trail(database)
    assert found.personal
    expected = AuditEntry(
        chain_id=ChainId(HERE),
        id=found.id,
        at=happening.at,
        action="change_member_role",
        outcome=Outcome.REFUSED,
        code="permission_denied",
        actor_id=ADA,
        principal_id=ADA,
        key_id=key_id,
        target_id=happening.target_id,
        organization_id=HERE,
        request_id="a-request.1",
        details=happening.details,
        personal_digest=found.personal.digest,
    )
    assert found == expected
    assert found.digest == expected.digest
    assert found.personal == Personal(
        account_id=ADA, salt=found.personal.salt, network=CLIENT.network, user_agent=CLIENT.user_agent
    )
    assert len(found.personal.salt) == 16


def test_what_the_installation_does_by_itself_has_nobody_and_nothing_personal(database: Persistence) -> None:
    note(database, Happening(action="signing_key.made", at=NOON), occasion=Occasion())
    (found,) = trail(database)
    assert found == AuditEntry(
        chain_id=ChainId(INSTALLATION), id=found.id, at=NOON, action="signing_key.made", outcome=Outcome.SUCCEEDED
    )
    assert found.personal is None


def test_whoever_proved_themselves_acted_and_whoever_failed_to_is_nobody(database: Persistence) -> None:
    nobody = by(None)
    note(database, a_happening(outcome=Outcome.SUCCEEDED, code=None, organization_id=None), occasion=nobody)
    note(database, a_happening(organization_id=None, at=NOON + DAY), occasion=nobody)
    failed, proved = trail(database, EVE)
    assert (proved.actor_id, failed.actor_id) == (EVE, None)
    # What either left behind is erased with the account, for it tells where its owner was.
    assert all(entry.personal and entry.personal.account_id == EVE for entry in (proved, failed))


def test_what_is_personal_lies_apart_from_the_entry(database: Persistence) -> None:
    note(database, a_happening())
    with database.unit_of_work() as uow:
        (bare,) = uow.chains.unsealed(limit=10)
    assert bare.personal is None
    assert bare.personal_digest
    assert CLIENT.network not in repr(bare)
    assert CLIENT.user_agent not in repr(bare)


def test_entries_are_sorted_by_time_and_by_turn_within_a_transaction(database: Persistence) -> None:
    late, early = a_happening(at=NOON + MILLISECOND), a_happening(at=NOON)
    note(database, late)
    note(database, *(replace(early, action=f"turn-{turn:02}") for turn in range(12)))
    assert [entry.action for entry in trail(database)] == [
        late.action,
        *(f"turn-{turn:02}" for turn in reversed(range(12))),
    ]
    assert all(entry.id.version == 7 for entry in trail(database))


# ---- with the change, or not at all


def test_state_event_and_entry_commit_together(database: Persistence) -> None:
    account = a_sign_up()
    with occasioned(by(None)), database.unit_of_work() as uow:
        uow.accounts.add(account)
    ((name, aggregate_id),) = events(database, account.id)
    (entry,) = trail(database, account.id)
    assert (entry.action, entry.target_id) == (name, aggregate_id)
    assert (entry.at, entry.outcome, entry.actor_id) == (NOON, Outcome.SUCCEEDED, account.id)
    assert entry.details == {"account_id": str(account.id), "verified": True}


def test_there_is_one_entry_for_each_event(database: Persistence) -> None:
    account = a_sign_up()
    with database.unit_of_work() as uow:
        uow.accounts.add(account)
        uow.accounts.save(replace(account, events=()).rename("Ada", at=NOON).rename("Eve", at=NOON))
    assert [name for name, _ in events(database, account.id)] == [
        entry.action for entry in reversed(trail(database, account.id))
    ]


def test_what_is_rolled_back_leaves_neither_event_nor_entry(database: Persistence) -> None:
    account = a_sign_up()
    with suppress(ZeroDivisionError), occasioned(by()), database.unit_of_work() as uow:
        uow.accounts.add(account)
        uow.audit.note(a_happening())
        raise ZeroDivisionError
    assert events(database, account.id) == []
    assert trail(database) == []


def test_a_note_needs_a_unit_of_work(database: Persistence) -> None:
    with database.autocommit() as alone, pytest.raises(RuntimeError):
        alone.audit.note(a_happening())
    assert trail(database) == []


# ---- erasing


def test_erasing_takes_what_is_personal_and_nothing_else(database: Persistence) -> None:
    note(database, a_happening(), a_happening(at=NOON + DAY))
    note(database, a_happening(at=NOON + 2 * DAY), occasion=by(EVE))
    before = trail(database)
    with database.unit_of_work() as uow:
        assert uow.audit.erase(ADA, limit=10) == 2
    after = trail(database)
    assert after == before
    assert [entry.digest for entry in after] == [entry.digest for entry in before]
    assert [entry.personal is None for entry in after] == [False, True, True]
    assert after[1].personal_digest


def test_the_oldest_are_erased_first_and_no_more_than_asked_for(database: Persistence) -> None:
    note(database, *(a_happening(at=NOON + number * DAY) for number in range(5)))
    left = []
    for _ in range(4):
        with database.unit_of_work() as uow:
            erased = uow.audit.erase(ADA, limit=2)
        left.append((erased, sum(entry.personal is not None for entry in trail(database))))
    assert left == [(2, 3), (2, 1), (1, 0), (0, 0)]
    assert trail(database)[0].personal_digest


def due(database: Persistence, *, before: datetime, limit: int = 100) -> int:
    with database.unit_of_work() as uow:
        return uow.audit.erase_due(before=before, limit=limit)


def test_what_is_to_be_erased_later_includes_what_the_same_unit_of_work_writes(database: Persistence) -> None:
    with occasioned(by()), database.unit_of_work() as uow:
        uow.audit.erase_later(ADA, at=NOON)
        uow.audit.note(a_happening())
    assert due(database, before=NOON) == 0
    assert trail(database)[0].personal
    assert due(database, before=NOON + MILLISECOND) == 2  # the row, and what asked for it
    assert trail(database)[0].personal is None
    assert due(database, before=NOON + DAY) == 0


def test_many_rows_of_many_accounts_are_erased_in_batches(database: Persistence) -> None:
    for number, actor in enumerate((ADA, EVE)):
        note(database, *(a_happening() for _ in range(5)), occasion=by(actor))
        with database.unit_of_work() as uow:
            uow.audit.erase_later(actor, at=NOON + number * MILLISECOND)
    assert [due(database, before=NOON + DAY, limit=4) for _ in range(4)] == [4, 4, 4, 0]
    assert not any(entry.personal for entry in trail(database))


def test_erasing_later_twice_is_erasing_once(database: Persistence) -> None:
    note(database, a_happening())
    for at in (NOON, NOON + DAY):
        with database.unit_of_work() as uow:
            uow.audit.erase_later(ADA, at=at)
    assert due(database, before=NOON + 2 * DAY) == 2


# ---- pages

TARGETS = [uuid4(), uuid4()]
FILTERS: dict[str, Any] = {
    "actor_id": ADA,
    "action": "show_account",
    "target_id": TARGETS[0],
    # Within a millisecond: its entries have ids that begin alike.
    "since": NOON + timedelta(microseconds=4300),
    "until": NOON + timedelta(microseconds=9700),
}


def filled(database: Persistence) -> list[AuditEntry]:
    for number in range(48):
        happening = Happening(
            action=("show_account", "list_accounts")[number // 2 % 2],
            at=NOON + number * timedelta(microseconds=300),
            target_id=TARGETS[number // 4 % 2],
            organization_id=(HERE, OTHER)[number % 5 == 0],
        )
        note(database, happening, occasion=by((ADA, EVE)[number % 2]))
    return trail(database)


def matching(entries: list[AuditEntry], chain_id: UUID | None, wanted: dict[str, Any]) -> Iterator[AuditEntry]:
    for entry in entries:
        fields = {name: getattr(entry, name) for name in ("actor_id", "action", "target_id")}
        is_alike = all(fields[name] == value for name, value in wanted.items() if name in fields)
        is_in_time = wanted.get("since", NOON) <= entry.at < wanted.get("until", NOON + DAY)
        if is_alike and is_in_time and chain_id in (None, entry.chain_id):
            yield entry


def test_every_combination_of_filters_gives_what_matches_newest_first(database: Persistence) -> None:
    entries = filled(database)
    # Within a millisecond their order is anybody's guess.
    times = [earliest_id(entry.at) for entry in entries]
    assert times == sorted(times, reverse=True)
    seen = 0
    combined = [names for size in range(len(FILTERS) + 1) for names in combinations(FILTERS, size)]
    for names in combined:
        wanted = {name: FILTERS[name] for name in names}
        for chain_id in (None, ChainId(HERE)):
            with database.autocommit() as reads:
                found = pages(
                    lambda after, wanted=wanted, chain_id=chain_id, reads=reads: reads.audit.page(  # type: ignore[misc]
                        chain_id, EntryFilter(**wanted), limit=7, after=after
                    )
                )
            expected = list(matching(entries, chain_id, wanted))
            assert [entry for page in found for entry in page] == expected, names
            assert all(len(page) == 7 for page in found[:-1])
            seen += bool(expected)
    assert len(combined) == 32
    assert seen == 64  # none of them is tried on nothing


def test_a_page_comes_with_what_is_personal(database: Persistence) -> None:
    filled(database)
    with database.autocommit() as reads:
        page, after = reads.audit.page(ChainId(HERE), EntryFilter(), limit=3, after=None)
    assert after == str(page[-1].id)
    assert all(entry.personal and entry.personal.network == CLIENT.network for entry in page)


@pytest.mark.parametrize("cursor", NOT_A_CURSOR)
def test_what_is_no_cursor_is_refused(database: Persistence, cursor: str) -> None:
    with database.autocommit() as reads, pytest.raises(CursorInvalid):
        reads.audit.page(None, EntryFilter(), limit=1, after=cursor)
