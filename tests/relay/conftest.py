"""Agent windows over one home, each a real process; all are gone when a test ends."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from session_buddy.config import Settings
from tests.support.stdio_client import Era, StdioClient

SMALL = (sys.executable, "-m", "tests.support.small_serve")
CHECKOUT = Path(__file__).resolve().parents[2]

Window = Callable[..., StdioClient]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=str(home))


@pytest.fixture
def window(tmp_path: Path, home: Path) -> Iterator[Window]:
    """Opens windows: `window(era="modern", handshake=False, home=..., TEST_PATIENCE="1")`."""
    opened: list[StdioClient] = []

    def open_window(era: Era = "legacy", *, handshake: bool = True, **environment: str) -> StdioClient:
        env = {
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            "SESSION_BUDDY_HOME": str(home),
            "COVERAGE_CORE": "",
            **environment,
        }
        client = StdioClient(SMALL, env=env, stderr=tmp_path / f"stderr-{len(opened)}", era=era)
        opened.append(client)
        if handshake:
            client.handshake()
        return client

    yield open_window
    for client in opened:
        client.kill()
