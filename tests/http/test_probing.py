"""No address can be probed: what a stranger may ask about one is answered the same with and without an account."""

from collections import Counter

import httpx
import pytest

from adapters.security.hashing import PasslibHasher
from domain.mail import QueuedMail
from tests.http.service import ADA, PASSWORD, Service

STRANGER = "nobody@example.com"
CALLS = [
    ("/v1/accounts", {"password": PASSWORD, "display_name": "Ada"}),
    ("/v1/accounts/resend-verification", {}),
    ("/v1/password-resets", {}),
    ("/v1/sessions", {"password": "not " + PASSWORD}),
]
each_call = pytest.mark.parametrize(("path", "body"), CALLS, ids=[path for path, _ in CALLS])


class CountingHasher(PasslibHasher):
    def __init__(self) -> None:
        super().__init__(scheme="bcrypt_sha256", bcrypt_cost=4)
        self.work: Counter[str] = Counter()

    def hash(self, password: str) -> str:
        self.work["hash"] += 1
        return super().hash(password)

    def verify(self, password: str, hash: str) -> bool:
        self.work["verify"] += 1
        return super().verify(password, hash)

    def verify_nothing(self, password: str) -> None:
        self.work["verify"] += 1
        super().verify_nothing(password)


def bare(response: httpx.Response) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """All of it but the id of the request."""
    headers = [(name, value) for name, value in response.headers.raw if name != b"x-request-id"]
    return response.status_code, response.content, headers


@each_call
def test_the_answer_is_the_same_to_the_byte(service: Service, path: str, body: dict[str, str]) -> None:
    service.sign_up()
    with_account = bare(service.post(path, {"email": ADA, **body}))
    assert with_account == bare(service.post(path, {"email": STRANGER, **body}))
    assert with_account[0] in (202, 401)


@each_call
def test_the_answer_stays_the_same_when_asked_again(service: Service, path: str, body: dict[str, str]) -> None:
    service.sign_up()
    for _ in range(7):
        with_account = bare(service.post(path, {"email": ADA, **body}))
        assert with_account == bare(service.post(path, {"email": STRANGER, **body}))


@each_call
@pytest.mark.parametrize("state", ["claimed", "suspended", "closed"])
def test_the_state_of_an_account_shows_nowhere(service: Service, path: str, body: dict[str, str], state: str) -> None:
    olga = service.operator()
    if state == "claimed":
        service.post("/v1/accounts", {"email": ADA, "password": PASSWORD})
    else:
        account = service.sign_up()
        ada = service.sign_in()
        if state == "suspended":
            service.post(f"/v1/admin/accounts/{account['id']}/suspend", by=olga)
        else:
            service.post("/v1/me/close", {"password": PASSWORD}, by=ada)
    in_that_state = bare(service.post(path, {"email": ADA, **body}))
    assert in_that_state == bare(service.post(path, {"email": STRANGER, **body}))


@each_call
def test_the_hashing_is_the_same(service: Service, path: str, body: dict[str, str]) -> None:
    service.sign_up()
    work = []
    for email in (ADA, STRANGER):
        hasher = CountingHasher()
        with service.container.password_hasher.override(hasher):
            service.container.reset_singletons()
            service.post(path, {"email": email, **body})
        work.append(hasher.work)
    assert work[0] == work[1]


@pytest.mark.parametrize(("path", "body"), [*CALLS[:3], ("/v1/email-codes", {})])
def test_what_is_queued_is_the_same(service: Service, path: str, body: dict[str, str]) -> None:
    service.sign_up()
    service.wait_for_the_mail_cap()
    queued: list[list[tuple[object, ...]]] = []
    for email in (ADA, STRANGER):
        service.post(path, {"email": email, **body})
        with service.container.persistence().unit_of_work() as uow:
            leased = uow.mail.lease(
                limit=10, lease=service.container.settings().mail_policy.lease, at=service.clock.now()
            )
        queued.append([shape(mail) for mail in leased])
    assert queued[0] == queued[1]
    assert len(queued[0]) == 1


def shape(mail: QueuedMail) -> tuple[object, ...]:
    return mail.kind, mail.slot, sorted(mail.ids), mail.tries
