"""Telling the owner of an account by mail what happened to it."""

from collections.abc import Mapping
from datetime import datetime

from application.ports.environment import Ids
from application.ports.unit_of_work import UnitOfWork
from domain.accounts import Account
from domain.mail import NO_IDS, MailKind, QueuedMail


def notify(
    uow: UnitOfWork,
    kind: MailKind,
    account: Account,
    *,
    ids: Ids,
    about: Mapping[str, str] = NO_IDS,
    at: datetime,
) -> None:
    """Queue a notice to the account's address; `about` names by id what else it tells of.

    Not to an address that nobody has proved: whoever planted it there could flood its owner with notices.
    """
    if account.email_verified_at:
        uow.mail.put(QueuedMail.notice(kind, account.email, slot=ids.new(), ids=about, at=at))
