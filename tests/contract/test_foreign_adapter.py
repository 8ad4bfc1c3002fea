"""What docs/swap-persistence.md tells the author of an adapter to do."""

import os
import re
import subprocess
import sys
from pathlib import Path

from adapters.environment import Uuid7Ids
from adapters.memory.database import MemoryDatabase, Tables
from tests.builders import an_account
from tests.contract.example_adapter import FileDatabase

ROOT = Path(__file__).parents[2]


class Forgetful(MemoryDatabase):
    def keep(self, tables: Tables) -> None:
        """Lose it."""


def forgetful() -> Forgetful:
    return Forgetful(ids=Uuid7Ids())


def run_the_suite(*arguments: str) -> subprocess.CompletedProcess[str]:
    suite = [sys.executable, "-m", "pytest", "tests/contract", *arguments]
    # Without plugins: they take longer to start than the suite.
    bare = {**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(suite, cwd=ROOT, env=bare, capture_output=True, text=True, timeout=120, check=False)


def test_the_suite_runs_on_an_adapter_from_outside_and_on_no_other() -> None:
    run = run_the_suite("--persistence=tests.contract.example_adapter:fresh", "-vv")
    assert run.returncode == 0, run.stdout[-4000:]
    adapters = set(re.findall(r"::\w+\[(.*?fresh|[a-z]+)", run.stdout))
    assert adapters == {"tests.contract.example_adapter:fresh"}


def test_an_adapter_that_breaks_the_contract_is_told_so() -> None:
    run = run_the_suite("--persistence=tests.contract.test_foreign_adapter:forgetful", "-k", "round_trip", "-x")
    assert run.returncode == 1
    assert "1 failed" in run.stdout


def test_the_example_finds_again_what_it_kept(tmp_path: Path) -> None:
    account = an_account()
    with FileDatabase(tmp_path / "portico.pickle").unit_of_work() as uow:
        uow.accounts.add(account)
    with FileDatabase(tmp_path / "portico.pickle").autocommit() as reads:
        assert reads.accounts.find_by_email(account.email) == account
