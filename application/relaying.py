"""The relay: it brings what is due to the webhooks, many calls at a time, and keeps what came of each."""

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from application.messages import message, trial_message
from application.notices import notify
from application.ports.deliveries import Errand, Settled
from application.ports.environment import Clock, Ids, Secrets
from application.ports.outbox import OutboxEvent
from application.ports.security import SealBroken, Vault
from application.ports.unit_of_work import Begin, UnitOfWork
from application.ports.webhooks import Courier, Parcel
from application.retrying import Retrying
from application.webhooks import DROPPED_AT_ONCE
from domain.deliveries import Delivery
from domain.kernel import DeliveryId, WebhookId
from domain.mail import MailKind
from domain.webhooks import EndOfWebhook, WebhookEndpoint, WebhookNotFound, WebhookPolicy, WebhookSecret

EVENT_GONE = "event_gone"
"""Its event was older than the retention of the feed."""
SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 (a name)
"""SECRET_KEY was changed, and the old one is not among SECRET_KEYS_OLD."""

_GONE = 410
_MOST_TOLD = 20
"""Owners who get a mail when a webhook is switched off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An errand, and where it goes: as the endpoint was when the errand was claimed."""

    errand: Errand
    endpoint: WebhookEndpoint
    event: OutboxEvent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    call: Call
    status: int | None = None
    error: str = ""

    @property
    def has_succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_of_endpoint(self) -> bool:
        """Whether it says anything about the endpoint, and not about the installation itself."""
        return self.error not in (EVENT_GONE, SECRET_UNREADABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayWebhooks:
    """What is due goes to its webhook, at least once and in order within each aggregate. Any number of relays may run.

    Calls run outside any transaction; what came of them is kept when they return. A relay that dies leaves its lanes
    to the others when their leases end.
    """

    unit_of_work: Begin
    courier: Courier
    vault: Vault
    secrets: Secrets
    clock: Clock
    ids: Ids
    webhook_policy: WebhookPolicy
    patience: float = 0.1
    """For how many seconds at most a step waits for a call to return."""
    _calls: dict[DeliveryId, Call] = field(default_factory=dict, init=False, repr=False)
    _ended: list[Ended] = field(default_factory=list, init=False, repr=False)
    """Kept until they are settled: the database may be away for a while."""

    def __call__(self) -> bool:
        """One step: settle what returned, and send what is due. Whether there may be more to do at once."""
        self._take_back()
        return self._send() or bool(self._calls)

    def finish(self) -> None:
        """Send nothing more, and settle what is under way: for as long as the longest call takes."""
        while self._calls or self._ended:
            self._take_back()

    # ---- back

    def _take_back(self) -> None:
        for receipt in self.courier.returned(wait=self.patience if self._calls else 0):
            # Of two calls for one delivery, which take a lease slept through, the first to return tells.
            if call := self._calls.pop(receipt.parcel.delivery_id, None):
                self._ended.append(Ended(call=call, status=receipt.status, error=receipt.error))
        if self._ended:
            Retrying(self._settle)(tuple(self._ended))
            self._ended.clear()

    def _settle(self, ended: Sequence[Ended]) -> None:
        now = self.clock.now()
        with self.unit_of_work() as uow:
            off = [endpoint for endpoint in self._judged(uow, ended, now) if not endpoint.is_active]
            uow.deliveries.settle([self._settled(each, now) for each in ended])
            for endpoint in off:
                uow.deliveries.drop(endpoint.owner_id, endpoint.id, limit=DROPPED_AT_ONCE)

    def _settled(self, ended: Ended, at: datetime) -> Settled:
        before, wait = ended.call.errand.delivery, None
        if ended.error == EVENT_GONE:
            after = before.given_up(EVENT_GONE, at=at)
        elif ended.status is not None and ended.has_succeeded:
            after = before.delivered(ended.status, at=at)
        else:
            random = int.from_bytes(self.secrets.new(2)) / 0xFFFF
            after, wait = before.failed(ended.status, ended.error, policy=self.webhook_policy, random=random, at=at)
        return Settled(errand=ended.call.errand, delivery=after, due_at=at + wait if wait else at)

    def _judged(self, uow: UnitOfWork, ended: Sequence[Ended], at: datetime) -> list[WebhookEndpoint]:
        """The endpoints of which it now has to be kept that they fail, or no longer do, or are off. Most of the time
        nothing changes, and nothing is locked.

        They are read anew: others may have failed or succeeded since the calls began, and a failure that is remembered
        after a success would one day switch the endpoint off.
        """
        by_endpoint: dict[tuple[UUID, WebhookId], list[Ended]] = {}
        for each in ended:
            if each.is_of_endpoint:
                by_endpoint.setdefault((each.call.endpoint.owner_id, each.call.endpoint.id), []).append(each)
        if not by_endpoint:
            return []
        changed = []
        for seen in sorted(uow.webhooks.some(by_endpoint.keys()), key=lambda each: (each.owner_id, each.id)):
            calls = by_endpoint[seen.owner_id, seen.id]
            if self._after(seen, calls, at) is seen:
                continue
            with suppress(WebhookNotFound):
                endpoint = uow.webhooks.lock(seen.owner_id, seen.id)
                after = self._after(endpoint, calls, at)
                if after is not endpoint:
                    uow.webhooks.save(after)
                    changed.append(after)
                if endpoint.is_active and not after.is_active:
                    self._tell(uow, after, at)
        return changed

    def _after(self, endpoint: WebhookEndpoint, calls: Sequence[Ended], at: datetime) -> WebhookEndpoint:
        if any(call.has_succeeded for call in calls):
            return endpoint.succeeded()
        if any(call.status == _GONE for call in calls):
            return endpoint.disable(EndOfWebhook.GONE, by=None, at=at)
        return endpoint.failed(policy=self.webhook_policy, at=at)

    def _tell(self, uow: UnitOfWork, endpoint: WebhookEndpoint, at: datetime) -> None:
        """The organization's owners; the operators, where it is the installation's."""
        organization_id = endpoint.organization_id
        told = uow.memberships.owners(organization_id, limit=_MOST_TOLD) if organization_id else uow.operators.all()
        about = {"owner_id": str(endpoint.owner_id), "webhook_id": str(endpoint.id)}
        for account in uow.accounts.some(told[:_MOST_TOLD]).values():
            notify(uow, MailKind.WEBHOOK_DISABLED, account, ids=self.ids, about=about, at=at)

    # ---- out

    def _send(self) -> bool:
        """As many as the courier takes. A claim takes a quarter of what can be under way, and none for an endpoint that
        has as much already: so one that is slow leaves room to the others."""
        room = self.courier.free()
        if room < 1:
            return False
        share = max(1, (room + len(self._calls)) // 4)
        under_way = Counter(call.endpoint.id for call in self._calls.values())
        full = [id for id, count in under_way.items() if count >= share]
        calls, off = Retrying(self._claim)(min(room, share), full)
        for call in calls:
            self._begin(call)
        for owner_id, endpoint_id in off:
            Retrying(self._drop)(owner_id, endpoint_id)
        return bool(calls or off)

    def _claim(self, limit: int, full: Collection[WebhookId]) -> tuple[list[Call], set[tuple[UUID, WebhookId]]]:
        """The calls to make, and the endpoints that get none, because they are off or gone."""
        with self.unit_of_work() as uow:
            errands = uow.deliveries.claim(
                limit=limit, lease=self.webhook_policy.lease, at=self.clock.now(), except_endpoints=full
            )
            if not errands:
                return [], set()
            due = [errand.delivery for errand in errands]
            endpoints = {each.id: each for each in uow.webhooks.some({(it.owner_id, it.endpoint_id) for it in due})}
            events = {each.id: each for each in uow.outbox.some({(it.event_owner_id, it.event_id) for it in due})}
        active = {id: endpoint for id, endpoint in endpoints.items() if endpoint.is_active}
        calls = [
            Call(errand=errand, endpoint=active[it.endpoint_id], event=events.get(it.event_id))
            for errand, it in zip(errands, due, strict=True)
            if it.endpoint_id in active
        ]
        return calls, {(it.owner_id, it.endpoint_id) for it in due if it.endpoint_id not in active}

    def _begin(self, call: Call) -> None:
        delivery = call.errand.delivery
        if delivery.is_test:
            body = trial_message(delivery)
        elif call.event:
            body = message(call.event)
        else:
            self._ended.append(Ended(call=call, error=EVENT_GONE))
            return
        try:
            parcel = self._parcel(call.endpoint, delivery, body)
        except SealBroken:
            self._ended.append(Ended(call=call, error=SECRET_UNREADABLE))
            return
        self._calls[delivery.id] = call
        self.courier.send(parcel)

    def _parcel(self, endpoint: WebhookEndpoint, delivery: Delivery, body: bytes) -> Parcel:
        """Raise SealBroken."""
        now = self.clock.now()
        opened = (self.vault.open(sealed, row=endpoint.secret_row) for sealed in endpoint.sealed_secrets(now))
        return Parcel(
            owner_id=delivery.owner_id,
            endpoint_id=endpoint.id,
            delivery_id=delivery.id,
            aggregate_id=delivery.aggregate_id,
            url=endpoint.url,
            message_id=delivery.message_id,
            at=now,
            body=body,
            secrets=tuple(WebhookSecret(text).key for text in opened),
        )

    def _drop(self, owner_id: UUID, endpoint_id: WebhookId) -> None:
        with self.unit_of_work() as uow:
            with suppress(WebhookNotFound):
                if uow.webhooks.lock(owner_id, endpoint_id).is_active:  # switched on meanwhile
                    return
            uow.deliveries.drop(owner_id, endpoint_id, limit=DROPPED_AT_ONCE)
