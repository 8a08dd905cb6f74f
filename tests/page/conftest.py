from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.page.browser import Browser
from tests.support.live import LiveHome, Running, ask, live_home, running

EVERY_SECOND = 1.0


@pytest.fixture(scope="session")
def chromium_browser(node_modules: Path, chromium: Path) -> Iterator[Browser]:
    browser = Browser(node_modules, chromium)
    yield browser
    browser.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LiveHome]:
    with live_home(tmp_path, update_interval=EVERY_SECOND) as opened:
        yield opened


@pytest.fixture
def served(home: LiveHome) -> Iterator[Running]:
    with running(home) as sidecar:
        yield sidecar


@pytest.fixture
def browser(chromium_browser: Browser) -> Iterator[Browser]:
    """A browser whose page must have stayed at home and must have had nothing to complain of."""
    yield chromium_browser
    origin = chromium_browser.evaluate("location.host")
    addresses = {
        address.split("/")[2] for address in chromium_browser.requests if not address.startswith("blob:")
    }
    assert addresses == {origin}
    assert [error for error in chromium_browser.errors if not says_that_nobody_is_there(error)] == []


def is_served(port: int) -> bool:
    """Whether a leader serves a port."""
    try:
        status, _, _ = ask(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    except OSError:
        return False
    return status == 200


def says_that_nobody_is_there(error: str) -> bool:
    """Whether Chromium itself says so, as it does while no leader has the port."""
    of_chromium = error.startswith(("WebSocket connection to", "Failed to load resource"))  # the tab's icon
    return of_chromium and "net::ERR_CONNECTION_REFUSED" in error
