"""Devices that skip the second factor at sign-in, and nowhere else."""

from uuid import uuid4

import pytest

from application.signing_in import SecondFactorDue
from domain.sessions import InvalidCredentials
from domain.trusted_devices import TrustedDeviceNotFound
from tests.application.world import ADA, ANOTHER, ELSEWHERE, EVE, HOME, PASSWORD, World
from tests.builders import DAY


def trusted(world: World) -> str:
    """The token of a device that Ada, who has an authenticator app, trusts."""
    world.an_app_of(world.an_account())
    token = world.enter_with_app(trust_device=True).device_token
    assert token
    return token


def is_asked(world: World, device_token: str | None, *, email: str = ADA, password: str = PASSWORD) -> bool:
    answer = world.sign_in(email=email, password=password, device_token=device_token, client=ELSEWHERE)
    return isinstance(answer, SecondFactorDue)


def test_a_trusted_device_skips_the_second_factor_and_stays_less_sure(world: World) -> None:
    token = trusted(world)
    session = world.enter(device_token=token).session
    assert (session.aal, session.amr) == (1, ("pwd",))


def test_it_still_needs_the_password(world: World) -> None:
    token = trusted(world)
    with pytest.raises(InvalidCredentials):
        world.enter(password="a wrong password", device_token=token)


def test_no_other_device_skips_anything(world: World) -> None:
    trusted(world)
    assert is_asked(world, None)
    assert is_asked(world, world.enter_with_app().device_token)


def test_a_device_is_trusted_only_on_request(world: World) -> None:
    world.an_app_of(world.an_account())
    assert is_asked(world, world.enter_with_app().device_token)


def test_trust_and_its_end_are_told(world: World) -> None:
    principal = world.who(world.enter(device_token=trusted(world)))
    (device,) = world.list_trusted_devices(principal=principal)
    world.distrust_device(principal=principal, device_id=device.id)
    told = [event for event in world.events() if "device" in event.name]
    assert [event.name for event in told] == ["factor.device_trusted", "factor.device_distrusted"]
    for event in told:
        assert event.data == {"account_id": str(principal.account.id), "device_id": str(device.id)}


def test_trust_lasts_thirty_days(world: World) -> None:
    token = trusted(world)
    world.clock.advance(30 * DAY - DAY / 2)
    assert not is_asked(world, token)
    world.clock.advance(DAY / 2)
    assert is_asked(world, token)


def test_a_device_is_trusted_by_one_account(world: World) -> None:
    token = trusted(world)
    world.an_app_of(world.an_account(EVE))
    assert is_asked(world, token, email=EVE)


def test_trust_is_listed_with_where_it_was_given(world: World) -> None:
    trusted(world)
    principal = world.who(world.enter_with_app())
    (device,) = world.list_trusted_devices(principal=principal)
    assert (device.user_agent, device.network) == (HOME.user_agent, HOME.network)
    assert (device.created_at, device.expires_at) == (world.clock.now(), world.clock.now() + 30 * DAY)


def test_trust_is_revoked_at_once(world: World) -> None:
    token = trusted(world)
    principal = world.who(world.enter(device_token=token))
    (device,) = world.list_trusted_devices(principal=principal)
    world.distrust_device(principal=principal, device_id=device.id)
    assert world.list_trusted_devices(principal=principal) == []
    assert is_asked(world, token)


def test_nobody_revokes_the_trust_of_another(world: World) -> None:
    token = trusted(world)
    (device,) = world.list_trusted_devices(principal=world.who(world.enter(device_token=token)))
    eve = world.somebody(EVE)
    for id in (device.id, uuid4()):
        with pytest.raises(TrustedDeviceNotFound):
            world.distrust_device(principal=eve, device_id=id)
    assert not is_asked(world, token)


def test_a_changed_password_ends_trust(world: World) -> None:
    token = trusted(world)
    principal = world.who(world.enter_with_app())
    world.change_password(principal=principal, current_password=PASSWORD, new_password=ANOTHER)
    assert world.list_trusted_devices(principal=principal) == []
    assert is_asked(world, token, password=ANOTHER)


def test_a_password_reset_ends_trust(world: World) -> None:
    token = trusted(world)
    world.request_reset(email=ADA)
    world.confirm_reset(token=world.mailed_token("password_reset"), new_password=ANOTHER)
    assert is_asked(world, token, password=ANOTHER)


def test_a_changed_address_ends_trust(world: World) -> None:
    token = trusted(world)
    principal = world.who(world.enter_with_app())
    world.request_email_change(principal=principal, new_email=EVE, password=PASSWORD)
    world.confirm_email_change(principal=principal, token=world.mailed_token("email_change"))
    assert is_asked(world, token, email=EVE)


def test_an_operator_who_resets_factors_ends_trust(world: World) -> None:
    token = trusted(world)
    principal = world.who(world.enter(device_token=token))
    world.reset_factors(principal=world.an_operator(), account_id=principal.account.id)
    assert world.list_trusted_devices(principal=principal) == []
    world.an_app_of(principal.account)
    assert is_asked(world, token)
