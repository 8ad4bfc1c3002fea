"""Entries in the audit trail about what changed nothing."""

from application.ports.unit_of_work import Begin
from application.retrying import Retrying
from domain.audit import Happening


def remember(begin: Begin, *happenings: Happening) -> None:
    """In a transaction of their own. Only that is run again, if need be: whatever was counted, spent or hashed before
    was so once."""
    Retrying(_remember)(begin, happenings)


def _remember(begin: Begin, happenings: tuple[Happening, ...]) -> None:
    with begin() as uow:
        for happening in happenings:
            uow.audit.note(happening)
