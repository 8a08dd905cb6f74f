"""One agent window over a real `session-buddy serve`, and simulated users who work through it."""

import json
import os
import random
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from tests.support.live import free_port
from tests.support.stdio_client import StdioClient

CHECKOUT = Path(__file__).parents[2]
USERS = 200
HABIT = ("plan", "test", "commit")


class Window:
    """One agent window over a real `session-buddy serve`, and the other ways to look at its home."""

    def __init__(self, home: Path, port: int | None = None) -> None:
        """port: of the home's live page; None takes a free one."""
        self.port = port or free_port()
        self.environ = {
            **os.environ,
            "SESSION_BUDDY_HOME": str(home),
            "SESSION_BUDDY_PORT": str(self.port),
            "CLAUDE_CONFIG_DIR": str(home.parent / "claude"),
            "PYTHONPATH": str(CHECKOUT),
        }
        words = [sys.executable, "-m", "session_buddy", "serve"]
        self.client = StdioClient(words, env=self.environ, stderr=home.parent / "serve.log")
        self.client.handshake()

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers."""
        result = self.client.call(tool, arguments, timeout=60)
        assert not result.get("isError"), result
        return dict(result["structuredContent"])

    def refused(self, tool: str, **arguments: Any) -> str:
        """Why a tool refuses."""
        result = self.client.call(tool, arguments, timeout=60)
        assert result["isError"]
        return str(result["content"][0]["text"])

    def used(self, skill: str, session: str, *, completed: bool = True) -> None:
        self.call("record_skill_invocation", skill_name=skill, completed=completed, session_id=session)

    def command(self, *words: str) -> dict[str, Any]:
        """What a command prints with --json."""
        words = (sys.executable, "-m", "session_buddy", *words, "--json")
        done = subprocess.run(words, env=self.environ, capture_output=True, text=True, timeout=60, check=True)
        return dict(json.loads(done.stdout))

    def failure(self, *words: str) -> str:
        """What a command says that fails."""
        words = (sys.executable, "-m", "session_buddy", *words)
        done = subprocess.run(
            words, env=self.environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 1
        return done.stderr

    def metrics(self) -> list[str]:
        """The lines of a scrape."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            return answer.read().decode().splitlines()

    def experiments_of_feed(self) -> list[dict[str, Any]]:
        """What the live page has to show now."""
        with connect(f"ws://127.0.0.1:{self.port}/", proxy=None) as connection:
            while True:
                message = json.loads(connection.recv(timeout=30))
                if message["type"] == "metrics_update":
                    return list(message["data"]["experiments"])


def habit(window: Window) -> None:
    """Sessions that always go the same way, for strategies to learn from."""
    for number in range(12):
        for skill in HABIT:
            window.used(skill, f"before-{number}")


def goes_through(
    window: Window, name: str, lots: random.Random, *, helps: bool, user: bool
) -> dict[str, Any]:
    """A user plans, asks what comes next, and tests; a suggestion of just that helps, where it is to."""
    session = f"session of {name}"
    window.used("plan", session)
    of_user = {"user_id": name} if user else {}
    answer = window.call("suggest_next_skill", session_id=session, limit=3, **of_user)
    fits = [found["skill_name"] for found in answer["suggestions"]][:1] == ["test"]
    rate = (0.95 if fits else 0.5) if helps else 0.75
    window.used("test", session, completed=lots.random() < rate)
    return answer


def begin(window: Window, name: str, **fields: Any) -> dict[str, Any]:
    given = {"control_strategy": "repeat_last", "treatment_strategy": "markov", "min_sample_size": 40}
    return window.call("run_ab_test", test_name=name, **given | fields)
