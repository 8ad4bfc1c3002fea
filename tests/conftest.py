import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--persistence",
        metavar="MODULE:FACTORY",
        help="run tests/contract on this adapter alone: a callable that returns a fresh, empty Persistence",
    )
