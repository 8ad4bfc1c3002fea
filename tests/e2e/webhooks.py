"""Webhooks of an installation, what happens there, and what a receiver makes of it."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Self
from uuid import UUID

from standardwebhooks import Webhook

from adapters.environment import Uuid7Ids
from domain.accounts import Account
from domain.audit import INSTALLATION
from domain.deliveries import Delivery
from domain.kernel import AccountId, WebhookId
from domain.webhooks import EventFilter, WebhookEndpoint, WebhookSecret, secret_row
from entrypoints.container import Container, build
from entrypoints.settings import Settings
from tests.builders import an_account
from tests.e2e.installation import PATIENCE, Installation
from tests.webhooks.receivers import Received, Receiver

RENAMED = "account.renamed"


@dataclass(frozen=True, slots=True)
class Happenings:
    """Things that happen in an installation, done with its own container in this process."""

    container: Container

    @classmethod
    @contextmanager
    def at(cls, installation: Installation) -> Iterator[Self]:
        settings = Settings.load(installation.environment, env_file=Path("nowhere/.env"))
        container = build(settings)
        try:
            yield cls(container)
        finally:
            container.persistence().close()

    def endpoint(self, url: str) -> tuple[WebhookId, WebhookSecret]:
        """One of the installation, that gets every change of a name."""
        secret, id = WebhookSecret.make(secrets.token_bytes(32)), WebhookId(Uuid7Ids().new())
        endpoint = WebhookEndpoint.make(
            owner_id=INSTALLATION,
            id=id,
            url=url,
            description="",
            events_wanted=EventFilter.parse({RENAMED}),
            sealed_secret=self.container.vault().seal(secret.text, row=secret_row(INSTALLATION, id)),
            by=AccountId(Uuid7Ids().new()),
            at=datetime.now(UTC),
        )
        with self.container.unit_of_work()() as uow:
            uow.webhooks.add(endpoint)
        return id, secret

    def accounts(self, count: int) -> list[AccountId]:
        accounts = [an_account() for _ in range(count)]
        with self.container.unit_of_work()() as uow:
            for account in accounts:
                uow.accounts.add(account)
        return [account.id for account in accounts]

    def rename(self, accounts: list[AccountId], *, times: int) -> int:
        """All of them, again and again; return how many events that made."""
        for number in range(times):
            for id in accounts:
                with self.container.unit_of_work()() as uow:
                    account: Account = uow.accounts.get(id)
                    uow.accounts.save(account.rename(f"{number} {secrets.token_hex(4)}", at=datetime.now(UTC)))
        return times * len(accounts)

    def deliveries(self, endpoint: WebhookId) -> list[Delivery]:
        """The newest hundred."""
        with self.container.autocommit()() as database:
            deliveries: list[Delivery] = database.deliveries.page(INSTALLATION, endpoint, limit=100, after=None)[0]
            return deliveries


def ids(calls: list[Received]) -> list[str]:
    return [call.headers["webhook-id"] for call in calls]


def once_each(calls: list[Received]) -> list[Received]:
    """As a receiver is told to do: whatever came before is put aside."""
    return list({call.headers["webhook-id"]: call for call in reversed(calls)}.values())[::-1]


def is_in_order(calls: list[Received]) -> bool:
    """Within each aggregate."""
    told = [json.loads(call.body)["data"] for call in calls]
    by_aggregate = sorted(told, key=lambda event: UUID(event["aggregate_id"]))
    versions = (
        [event["aggregate_version"] for event in events]
        for _, events in groupby(by_aggregate, lambda event: event["aggregate_id"])
    )
    return all(each == sorted(set(each)) for each in versions)


def are_signed(calls: list[Received], secret: WebhookSecret) -> None:
    for call in calls:
        Webhook(secret.text).verify(call.body, call.headers)


def wait_until(holds: Callable[[], bool], *, within: float = PATIENCE) -> float:
    """Return the seconds that it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, "it never came to be"
        time.sleep(0.02)
    return time.monotonic() - began


def failing_first(receiver: Receiver) -> None:
    """503 to whatever comes for the first time."""
    seen: set[str] = set()

    async def answer(writer: asyncio.StreamWriter) -> None:
        id = receiver.received[-1].headers["webhook-id"]
        writer.write(
            b"HTTP/1.1 204 No Content\r\n\r\n" if id in seen else b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
        )
        seen.add(id)

    receiver.answer = answer


def taking(receiver: Receiver, seconds: float) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    receiver.answer = answer
