from tests.builders import DAY
from tests.http.service import ADA, PASSWORD, Service, SignedIn, pointers, refusal

NEW = "ada@example.org"
GONE = (422, "token_invalid")


def asked(service: Service, ada: SignedIn, address: str = NEW) -> str:
    """Return the token that the new address received."""
    response = service.post("/v1/me/email", {"new_email": address, "password": PASSWORD}, by=ada)
    assert (response.status_code, response.json()) == (202, {"status": "confirmation_sent"})
    return service.token_to(address)


def test_the_new_address_counts_once_its_mail_was_read(service: Service) -> None:
    ada = service.ada()
    token = asked(service, ada)
    assert service.get("/v1/me", by=ada).json()["email"] == ADA
    assert service.post("/v1/me/email/confirm", {"token": token}, by=ada).status_code == 204
    assert service.get("/v1/me", by=ada).json()["email"] == NEW
    service.sign_in(NEW)
    assert service.post("/v1/sessions", {"email": ADA, "password": PASSWORD}).status_code == 401


def test_the_old_address_is_told_of_both_steps(service: Service) -> None:
    ada = service.ada()
    token = asked(service, ada)
    assert len(service.mail_to(ADA)) == 2
    service.post("/v1/me/email/confirm", {"token": token}, by=ada)
    assert len(service.mail_to(ADA)) == 3


def test_only_the_signed_in_owner_confirms(service: Service) -> None:
    token = asked(service, service.ada())
    assert refusal(service.post("/v1/me/email/confirm", {"token": token})) == (401, "authentication_required")
    service.sign_up("bob@example.com")
    bob = service.sign_in("bob@example.com")
    assert refusal(service.post("/v1/me/email/confirm", {"token": token}, by=bob)) == GONE


def test_a_confirmation_is_used_once(service: Service) -> None:
    ada = service.ada()
    token = asked(service, ada)
    assert service.post("/v1/me/email/confirm", {"token": token}, by=ada).status_code == 204
    assert refusal(service.post("/v1/me/email/confirm", {"token": token}, by=ada)) == GONE


def test_a_confirmation_lives_a_day(service: Service) -> None:
    token = asked(service, service.ada())
    service.clock.advance(DAY)
    assert refusal(service.post("/v1/me/email/confirm", {"token": token}, by=service.sign_in())) == GONE


def test_a_newer_change_takes_the_place_of_the_one_that_waits(service: Service) -> None:
    ada = service.ada()
    first = asked(service, ada)
    second = asked(service, ada, "lovelace@example.org")
    assert refusal(service.post("/v1/me/email/confirm", {"token": first}, by=ada)) == GONE
    assert service.post("/v1/me/email/confirm", {"token": second}, by=ada).status_code == 204


def test_the_password_must_be_shown_once_more(service: Service) -> None:
    refused = service.post("/v1/me/email", {"new_email": NEW, "password": "not " + PASSWORD}, by=service.ada())
    assert refusal(refused) == (422, "password_wrong")
    assert pointers(refused) == ["/body/password"]


def test_the_present_address_is_no_change(service: Service) -> None:
    refused = service.post("/v1/me/email", {"new_email": ADA.upper(), "password": PASSWORD}, by=service.ada())
    assert refusal(refused) == (422, "email_unchanged")
    assert pointers(refused) == ["/body/new_email"]


def test_what_is_no_address_is_refused_as_such(service: Service) -> None:
    refused = service.post("/v1/me/email", {"new_email": "ada", "password": PASSWORD}, by=service.ada())
    assert refusal(refused) == (422, "email_invalid")
    assert pointers(refused) == ["/body/new_email"]


def test_that_an_address_is_taken_is_told_to_its_reader_only(service: Service) -> None:
    service.sign_up(NEW)
    ada = service.ada()
    response = service.post("/v1/me/email", {"new_email": NEW, "password": PASSWORD}, by=ada)
    assert (response.status_code, response.json()) == (202, {"status": "confirmation_sent"})
    assert service.mail_to(NEW)[0].token is None


def test_an_address_that_was_taken_meanwhile_is_refused(service: Service) -> None:
    ada = service.ada()
    token = asked(service, ada)
    service.sign_up(NEW)
    assert refusal(service.post("/v1/me/email/confirm", {"token": token}, by=ada)) == (409, "email_taken")
