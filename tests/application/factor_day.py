"""A day in which every use case of second factors runs, for the tests of what holds for all of them."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from application.factor_proofs import Proof
from domain.second_factors import FactorWrong
from tests.application.factor_fakes import Device
from tests.application.world import HOME, World
from tests.builders import MINUTE, step_of

GRACE = "grace@example.com"

Step = tuple[str, Callable[[], object]]


def a_day_of_factors(world: World) -> Iterator[Step]:
    """Each step by the name of what it does: as in `a_long_day`."""
    grace = world.somebody(GRACE)
    begun = world.begin_totp(principal=grace)
    code = world.totp.code(begun.secret, step_of(world.clock.now()) - 1)
    yield "- confirm an app", lambda: world.confirm_totp(principal=grace, code="000000", client=HOME)
    yield "confirm an app", lambda: world.confirm_totp(principal=grace, code=code, client=HOME)
    yield "- step up by password", lambda: world.step_up(principal=world.now(grace), password="", client=HOME)
    yield "step up", lambda: world.stepped_up(grace)
    grace = world.now(grace)
    yield "make recovery codes", lambda: world.make_recovery_codes(principal=grace)
    codes = world.make_recovery_codes(principal=grace)

    world.clock.advance(MINUTE)
    yield "= ask for a second factor", lambda: world.asked(GRACE)
    yield "finish", lambda: world.enter_with_app(GRACE, trust_device=True)
    yield "! finish", lambda: world.finish(world.asked(GRACE), Proof(code="000000"))
    yield "recover", lambda: world.finish(world.asked(GRACE), Proof(recovery_code=codes[0]))
    yield "= show factors", lambda: world.show_factors(principal=grace)
    yield "= list trusted devices", lambda: world.list_trusted_devices(principal=grace)
    trusted = world.list_trusted_devices(principal=grace)[0]
    yield "distrust a device", lambda: world.distrust_device(principal=grace, device_id=trusted.id)

    yield "register a passkey", lambda: world.a_passkey_of(grace)
    device = world.a_passkey_of(grace)
    passkey = world.list_passkeys(principal=grace)[-1]
    copy = device.copied()
    yield "= ask for a passkey", world.begin_passkey_sign_in
    yield "sign in with a passkey", lambda: world.enter_with_passkey(device)
    yield "! sign in with a foreign passkey", lambda: world.enter_with_passkey(Device(owner=grace.account.id))
    world.enter_with_passkey(device)
    yield "copy", lambda: world.enter_with_passkey(copy)
    yield "rename a passkey", lambda: world.rename_passkey(principal=grace, passkey_id=passkey.id, name="phone")
    yield "remove a passkey", lambda: world.remove_passkey(principal=grace, passkey_id=passkey.id)
    yield "remove the app", lambda: world.remove_totp(principal=grace)

    yield "= ask for a code", lambda: world.request_email_code(email=GRACE)
    world.clock.advance(MINUTE)
    world.deliver()
    browser = world.request_email_code(email=GRACE)
    shown = world.mailed("email_code").values["code"]
    yield (
        "! show another code",
        lambda: world.sign_in_with_email_code(browser_token=browser, code="000000", client=HOME),
    )
    yield (
        "= show the code",  # a second factor is due
        lambda: world.sign_in_with_email_code(browser_token=browser, code=shown, client=HOME),
    )
    for _ in range(9):
        with suppress(FactorWrong):
            world.finish(world.asked(GRACE), Proof(code="000000"))
    yield "lock", lambda: world.finish(world.asked(GRACE), Proof(code="000000"))
    root = world.an_operator("factors@example.net")
    yield "reset factors", lambda: world.reset_factors(principal=root, account_id=grace.account.id)
    yield "reset factors by mail", lambda: world.reset_factors_by_email(email=GRACE)
