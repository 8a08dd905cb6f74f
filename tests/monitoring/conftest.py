import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live import ask, free_port
from tests.support.stdio_client import StdioClient
from tests.support.waiting import wait_for

CHECKOUT = Path(__file__).parents[2]


class Service:
    """The real service of one home, and the windows that work through it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._environ = os.environ | {
            "SESSION_BUDDY_HOME": str(folder / "home"),
            "SESSION_BUDDY_PORT": str(self.port),
            "CLAUDE_CONFIG_DIR": str(folder / "claude"),
            "PYTHONPATH": str(CHECKOUT),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers scrapes."""
        words = [sys.executable, "-m", "session_buddy", "websocket-server"]
        with (self._folder / "service.log").open("ab") as log:
            self._process = subprocess.Popen(words, env=self._environ, stdout=log, stderr=log)
        wait_for(self._answers, "the service is ready", 30)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order, if it runs."""
        if self._process is not None:
            self._end(signal.SIGTERM)

    def window(self) -> StdioClient:
        """An agent's window."""
        words = [sys.executable, "-m", "session_buddy", "serve"]
        return StdioClient(words, env=self._environ, stderr=self._folder / "window.log")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command beside it."""
        command = [sys.executable, "-m", "session_buddy", *words]
        return subprocess.run(
            command, env=self._environ, capture_output=True, text=True, timeout=60, check=False
        )

    def scrape(self) -> str:
        """What `/metrics` says."""
        return ask(self.port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")[2].decode()

    def _answers(self) -> bool:
        try:
            return ask(self.port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == 200
        except OSError:
            return False

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(20)
        self._process = None


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    made.start()
    yield made
    made.stop()
