"""The certificate must be that of the name, while the connection goes to the address that was checked."""

from collections.abc import Callable

import pytest

from adapters.webhooks.connections import system_trust
from adapters.webhooks.courier import HttpCourier
from tests.webhooks.certificates import Authority
from tests.webhooks.parcels import called
from tests.webhooks.receivers import Receiver, drips, receiving

Resolving = Callable[..., HttpCourier]

NAME = "hooks.example.com"


@pytest.fixture
def calling(resolving_to: Resolving, authority: Authority) -> HttpCourier:
    return resolving_to(["127.0.0.1"], allowed=[NAME], trust=authority.trusted())


def test_the_certificate_of_the_name_is_accepted(calling: HttpCourier, authority: Authority) -> None:
    with receiving(Receiver(), tls=authority.server(NAME)) as receiver:
        for _ in range(3):
            assert called(calling, f"https://{NAME}:{receiver.port}/").status == 204
        assert called(calling, f"https://{NAME}.:{receiver.port}/").error == "refused_address"  # not that very name
    assert receiver.connections == 1


@pytest.mark.parametrize("certified", ["elsewhere.example.com", "example.com", "127.0.0.1"])
def test_another_name_s_is_not(calling: HttpCourier, authority: Authority, certified: str) -> None:
    with receiving(Receiver(), tls=authority.server(certified)) as receiver:
        assert called(calling, f"https://{NAME}:{receiver.port}/").error == "tls"
    assert receiver.received == []


@pytest.mark.usefixtures("no_environment")
def test_an_authority_that_only_the_environment_names_is_not_trusted(
    resolving_to: Resolving, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    courier = resolving_to(["127.0.0.1"], allowed=[NAME])
    with receiving(Receiver(), tls=authority.server(NAME)) as receiver:
        assert called(courier, f"https://{NAME}:{receiver.port}/").error == "tls"


def test_a_server_that_speaks_no_tls_is_a_failure(calling: HttpCourier, receiver: Receiver) -> None:
    assert called(calling, f"https://{NAME}:{receiver.port}/").error in {"tls", "connection", "timeout"}
    assert receiver.received == []


def test_a_huge_answer_over_tls_is_not_read_to_its_end(calling: HttpCourier, authority: Authority) -> None:
    answer = drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"x" * 10_000)
    with receiving(Receiver(answer), tls=authority.server(NAME)) as receiver:
        assert called(calling, f"https://{NAME}:{receiver.port}/").status == 200


def test_authorities_come_with_the_system_and_names_are_verified() -> None:
    trust = system_trust()
    assert trust.check_hostname
    assert trust.verify_mode.name == "CERT_REQUIRED"
    assert trust.keylog_filename is None
