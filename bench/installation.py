"""Portico as it is measured: its settings, its server, and people who are signed in."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from uuid import UUID

from bench.database import address_of, query, secret
from bench.machine import Server, free_port, serving
from domain.kernel import AccountId, SessionId
from domain.sessions import Client, Session
from entrypoints.container import Container, build
from entrypoints.settings import Settings

PASSWORD = "mauve-tandem-41-orchards"
PEOPLE = 1000
_CLIENT = Client(user_agent="bench", network="127.0.0.1/32")


@dataclass(frozen=True, slots=True)
class SignedIn:
    account_id: AccountId
    session_id: SessionId
    access_token: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Installation:
    """One database and the settings over it. The mail server is down: what is queued stays."""

    url: str
    folder: Path
    accounts: int
    more: Mapping[str, str] = field(default_factory=dict)
    secret_key: str = field(default_factory=secret)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.url,
            "SECRET_KEY": self.secret_key,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": "1",
            "SMTP_SECURITY": "none",
            # One core is measured, so one thread hashes: by itself the server would count the cores of the machine.
            "HASHING_THREADS": "1",
            # Limits against abuse, which the load is not.
            "ORGANIZATIONS_PER_ACCOUNT": "100000",
            "INVITATIONS_A_DAY": "100000",
            **self.more,
        }

    @property
    def settings(self) -> Settings:
        return Settings.load(self.environment, Path(os.devnull))

    @contextmanager
    def container(self) -> Iterator[Container]:
        container = build(self.settings)
        container.prepare_keys()()
        try:
            yield container
        finally:
            container.persistence().close()

    @contextmanager
    def serving(self, **more: str) -> Iterator[Server]:
        """The real server, in production."""
        port = free_port()
        with serving(
            [sys.executable, "-m", "entrypoints.server"],
            {**self.environment, "PORT": str(port), **more},
            port=port,
            folder=self.folder,
            log=self.folder / "portico.log",
            ready="/health/ready",
        ) as server:
            yield server

    def appoint(self) -> SignedIn:
        """The oldest account as an operator, who has a second factor and proved it."""
        with self.container() as container:
            container.appoint_operator()(email=address_of(1), password=None)
        query(self.url, "UPDATE accounts SET has_second_factor = true WHERE is_operator")
        [operator] = self.sign_in(1, aal=2)
        return operator

    def sign_in(self, people: int = PEOPLE, *, aal: int = 1) -> list[SignedIn]:
        """New sessions with new tokens, for accounts that lie evenly over the table. No password is asked."""
        addresses = [address_of(number) for number in range(1, self.accounts + 1, max(1, self.accounts // people))]
        found = query(self.url, "SELECT id::text FROM accounts WHERE email = ANY(%(emails)s)", {"emails": addresses})
        with self.container() as container:
            now, policy, ids = container.clock().now(), self.settings.session_policy, container.ids()
            sessions = [
                Session.start(
                    id=SessionId(ids.new()),
                    account_id=AccountId(UUID(id)),
                    amr=("pwd",),
                    aal=aal,
                    client=_CLIENT,
                    policy=policy,
                    at=now,
                )
                for (id,) in found[:people]
            ]
            with container.persistence().unit_of_work() as uow:
                for session in sessions:
                    uow.sessions.add(session)
            issued = [container.issue_tokens()(session, at=now) for session in sessions]
        return [SignedIn(one.session.account_id, one.session.id, one.access_token, one.refresh_token) for one in issued]


@cache
def password_hash(cost: int) -> str:
    """Of everybody's password."""
    from adapters.security.hashing import PasslibHasher

    return PasslibHasher(bcrypt_cost=cost).hash(PASSWORD)


def dealt(cards: Sequence[str], players: int) -> list[list[str]]:
    """Evenly, so that no two hold the same."""
    return [list(cards[player::players]) for player in range(players)]
