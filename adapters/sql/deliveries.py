from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Index,
    String,
    and_,
    delete,
    exists,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from adapters.sql.model import Model
from adapters.sql.statements import inserted_or_locked, one_page, some_of, swept
from application.ports.deliveries import Deliveries, Errand, Settled
from application.ports.pages import id_of
from domain.deliveries import Delivery, DeliveryState, Lane
from domain.kernel import DeliveryId, Stale, WebhookId

Alike = TypeVar("Alike", bound=Hashable)

_WAITS = text("settled_at IS NULL")
_IS_OVER = text("settled_at IS NOT NULL")


class DeliveryRow(Model):
    __tablename__ = "deliveries"
    __table_args__ = (
        Index(None, "owner_id", "endpoint_id", "id"),
        Index(
            "ix_deliveries_waiting",
            "owner_id",
            "endpoint_id",
            "aggregate_id",
            "position",
            "id",
            postgresql_where=_WAITS,
            sqlite_where=_WAITS,
        ),
        Index(None, "settled_at", postgresql_where=_IS_OVER, sqlite_where=_IS_OVER),
    )

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID]
    aggregate_id: Mapped[UUID]
    event_owner_id: Mapped[UUID]
    event_id: Mapped[UUID]
    event_name: Mapped[str] = mapped_column(String(64))
    position: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int]
    status: Mapped[int | None]
    error: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    tried_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


class LaneRow(Model):
    """There while something waits in it: so what is due is found without looking at what waits behind it.

    `due_at` is the end of the lease as well. Who queues locks the row, and so does who empties it, before they look
    whether it is empty: so none goes from under a delivery that comes at that moment.
    """

    __tablename__ = "lanes"
    __table_args__ = (Index(None, "due_at", "endpoint_id"),)

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID] = mapped_column(primary_key=True)
    aggregate_id: Mapped[UUID] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]


def to_row(delivery: Delivery) -> dict[str, Any]:
    return {
        "owner_id": delivery.owner_id,
        "id": delivery.id,
        "endpoint_id": delivery.endpoint_id,
        "aggregate_id": delivery.aggregate_id,
        "event_owner_id": delivery.event_owner_id,
        "event_id": delivery.event_id,
        "event_name": delivery.event_name,
        "position": delivery.position,
        **to_outcome(delivery),
        "created_at": delivery.created_at,
    }


def to_outcome(delivery: Delivery) -> dict[str, Any]:
    """What changes of it."""
    return {
        "state": delivery.state.value,
        "tries": delivery.tries,
        "status": delivery.status,
        "error": delivery.error,
        "tried_at": delivery.tried_at,
        "settled_at": delivery.settled_at,
    }


def to_delivery(row: Sequence[Any]) -> Delivery:
    """`row` holds the columns of DeliveryRow in their order."""
    (
        owner_id,
        id,
        endpoint_id,
        aggregate_id,
        event_owner_id,
        event_id,
        event_name,
        position,
        state,
        tries,
        status,
        error,
        created_at,
        tried_at,
        settled_at,
    ) = row
    return Delivery(
        owner_id=owner_id,
        id=id,
        endpoint_id=endpoint_id,
        aggregate_id=aggregate_id,
        event_owner_id=event_owner_id,
        event_id=event_id,
        event_name=event_name,
        position=position,
        state=DeliveryState(state),
        tries=tries,
        status=status,
        error=error,
        created_at=created_at,
        tried_at=tried_at,
        settled_at=settled_at,
    )


