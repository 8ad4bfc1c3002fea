"""From the first sign-up to the last good-bye; and nothing secret or personal is left in the log."""

import io

from adapters.mail.console import ConsoleMailer
from adapters.mail.rendering import Renderer
from tests.builders import DAY, HOUR
from tests.http.conftest import Serve
from tests.http.log import Log
from tests.http.service import SignedIn, refusal

ADA, NEW_ADDRESS, FRIEND = "ada-lovelace@example.com", "countess@example.org", "babbage@example.com"
FIRST, SECOND, THIRD = (
    "correct horse battery staple",
    "incorrect zebra generator nail",
    "a wholly other string of words",
)


def test_a_whole_life_leaves_nothing_secret_in_the_log(log: Log, serve: Serve) -> None:
    service = serve()
    # What the console mailer prints is mail, and no log.
    quiet = ConsoleMailer(renderer=Renderer(product="Portico"), clock=service.clock, stream=io.StringIO())
    service.container.console_mailer.override(quiet)
    secrets = {ADA, NEW_ADDRESS, "Lovelace", FIRST, SECOND, THIRD}

    def keep(device: SignedIn) -> SignedIn:
        kept = ("access_token", "refresh_token", "device_token")
        secrets.update(device.tokens[name] for name in kept if device.tokens[name])
        return device

    def mailed(address: str) -> str:
        token = service.token_to(address)
        secrets.add(token)
        return token

    # She signs up, mistypes, and proves her address.
    assert (
        service.post("/v1/accounts", {"email": ADA, "password": FIRST, "display_name": "Lovelace"}).status_code == 202
    )
    token = mailed(ADA)
    assert service.post("/v1/accounts/verify", {"token": token, "password": SECOND}).status_code == 422
    account = service.post("/v1/accounts/verify", {"token": token, "password": FIRST}).json()

    # She signs in on two devices, and one refreshes for a while.
    assert service.post("/v1/sessions", {"email": ADA, "password": SECOND}).status_code == 401
    phone = keep(service.sign_in(ADA, password=FIRST))
    laptop = keep(service.sign_in(ADA, password=FIRST))
    for _ in range(3):
        service.clock.advance(HOUR)
        body = {"refresh_token": laptop.refresh_token}
        laptop = keep(SignedIn(service.post("/v1/sessions/refresh", body).json()))

    # She changes her password, proving who she is once more: the other device is out.
    laptop = keep(SignedIn(service.post("/v1/sessions/current/step-up", {"password": FIRST}, by=laptop).json()))
    change = {"current_password": FIRST, "new_password": SECOND}
    assert service.post("/v1/me/password", change, by=laptop).status_code == 204
    assert refusal(service.get("/v1/me/sessions", by=phone)) == (401, "access_token_invalid")
    assert refusal(service.post("/v1/sessions/refresh", {"refresh_token": phone.refresh_token}))[1] == "session_ended"

    # She moves to another address.
    body = {"new_email": NEW_ADDRESS, "password": SECOND}
    assert service.post("/v1/me/email", body, by=laptop).status_code == 202
    assert service.post("/v1/me/email/confirm", {"token": mailed(NEW_ADDRESS)}, by=laptop).status_code == 204

    # She forgets her password, and somebody guesses at it.
    service.clock.advance(DAY)
    for _ in range(6):
        last = service.post("/v1/sessions", {"email": NEW_ADDRESS, "password": "a guess"})
    assert last.status_code == 429
    service.post("/v1/password-resets", {"email": NEW_ADDRESS})
    reset = {"token": mailed(NEW_ADDRESS), "new_password": THIRD}
    device_token = service.post("/v1/password-resets/confirm", reset).json()["device_token"]
    secrets.add(device_token)

    # She founds a company, invites a friend who would rather not, and lets a program look at it.
    body = {"email": NEW_ADDRESS, "password": THIRD, "device_token": device_token}
    home = keep(SignedIn(service.post("/v1/sessions", body).json()))
    engines = service.organization(home, "Analytical Engines", slug="engines")
    service.invite(engines, FRIEND, "member", by=home)
    assert service.post("/v1/invitations/decline", {"token": mailed(FRIEND)}).status_code == 204
    program = service.personal_key(home, engines, "organization:read")
    secrets.update({FRIEND, "Analytical", program.made.secret, program.made.secret[:-1]})
    assert service.get(f"/v1/organizations/{engines}", by=program).status_code == 200
    cut = {"Authorization": f"Bearer {program.made.secret[:-1]}"}
    assert refusal(service.get(f"/v1/organizations/{engines}", headers=cut)) == (401, "api_key_damaged")

    # She reads what is held about her, and leaves.
    names = [event["name"] for event in service.get("/v1/me/export", by=home).json()["events"]]
    assert names[::-1] == [
        "account.registered",
        "session.started",
        "session.started",
        "session.stepped_up",
        "account.password_changed",
        "session.ended",
        "account.email_change_requested",
        "account.email_changed",
        "account.password_reset",
        "session.ended",
        "session.started",
        "api_key.created",
    ]
    assert refusal(service.post("/v1/me/close", {"password": THIRD}, by=home)) == (409, "last_owner")
    assert service.delete(f"/v1/organizations/{engines}?confirm=engines", by=home).status_code == 204
    assert service.post("/v1/me/close", {"password": THIRD}, by=home).status_code == 204
    assert refusal(service.get("/v1/me", by=home)) == (401, "session_ended")

    lines = log.lines()
    assert {line["principal"] for line in lines} == {None, account["id"]}
    assert {line["key"] for line in lines if "key" in line} == {program.key_id}
    for line in lines:
        assert not [secret for secret in secrets if secret in str(line)]
