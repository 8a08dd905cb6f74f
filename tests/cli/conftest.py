"""Runs of the real command on a home of the test's own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from session_buddy import __file__ as package
from session_buddy.ingest.journal import JournalFile
from session_buddy.models.events import Evidence, SkillEvent
from session_buddy.models.ids import hashed_id
from tests.cli.forks import Forks

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    with Forks() as started:
        yield started


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def environ(home: Path, tmp_path: Path) -> dict[str, str]:
    """What a command finds: a user without settings, and the home."""
    user = tmp_path / "user"
    user.mkdir()
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CLAUDE", "SESSION_BUDDY"))
    }
    own = {
        "HOME": str(user),
        "SESSION_BUDDY_HOME": str(home),
        "SESSION_BUDDY_PORT": "0",
        "PYTHONPATH": str(Path(package).parents[1]),
    }
    return kept | own


@pytest.fixture
def run(forks: Forks, environ: dict[str, str], tmp_path: Path) -> Run:
    """`run("top", "--json", stdin="", FOO="bar")`: one command line in a process, without a terminal."""
    work = tmp_path / "work"
    work.mkdir()

    def run_it(*words: str, stdin: str = "", **further: str) -> subprocess.CompletedProcess[str]:
        return forks.run(list(words), stdin, environ | further, work)

    return run_it


@pytest.fixture
def start(environ: dict[str, str], tmp_path: Path) -> Run:
    """The same with a new interpreter: `python -m session_buddy`."""

    def start_it(*words: str, stdin: str = "", **further: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "session_buddy", *words],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            env=environ | further,
            cwd=tmp_path,
        )

    return start_it


SHOP = "3f2a91c0-1111-4000-8000-000000000001"
DOCS = "77b0c2d4-2222-4000-8000-000000000002"
BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)


def use(number: int, skill_name: str, session_id: str, **given: Any) -> SkillEvent:
    """The closing event of a use that began `number` minutes after BEGAN."""
    at = BEGAN + timedelta(minutes=number)
    values: dict[str, Any] = {
        "id": hashed_id("test", "event", str(number)),
        "occurred_at": at + timedelta(seconds=30),
        "kind": "ended",
        "invocation_id": hashed_id("test", "use", str(number)),
        "skill_name": skill_name,
        "session_id": session_id,
        "source": "transcript",
        "authority": 20,
        "project": "/home/dev/shop",
        "invoked_at": at,
        "ended_at": at + timedelta(seconds=30),
        "duration_seconds": 30.0,
        "outcome": "completed",
        "outcome_source": "inferred",
        "evidence": (Evidence(kind="turn_ended"),),
    }
    return SkillEvent(**(values | given))


def acknowledge(home: Path, events: Iterable[SkillEvent]) -> None:
    """Put events into a journal of the home, as a process that has ended since left it."""
    home.mkdir(mode=0o700, exist_ok=True)
    journal = JournalFile(str(home / "journal"))
    journal.append(list(events))
    journal.close()


@pytest.fixture(scope="session")
def folded(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with four uses of two skills in two sessions, folded; made once, for all tests."""
    home = tmp_path_factory.mktemp("folded") / "home"
    failed = {"outcome": "failed", "evidence": (Evidence(kind="check_failed", detail="pytest -q"),)}
    acknowledge(
        home,
        [
            use(0, "test-first", SHOP),
            use(1, "review", SHOP, **failed),
            use(2, "review", SHOP, outcome_source="reported", authority=30, source="mcp"),
            use(60, "review", DOCS, project="/home/dev/docs"),
        ],
    )
    result = forks.run(["top", "--home", str(home)], "", {"HOME": str(home)}, home)
    assert result.returncode == 0, result.stderr
    return home


@pytest.fixture
def recorded(folded: Path, home: Path) -> Path:
    """A copy of that home."""
    return Path(shutil.copytree(folded, home))
