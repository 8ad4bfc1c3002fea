"""Reading the audit trail, taking it away, and removing from it what is personal."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.ports.audit import EntryFilter
from application.ports.environment import Clock
from application.ports.unit_of_work import Begin
from application.retrying import Retrying
from domain.access import Actor, Principal
from domain.assurance import AssurancePolicy
from domain.audit import AuditEntry, ChainId, EntryId, Happening
from domain.kernel import AccountId, OrganizationId
from domain.permissions import AUDIT_READ

Entries = tuple[list[AuditEntry], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAuditEntries:
    """Who did what in the organization, when and from where, and what was refused: for whoever may know it.

    Newest first.
    """

    autocommit: Begin

    def __call__(self, *, actor: Actor, wanted: EntryFilter, limit: int, after: str | None) -> Entries:
        """Raise PermissionDenied, CursorInvalid."""
        actor.must(AUDIT_READ)
        with self.autocommit() as database:
            return database.audit.page(ChainId(actor.organization_id), wanted, limit=limit, after=after)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAllAuditEntries:
    """An operator reads the audit trail of the whole installation, newest first."""

    autocommit: Begin
    assurance: AssurancePolicy

    def __call__(self, *, principal: Principal, wanted: EntryFilter, limit: int, after: str | None) -> Entries:
        """Raise OperatorRequired, StepUpRequired, CursorInvalid."""
        principal.must_be_operator(self.assurance)
        with self.autocommit() as database:
            return database.audit.page(None, wanted, limit=limit, after=after)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportAudit:
    """Whoever holds the machine takes the audit trail away, an organization's or all of it, oldest first.

    That leaves an entry in it, before the first one is read. However long the trail, one page of it is held at a time.
    """

    autocommit: Begin
    unit_of_work: Begin
    clock: Clock
    page: int = 500

    def __call__(
        self,
        *,
        organization_id: UUID | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[list[AuditEntry]]:
        """Pages. What is entered from now on is left for the next export, this one's own entry too."""
        now = self.clock.now()
        exported = Happening(
            action="export_audit",
            at=now,
            target_id=organization_id,
            organization_id=OrganizationId(organization_id) if organization_id else None,
            details={"since": _told(since), "until": _told(until)},
        )
        with self.unit_of_work() as uow:
            uow.audit.note(exported)
        wanted = EntryFilter(since=since, until=min(until, now) if until else now)
        return self._pages(ChainId(organization_id) if organization_id else None, wanted)

    def _pages(self, chain_id: ChainId | None, wanted: EntryFilter) -> Iterator[list[AuditEntry]]:
        last: EntryId | None = None
        while True:
            with self.autocommit() as database:
                page = database.audit.following(chain_id, wanted, after=last, limit=self.page)
            if not page:
                return
            yield page
            last = page[-1].id


def _told(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseFromAudit:
    """What is personal in an account's entries goes for good: networks and user agents. The entries stay, and whole.

    Page by page, so that it hinders nobody; that it was done is entered with the last of them.
    """

    unit_of_work: Begin
    clock: Clock
    batch: int = 500

    def __call__(self, *, account_id: UUID) -> int:
        """In how many entries there was something."""
        erased = 0
        while (removed := Retrying(self.of)(AccountId(account_id), before=erased)) == self.batch:
            erased += removed
        return erased + removed

    def of(self, account_id: AccountId, *, before: int) -> int:
        """One batch, of which this many entries came before."""
        with self.unit_of_work() as uow:
            removed = uow.audit.erase(account_id, limit=self.batch)
            if removed < self.batch and before + removed:
                uow.audit.note(
                    Happening(
                        action="erase_from_audit",
                        at=self.clock.now(),
                        about=account_id,
                        target_id=account_id,
                        details={"entries": before + removed},
                    )
                )
        return removed
