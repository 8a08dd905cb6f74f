"""The leader's end while it is at its busiest: a long fold, subscribers, relays, in every way of ending."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from session_buddy.models.events import to_line
from session_buddy.models.ids import time_ordered_id
from tests.support.live import ended_now, free_port, receive
from tests.support.stdio_client import StdioClient
from tests.support.waiting import promised, wait_for

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).parents[2]
USES = 200_000
EVENT, USE = "-0000-8000-8000-000000000001", "-0000-8000-8000-000000000002"
"""What follows a number in an id."""
LEFT = {
    "archive",
    "hash.key",
    "journal",
    "quarantine",
    "session-buddy.duckdb",
    "session-buddy.duckdb.wal",
    "weights.json",
}
PARENT = """
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-m", "session_buddy", "serve"], stdin=0, stdout=1)
print(child.pid, file=sys.stderr, flush=True)
signal.pause()
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "SESSION_BUDDY_HOME": str(tmp_path / "home"),
        "SESSION_BUDDY_PORT": str(free_port()),
        "SESSION_BUDDY_UPDATE_INTERVAL": "0.1",
        "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"),
        "PYTHONPATH": str(CHECKOUT),
    }


@pytest.fixture
def home(environ: dict[str, str]) -> Path:
    """A home with a journal that takes many folds, which a process that has ended left behind."""
    home = Path(environ["SESSION_BUDDY_HOME"])
    home.mkdir(mode=0o700)
    (home / "journal").mkdir(mode=0o700)
    line = to_line(ended_now("SKILL", id=UUID(int=1), invocation_id=UUID(int=2), session_id="SESSION"))
    head, rest = line.split(str(UUID(int=1)))
    between, rest = rest.split(str(UUID(int=2)))
    with open(home / "journal" / f"{time_ordered_id()}.jsonl", "w", encoding="utf-8") as journal:
        for number in range(USES):  # written by hand: making the events takes ten times as long
            told = rest.replace("SKILL", f"skill {number % 50}").replace("SESSION", f"session-{number % 300}")
            journal.write(f"{head}{number:08x}{EVENT}{between}{number:08x}{USE}{told}\n")
    return home


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().strip()


def pending(environ: dict[str, str]) -> int:
    """Events that are not folded, as `status` sees them."""
    command = [sys.executable, "-m", "session_buddy", "status", "--json"]
    shown = json.loads(subprocess.run(command, env=environ, capture_output=True, check=True).stdout)
    return USES - int(shown["status"]["counts"]["skill_event"])


def end_of_input(leader: StdioClient) -> None:
    assert leader.process.stdin is not None
    leader.process.stdin.close()


def termination(leader: StdioClient) -> None:
    os.kill(leader.pid, signal.SIGTERM)


@pytest.mark.parametrize("end", [end_of_input, termination])
def test_a_leader_that_folds_and_serves_many_ends_in_time_and_leaves_nothing(
    environ: dict[str, str], home: Path, stack: ExitStack, end: Callable[[StdioClient], None]
) -> None:
    command = [sys.executable, "-m", "session_buddy", "serve"]
    leader = stack.enter_context(StdioClient(command, env=environ))
    leader.handshake()
    relays = [stack.enter_context(StdioClient(command, env=environ)) for _ in range(2)]
    for relay in relays:
        relay.handshake()
    subscribers = [stack.enter_context(subscribe(environ)) for _ in range(3)]
    assert pending(environ) > 0, "the fold is at work"
    began = time.monotonic()
    end(leader)
    wait_for(lambda: is_gone(leader.pid), "the leader is gone")
    assert time.monotonic() - began < promised(2)
    for subscriber in subscribers:
        with pytest.raises(ConnectionClosed):
            receive(subscriber, "nothing more")
    for relay in relays:  # the first of them leads by now, or is about to
        assert relay.close() < promised(2)
    assert {path.name for path in home.iterdir()} <= LEFT
    assert pending(environ) == 0, "nothing was lost, and nothing counted twice"


def test_a_leader_whose_parent_is_killed_during_a_fold_ends_in_time(
    environ: dict[str, str], home: Path, stack: ExitStack, tmp_path: Path
) -> None:
    parent = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-c", PARENT],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    )
    assert parent.stderr is not None
    child = int(parent.stderr.readline())
    stack.enter_context(subscribe(environ))
    assert pending(environ) > 0
    assert children(child) == ""
    parent.kill()
    began = time.monotonic()
    wait_for(lambda: is_gone(child), "the leader is gone")
    assert time.monotonic() - began < promised(2)
    assert {path.name for path in home.iterdir()} <= LEFT
    assert pending(environ) == 0


def subscribe(environ: dict[str, str]) -> ClientConnection:
    def connected() -> ClientConnection | None:
        try:
            return connect(f"ws://127.0.0.1:{environ['SESSION_BUDDY_PORT']}/", proxy=None, close_timeout=1)
        except OSError:
            return None

    found = wait_for(connected, "the feed is served")
    assert found is not None
    return found
