"""The devices that skip the second factor at sign-in."""

from dataclasses import dataclass
from uuid import UUID

from application.access import lock_owner
from application.ports.environment import Clock
from application.ports.unit_of_work import Begin
from domain.access import Principal
from domain.trusted_devices import TrustedDevice, TrustedDeviceNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTrustedDevices:
    """The devices that the caller trusts, newest first."""

    autocommit: Begin
    clock: Clock

    def __call__(self, *, principal: Principal) -> list[TrustedDevice]:
        with self.autocommit() as database:
            return database.trusted_devices.all(principal.account.id, at=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrustDevice:
    """A device must show a second factor again at its next sign-in."""

    unit_of_work: Begin
    clock: Clock

    def __call__(self, *, principal: Principal, device_id: UUID) -> None:
        """Raise TrustedDeviceNotFound."""
        now = self.clock.now()
        with self.unit_of_work() as uow:
            account = lock_owner(uow, principal, at=now)
            if not uow.trusted_devices.remove(account.id, device_id):
                raise TrustedDeviceNotFound
            uow.second_factors.save(uow.second_factors.lock(account.id).distrust(device_id, at=now))
