from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.webhooks.courier import HttpCourier
from tests.webhooks.certificates import Authority
from tests.webhooks.receivers import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as receiver:
        yield receiver


@pytest.fixture
def courier() -> Iterator[HttpCourier]:
    """May call this machine, and gives up soon."""
    with closing(HttpCourier(allowed=["127.0.0.1"], timeout=0.5)) as courier:
        yield courier


@pytest.fixture
def strict() -> Iterator[HttpCourier]:
    """Allows nothing by name."""
    with closing(HttpCourier(timeout=2)) as courier:
        yield courier


@pytest.fixture
def resolving_to() -> Iterator[Callable[..., HttpCourier]]:
    """Makes couriers for whom each host has the addresses that are given, in turn: the last for ever."""
    made: list[HttpCourier] = []

    def make(*answers: list[str], **more: Any) -> HttpCourier:
        left = list(answers)

        async def resolve(_host: str, _port: int) -> list[str]:
            return left.pop(0) if len(left) > 1 else left[0]

        made.append(HttpCourier(resolve=resolve, **{"timeout": 2.0, **more}))
        return made[-1]

    yield make
    for courier in made:
        courier.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment that would lead each call astray, if it counted."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
