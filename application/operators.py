"""What an operator may do with the accounts of the installation. No operator sets a password."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.notices import notify
from application.passwords import JudgePassword, RequestPasswordReset
from application.ports.environment import Clock, Ids
from application.ports.security import PasswordHasher
from application.ports.unit_of_work import Begin, UnitOfWork
from application.remembering import remember
from domain.access import Principal
from domain.accounts import (
    Account,
    AccountNotActive,
    AccountNotFound,
    AccountState,
    EmailAddress,
    parse_display_name,
)
from domain.assurance import AssurancePolicy
from domain.audit import Happening
from domain.kernel import AccountId
from domain.mail import MailKind
from domain.sessions import EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointOperator:
    """Whoever holds the machine appoints an operator: an account that exists, or a new one.

    There is no call for it, so that no stolen token can make an operator.
    """

    unit_of_work: Begin
    judge: JudgePassword
    passwords: PasswordHasher
    clock: Clock
    ids: Ids

    def __call__(self, *, email: str, password: str | None, display_name: str = "") -> Account:
        """`password` makes a new account where there is none; without one, that raises AccountNotFound.

        Raise InvalidEmail, InvalidDisplayName, PasswordTooWeak, AccountNotActive, EmailUnproved.
        """
        address = EmailAddress.parse(email)
        name = parse_display_name(display_name)
        password_hash = None
        if password is not None:
            password_hash = self.passwords.hash(self.judge(password, email=address, display_name=name))
        now = self.clock.now()
        with self.unit_of_work() as uow:
            account = uow.accounts.find_by_email(address)
            if account:
                account = uow.accounts.lock(account.id).appoint_operator(at=now)
                uow.accounts.save(account)
            elif password_hash:
                account = Account.register(
                    id=AccountId(self.ids.new()),
                    email=address,
                    display_name=name,
                    password_hash=password_hash,
                    verified=True,
                    at=now,
                ).appoint_operator(at=now)
                uow.accounts.add(account)
            else:
                raise AccountNotFound("That address has no account.")
            uow.operators.add(account.id)
        return account


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccounts:
    """An operator finds accounts by id, by the beginning of their address, or by their state."""

    unit_of_work: Begin
    autocommit: Begin
    assurance: AssurancePolicy
    clock: Clock

    def __call__(
        self,
        *,
        principal: Principal,
        query: str | None,
        state: AccountState | None,
        limit: int,
        after: str | None,
    ) -> tuple[list[Account], str | None]:
        """Raise OperatorRequired, StepUpRequired, CursorInvalid."""
        principal.must_be_operator(self.assurance)
        with self.autocommit() as database:
            page, after = _found(database, query, state, limit, after)
        # Not what was looked for: it may be an address.
        look = Happening(action="list_accounts", at=self.clock.now(), details={"shown": len(page)})
        remember(self.unit_of_work, look)
        return page, after


def _found(
    database: UnitOfWork, query: str | None, state: AccountState | None, limit: int, after: str | None
) -> tuple[list[Account], str | None]:
    if query and (id := _as_id(query)):
        try:
            found = database.accounts.get(id)
        except AccountNotFound:
            return [], None
        return ([found] if state in (None, found.state) else []), None
    prefix = query.strip().lower() if query else None
    if prefix and not (prefix.isascii() and prefix.isprintable()):
        return [], None  # addresses are stored in ASCII
    return database.accounts.page(limit=limit, after=after, prefix=prefix or None, state=state)


def _as_id(text: str) -> AccountId | None:
    try:
        return AccountId(UUID(text))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAccount:
    """An operator looks at one account."""

    unit_of_work: Begin
    autocommit: Begin
    assurance: AssurancePolicy
    clock: Clock

    def __call__(self, *, principal: Principal, account_id: UUID) -> Account:
        """Raise OperatorRequired, StepUpRequired, AccountNotFound."""
        principal.must_be_operator(self.assurance)
        with self.autocommit() as database:
            account = database.accounts.get(AccountId(account_id))
        remember(self.unit_of_work, _about("show_account", account, at=self.clock.now()))
        return account


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameAccountOf:
    """An operator corrects a display name; nothing else about a person is theirs to change."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock

    def __call__(self, *, principal: Principal, account_id: UUID, display_name: str) -> Account:
        """Raise OperatorRequired, StepUpRequired, AccountNotFound, AccountClosed, InvalidDisplayName."""
        principal.must_be_operator(self.assurance)
        name = parse_display_name(display_name)
        with self.unit_of_work() as uow:
            renamed = uow.accounts.lock(AccountId(account_id)).rename(name, at=self.clock.now())
            uow.accounts.save(renamed)
        return renamed


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendAccount:
    """An operator stops an account: its sessions end at once, and it cannot sign in until it is reactivated."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, account_id: UUID) -> Account:
        """Raise OperatorRequired, StepUpRequired, AccountNotFound, AccountClosed, AccountNotActive, LastOperator."""
        principal.must_be_operator(self.assurance)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            account = uow.accounts.lock(AccountId(account_id)).suspend(by=principal.account.id, at=now)
            uow.operators.remove(account.id)
            uow.accounts.save(account)
            uow.sessions.end_all(account.id, EndReason.SUSPENDED, at=now)
            uow.challenges.void(account.id)
            notify(uow, MailKind.ACCOUNT_SUSPENDED, account, ids=self.ids, at=now)
        return account


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactivateAccount:
    """An operator lets a suspended account sign in again."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock
    ids: Ids

    def __call__(self, *, principal: Principal, account_id: UUID) -> Account:
        """Raise OperatorRequired, StepUpRequired, AccountNotFound, AccountClosed, AccountNotSuspended."""
        principal.must_be_operator(self.assurance)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            account = uow.accounts.lock(AccountId(account_id)).reactivate(by=principal.account.id, at=now)
            if account.is_operator:
                uow.operators.add(account.id)
            uow.accounts.save(account)
            notify(uow, MailKind.ACCOUNT_REACTIVATED, account, ids=self.ids, at=now)
        return account


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessionsOf:
    """An operator ends every session of an account, for instance after a device was lost."""

    unit_of_work: Begin
    assurance: AssurancePolicy
    clock: Clock

    def __call__(self, *, principal: Principal, account_id: UUID) -> None:
        """Raise OperatorRequired, StepUpRequired, AccountNotFound."""
        principal.must_be_operator(self.assurance)
        with self.unit_of_work() as uow:
            account = uow.accounts.lock(AccountId(account_id))
            uow.sessions.end_all(account.id, EndReason.ENDED_BY_OPERATOR, at=self.clock.now())
            uow.challenges.void(account.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPasswordReset:
    """An operator has the owner sent what anybody could ask for: the mail that lets them set a new password."""

    unit_of_work: Begin
    autocommit: Begin
    assurance: AssurancePolicy
    request_reset: RequestPasswordReset
    clock: Clock

    def __call__(self, *, principal: Principal, account_id: UUID) -> None:
        """Raise OperatorRequired, StepUpRequired, AccountNotFound, AccountNotActive."""
        principal.must_be_operator(self.assurance)
        with self.autocommit() as database:
            account = database.accounts.get(AccountId(account_id))
        if not account.is_active:
            raise AccountNotActive("Only an active account can reset its password.")
        self.request_reset(email=account.email.value)
        # What anybody may cause has no event; that an operator did is told.
        remember(self.unit_of_work, _about("send_password_reset", account, at=self.clock.now()))


def _about(action: str, account: Account, *, at: datetime) -> Happening:
    return Happening(action=action, at=at, about=account.id, target_id=account.id)