_LANE = (LaneRow.owner_id, LaneRow.endpoint_id, LaneRow.aggregate_id)
_LANE_OF = (DeliveryRow.owner_id, DeliveryRow.endpoint_id, DeliveryRow.aggregate_id)
_IS_WAITING = DeliveryRow.settled_at.is_(None)
_IS_IN_LANE = and_(*(lane == of for lane, of in zip(_LANE, _LANE_OF, strict=True)))
_NOTHING_WAITS = ~exists().where(_IS_IN_LANE, _IS_WAITING)
_FIRST = (
    select(DeliveryRow.id)
    .where(_IS_IN_LANE, _IS_WAITING)
    .order_by(DeliveryRow.position, DeliveryRow.id)
    .limit(1)
    .correlate(LaneRow)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class SqlDeliveries(Deliveries):
    connection: Connection

    def queue(self, deliveries: Collection[Delivery]) -> None:
        if not deliveries:
            return
        self.connection.execute(insert(DeliveryRow), [to_row(each) for each in deliveries])
        self._wait({each.lane: each.created_at for each in deliveries})

    def requeue(self, delivery: Delivery, *, at: datetime) -> None:
        was_over = (DeliveryRow.owner_id == delivery.owner_id, DeliveryRow.id == delivery.id, ~_IS_WAITING)
        again = update(DeliveryRow).where(*was_over).values(to_outcome(delivery))
        if not self.connection.execute(again).rowcount:
            raise Stale
        self._wait({delivery.lane: at})

    def claim(
        self, *, limit: int, lease: timedelta, at: datetime, except_endpoints: Iterable[WebhookId] = ()
    ) -> list[Errand]:
        wanted = LaneRow.endpoint_id.not_in(list(except_endpoints))
        due = some_of(LaneRow, LaneRow.due_at <= at, wanted, oldest=LaneRow.due_at, limit=limit)
        leased = update(LaneRow).where(due).values(due_at=at + lease).returning(*_LANE)
        lanes = [_lane(*row) for row in self.connection.execute(leased)]
        if not lanes:
            return []
        first = (
            select(DeliveryRow.__table__)
            .select_from(LaneRow)
            .join(DeliveryRow, and_(DeliveryRow.owner_id == LaneRow.owner_id, DeliveryRow.id == _FIRST))
            .where(_among(lanes))
        )
        found = [to_delivery(row) for row in self.connection.execute(first)]
        self._remove_empty(set(lanes) - {each.lane for each in found})
        return [
            Errand(delivery=each, leased_until=at + lease) for each in sorted(found, key=lambda each: each.position)
        ]

    def settle(self, settled: Sequence[Settled]) -> None:
        held = self._held(settled)
        # What was delivered at the first try, which is nearly all, is one statement.
        for outcome, alike in _grouped(held, lambda each: tuple(to_outcome(each.delivery).items())):
            is_it = tuple_(DeliveryRow.owner_id, DeliveryRow.id).in_(
                [(each.delivery.owner_id, each.delivery.id) for each in alike]
            )
            self.connection.execute(update(DeliveryRow).where(is_it, _IS_WAITING).values(dict(outcome)))
        self._remove_empty(each.delivery.lane for each in held)
        for due_at, alike in _grouped(held, lambda each: each.due_at):
            lanes = _among(each.delivery.lane for each in alike)
            self.connection.execute(update(LaneRow).where(lanes).values(due_at=due_at))

    def drop(self, owner_id: UUID, endpoint_id: WebhookId, *, limit: int) -> int:
        of_endpoint = (DeliveryRow.owner_id == owner_id, DeliveryRow.endpoint_id == endpoint_id)
        dropped = swept(
            self.connection, DeliveryRow, *of_endpoint, _IS_WAITING, oldest=DeliveryRow.position, limit=limit
        )
        empty = select(*_LANE).where(LaneRow.owner_id == owner_id, LaneRow.endpoint_id == endpoint_id, _NOTHING_WAITS)
        locked = self.connection.execute(empty.order_by(*_LANE).limit(limit).with_for_update(of=LaneRow))
        self._remove_empty([_lane(*row) for row in locked])
        return dropped

    def find(self, owner_id: UUID, id: DeliveryId) -> Delivery | None:
        it = select(DeliveryRow.__table__).where(DeliveryRow.owner_id == owner_id, DeliveryRow.id == id)
        row = self.connection.execute(it).first()
        return to_delivery(row) if row else None

    def page(
        self, owner_id: UUID, endpoint_id: WebhookId, *, limit: int, after: str | None
    ) -> tuple[list[Delivery], str | None]:
        log = select(DeliveryRow.__table__).where(
            DeliveryRow.owner_id == owner_id, DeliveryRow.endpoint_id == endpoint_id
        )
        if after is not None:
            log = log.where(DeliveryRow.id < id_of(after))
        newest_first = log.order_by(DeliveryRow.id.desc())
        return one_page(self.connection, newest_first, to_delivery, lambda it: str(it.id), limit=limit)

    def sweep(self, *, before: datetime, limit: int) -> int:
        is_over = DeliveryRow.settled_at < before
        return swept(self.connection, DeliveryRow, is_over, oldest=DeliveryRow.settled_at, limit=limit)

    def _wait(self, lanes: Mapping[Lane, datetime]) -> None:
        in_order = [{**asdict(lane), "due_at": lanes[lane]} for lane in sorted(lanes, key=_key)]
        inserted_or_locked(self.connection, LaneRow, in_order)

    def _held(self, settled: Sequence[Settled]) -> list[Settled]:
        """Those whose lane nobody else has got meanwhile. It is locked now."""
        leases = {(*_key(each.delivery.lane), each.errand.leased_until): each for each in settled}
        if not leases:
            return []
        leased = select(*_LANE, LaneRow.due_at).where(tuple_(*_LANE, LaneRow.due_at).in_(list(leases)))
        locked = self.connection.execute(leased.order_by(*_LANE).with_for_update())
        return [leases[owner_id, endpoint_id, id, due_at] for owner_id, endpoint_id, id, due_at in locked]

    def _remove_empty(self, locked: Iterable[Lane]) -> None:
        if lanes := list(locked):
            self.connection.execute(delete(LaneRow).where(_among(lanes), _NOTHING_WAITS))


def _among(lanes: Iterable[Lane]) -> ColumnElement[bool]:
    return tuple_(*_LANE).in_([_key(lane) for lane in lanes])


def _key(lane: Lane) -> tuple[UUID, UUID, UUID]:
    return lane.owner_id, lane.endpoint_id, lane.aggregate_id


def _lane(owner_id: UUID, endpoint_id: UUID, aggregate_id: UUID) -> Lane:
    return Lane(owner_id=owner_id, endpoint_id=WebhookId(endpoint_id), aggregate_id=aggregate_id)


def _grouped(settled: Iterable[Settled], by: Callable[[Settled], Alike]) -> Iterator[tuple[Alike, list[Settled]]]:
    groups: dict[Alike, list[Settled]] = {}
    for each in settled:
        groups.setdefault(by(each), []).append(each)
    return iter(groups.items())
