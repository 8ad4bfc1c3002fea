from datetime import timedelta
from uuid import UUID

import pytest

from domain.kernel import AccountId
from domain.sessions import Client
from domain.trusted_devices import TrustedDevice
from tests.builders import DAY, NOON, a_trusted_device

ADA, DEVICE = AccountId(UUID(int=1)), UUID(int=2)
LAPTOP = Client(user_agent="Firefox on a laptop", network="192.0.2.7/32")
MICROSECOND = timedelta(microseconds=1)


def test_a_trust_remembers_where_and_under_which_credentials_it_was_given() -> None:
    device = TrustedDevice.trust(
        account_id=ADA, id=DEVICE, client=LAPTOP, credentials_epoch=3, at=NOON, expires_at=NOON + 30 * DAY
    )
    assert device == TrustedDevice(
        account_id=ADA,
        id=DEVICE,
        user_agent="Firefox on a laptop",
        network="192.0.2.7/32",
        credentials_epoch=3,
        created_at=NOON,
        expires_at=NOON + 30 * DAY,
    )


@pytest.mark.parametrize(
    ("epoch", "left", "counts"),
    [
        (3, MICROSECOND, True),
        (3, 30 * DAY, True),
        (3, timedelta(), False),
        (3, -DAY, False),
        (4, 30 * DAY, False),
        (2, 30 * DAY, False),
    ],
)
def test_a_trust_counts_until_it_expires_or_the_credentials_change(epoch: int, left: timedelta, counts: bool) -> None:
    device = a_trusted_device(credentials_epoch=3, expires_at=NOON + left)
    assert device.counts(credentials_epoch=epoch, at=NOON) is counts
