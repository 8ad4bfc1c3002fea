"""One server and one browser for all; for each test a profile of its own, and so neither cookies nor passkeys."""

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.installation import serving_at_localhost
from tests.browser.person import Person
from tests.e2e.installation import ROOT

PICTURES = ROOT / ".browser"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_MS = 30_000
"""For what takes less than one second on a machine that does nothing else."""
_numbers = count(1)


def browser_path() -> str:
    """Of the system's browser. Without one the tests fail: skipped, they would look as if they had passed."""
    wanted = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, [wanted] if wanted else _NAMES)), None)
    if found is None:
        missing = f"CHROMIUM names {wanted}, which is not there." if wanted else "There is no Chromium."
        install = "On Debian: apt-get install --no-install-recommends chromium. Elsewhere, CHROMIUM=/its/path."
        pytest.exit(f"{missing} {install}", returncode=1)
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = browser_path()
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the server is."""
    with serving_at_localhost(tmp_path_factory.mktemp("portico")) as url:
        yield url


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 900, "height": 900}, color_scheme="light")
    context.set_default_timeout(_PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """What breaks in a script, or against the page's own policy, breaks the test."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "Security Policy" in said.text else None)
    yield page
    assert errors == []


@pytest.fixture
def ada(page: Page, url: str) -> Person:
    """She has no account yet."""
    page.goto(f"{url}/dev/passkeys")
    return Person(page, f"ada-{next(_numbers)}@example.com")


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Kept, for people to look at."""
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir()
    return PICTURES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"Pictures of the page: {PICTURES}")
