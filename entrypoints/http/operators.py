"""What operators call."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from application.operators import (
    EndSessionsOf,
    ListAccounts,
    ReactivateAccount,
    RenameAccountOf,
    SendPasswordReset,
    ShowAccount,
    SuspendAccount,
)
from domain.accounts import (
    Account,
    AccountClosed,
    AccountNotActive,
    AccountNotFound,
    AccountNotSuspended,
    AccountState,
    InvalidDisplayName,
    LastOperator,
)
from domain.kernel import CursorInvalid
from entrypoints.http.accounts import AccountOut, Renaming
from entrypoints.http.caller import Caller
from entrypoints.http.deps import use
from entrypoints.http.operations import OPERATOR, operation
from entrypoints.http.passwords import ResetSent
from entrypoints.http.routing import router
from entrypoints.http.schemas import (
    NO_CONTENT,
    Cursor,
    Limit,
    Page,
    Timestamp,
    answer,
    from_cursor,
    no_content,
    to_cursor,
)

routes = router("operators", prefix="/v1/admin/accounts")


class AccountForOperators(AccountOut):
    state_since: Timestamp

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(**dict(AccountOut.of(account)), state_since=account.state_since)


class AccountPage(Page[AccountForOperators]):
    """Accounts, oldest first, or by address where a prefix was asked for."""


@routes.get(
    "",
    response_model=AccountPage,
    summary="Find accounts",
    **operation(ListAccounts, CursorInvalid, needs=OPERATOR, body=False),
)
def list_accounts(
    caller: Caller,
    list_accounts: Annotated[ListAccounts, use(lambda c: c.list_accounts())],
    query: Annotated[str | None, Query(max_length=254, description="An id, or the beginning of an address.")] = None,
    status: Annotated[AccountState | None, Query(description="Only accounts in that state.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    accounts, after = list_accounts(
        principal=caller.principal(), query=query, state=status, limit=limit, after=from_cursor(cursor)
    )
    items = [AccountForOperators.of(account) for account in accounts]
    return answer(AccountPage(items=items, next_cursor=to_cursor(after)))


@routes.get(
    "/{id}",
    response_model=AccountForOperators,
    summary="Look at an account",
    **operation(ShowAccount, AccountNotFound, needs=OPERATOR, body=False),
)
def show_account(id: UUID, caller: Caller, show: Annotated[ShowAccount, use(lambda c: c.show_account())]) -> Response:
    return answer(AccountForOperators.of(show(principal=caller.principal(), account_id=id)))


@routes.patch(
    "/{id}",
    response_model=AccountForOperators,
    summary="Correct a display name",
    **operation(RenameAccountOf, AccountNotFound, AccountClosed, InvalidDisplayName, needs=OPERATOR),
)
def rename_account(
    id: UUID,
    body: Renaming,
    caller: Caller,
    rename: Annotated[RenameAccountOf, use(lambda c: c.rename_account_of())],
) -> Response:
    renamed = rename(principal=caller.principal(), account_id=id, display_name=body.display_name)
    return answer(AccountForOperators.of(renamed))


@routes.post(
    "/{id}/suspend",
    response_model=AccountForOperators,
    summary="Suspend an account",
    **operation(
        SuspendAccount,
        AccountNotFound,
        AccountClosed,
        AccountNotActive,
        LastOperator,
        needs=OPERATOR,
        body=False,
    ),
)
def suspend_account(
    id: UUID, caller: Caller, suspend: Annotated[SuspendAccount, use(lambda c: c.suspend_account())]
) -> Response:
    return answer(AccountForOperators.of(suspend(principal=caller.principal(), account_id=id)))


@routes.post(
    "/{id}/reactivate",
    response_model=AccountForOperators,
    summary="Reactivate a suspended account",
    **operation(ReactivateAccount, AccountNotFound, AccountClosed, AccountNotSuspended, needs=OPERATOR, body=False),
)
def reactivate_account(
    id: UUID,
    caller: Caller,
    reactivate: Annotated[ReactivateAccount, use(lambda c: c.reactivate_account())],
) -> Response:
    return answer(AccountForOperators.of(reactivate(principal=caller.principal(), account_id=id)))


@routes.post(
    "/{id}/end-sessions",
    status_code=NO_CONTENT,
    summary="Sign an account out everywhere",
    **operation(EndSessionsOf, AccountNotFound, needs=OPERATOR, body=False),
)
def end_sessions(
    id: UUID, caller: Caller, end: Annotated[EndSessionsOf, use(lambda c: c.end_sessions_of())]
) -> Response:
    end(principal=caller.principal(), account_id=id)
    return no_content()


@routes.post(
    "/{id}/send-password-reset",
    status_code=202,
    response_model=ResetSent,
    summary="Send the owner a mail to set a new password",
    **operation(SendPasswordReset, AccountNotFound, AccountNotActive, needs=OPERATOR, body=False),
)
def send_password_reset(
    id: UUID, caller: Caller, send: Annotated[SendPasswordReset, use(lambda c: c.send_password_reset())]
) -> Response:
    send(principal=caller.principal(), account_id=id)
    return answer(ResetSent(), 202)
