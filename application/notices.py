"""Telling the owner of an account by mail what happened to it."""

from datetime import datetime

from application.ports.environment import Ids
from application.ports.unit_of_work import UnitOfWork
from domain.accounts import Account
from domain.mail import MailKind, QueuedMail


def notify(uow: UnitOfWork, kind: MailKind, account: Account, *, ids: Ids, at: datetime) -> None:
    """Queue a notice to the account's address.

    Not to an address that nobody has proved: whoever planted it there could flood its owner with notices.
    """
    if account.email_verified_at:
        uow.mail.put(QueuedMail.notice(kind, account.email, slot=ids.new(), at=at))
