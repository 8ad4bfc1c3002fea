import pytest
from hypothesis import settings

# A busy machine makes no test fail, and a run leaves nothing behind.
settings.register_profile("unhurried", deadline=None, database=None)
settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--persistence",
        metavar="MODULE:FACTORY",
        help="run tests/contract on this adapter alone: a callable that returns a fresh, empty Persistence",
    )
