"""The real server in agent windows, with hooks and commands beside them, over one home."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.relay.conftest import CHECKOUT, Window
from tests.relay.test_windows import records, said, text_of
from tests.support.hooks import payload, run_hook
from tests.support.stdio_client import NoAnswer, StdioClient
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow
SERVE = (sys.executable, "-m", "session_buddy", "serve")
WINDOWS, RECORDS, HOOKS = 8, 10, 20
TRANSCRIPT = next((CHECKOUT / "tests/fixtures/transcripts/good_skill").iterdir())
STOPPED = 30.0
"""Seconds for which the leader is stopped: longer than a call waits for it."""

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environ(tmp_path: Path, home: Path) -> dict[str, str]:
    user = tmp_path / "user"
    user.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLAUDE")}
    own = {"HOME": str(user), "PYTHONPATH": str(CHECKOUT), "COVERAGE_CORE": ""}
    return kept | own | {"SESSION_BUDDY_HOME": str(home), "SESSION_BUDDY_PORT": "0"}


@pytest.fixture
def real_window(environ: dict[str, str], tmp_path: Path) -> Iterator[Callable[[], StdioClient]]:
    opened: list[StdioClient] = []

    def open_window() -> StdioClient:
        client = StdioClient(SERVE, env=environ, stderr=tmp_path / f"stderr-{len(opened)}")
        opened.append(client)
        return client

    yield open_window
    for client in opened:
        client.kill()


@pytest.fixture
def command(environ: dict[str, str]) -> Command:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "session_buddy", *words]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)

    return run


def record(client: StdioClient, note: str = "") -> dict[str, object]:
    arguments = {"skill_name": "windowed", "completed": True, "duration_seconds": 1, "note": note}
    return client.call("record_skill_invocation", arguments, timeout=60)


def use_of_a_skill(user: Path, number: int) -> dict[str, str]:
    """A recorded conversation of a session of its own, as its last hook tells of it."""
    session = f"00000000-0000-4000-8000-{number:012}"
    folder = user / ".claude" / "projects" / "-home-dev-shop"
    folder.mkdir(parents=True, exist_ok=True)
    text = TRANSCRIPT.read_text("utf-8").replace(TRANSCRIPT.stem, session)
    path = folder / f"{session}.jsonl"
    path.write_text(re.sub(r"toolu_(\w+)", rf"toolu_\g<1>{number}", text), "utf-8")
    return payload("SessionEnd", session_id=session, transcript_path=str(path), reason="other")


def exported(command: Command) -> list[dict[str, str]]:
    done = command("export", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_windows_hooks_and_commands_at_once_share_one_record(
    real_window: Callable[[], StdioClient], command: Command, environ: dict[str, str], home: Path
) -> None:
    clients = [real_window() for _ in range(WINDOWS)]
    told = [use_of_a_skill(Path(environ["HOME"]), number) for number in range(HOOKS)]
    done = threading.Event()

    def work(client: StdioClient) -> list[str]:
        client.handshake()
        return [str(said(record(client))["invocation_id"]) for _ in range(RECORDS)]

    def ask() -> list[subprocess.CompletedProcess[str]]:
        runs = []
        while not done.is_set():
            runs.append(command("top", "--json"))
        return runs

    with ThreadPoolExecutor(WINDOWS + HOOKS + 1) as pool:
        asked = pool.submit(ask)
        hooks = pool.map(lambda what: run_hook(what, environment={"SESSION_BUDDY_HOME": str(home)}), told)
        acknowledged = [one for ids in pool.map(work, clients) for one in ids]
        assert all((hook.returncode, hook.stdout, hook.stderr) == (0, b"", b"") for hook in hooks)
        done.set()
        runs = asked.result()
    assert [(run.returncode, run.stderr) for run in runs] == [(0, "")] * len(runs)
    wait_for(lambda: len(exported(command)) == len(acknowledged) + HOOKS, "all is in the record")
    rows = exported(command)
    assert Counter(row["skill_name"] for row in rows) == {
        "windowed": WINDOWS * RECORDS,
        "commit-helper": HOOKS,
    }
    assert len({row["invocation_id"] for row in rows}) == len(rows)
    assert set(acknowledged) < {row["invocation_id"] for row in rows}
    status = json.loads(command("status", "--json").stdout)["status"]
    assert status["pid"] in {client.pid for client in clients}
    assert {window["pid"] for window in status["windows"]} == {client.pid for client in clients}


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="another process's limits are set on Linux only")
def test_a_full_disk_is_told_and_nothing_that_was_acknowledged_is_lost(
    real_window: Callable[[], StdioClient], command: Command, home: Path
) -> None:
    client = real_window()
    client.handshake()
    acknowledged = [said(record(client))["invocation_id"]]
    (journal,) = (home / "journal").glob("*.jsonl")
    full = (journal.stat().st_size + 1000, resource.RLIM_INFINITY)
    resource.prlimit(client.pid, resource.RLIMIT_FSIZE, full)
    while not (answer := record(client, "x" * 300))["isError"]:
        acknowledged.append(said(answer)["invocation_id"])
    assert "free disk space" in text_of(answer)
    assert "Nothing was recorded" in text_of(answer)
    resource.prlimit(client.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    acknowledged.append(said(record(client))["invocation_id"])
    client.close()
    assert sorted(row["invocation_id"] for row in exported(command)) == sorted(map(str, acknowledged))


def test_a_leader_that_is_stopped_for_half_a_minute_keeps_its_lead(window: Window, home: Path) -> None:
    leader, early, late = window(), window(), window()
    for client in (leader, early, late):
        said(client.call("echo", {"text": "x"}))
    os.kill(leader.pid, signal.SIGSTOP)
    until = time.monotonic() + STOPPED
    call = early.submit_call("record", {"value": "early"})
    with pytest.raises(NoAnswer):
        early.answer(call, timeout=15)
    assert f"kill -CONT {leader.pid}" in text_of(early.answer(call, timeout=20)["result"])
    call = late.submit_call("record", {"value": "late"})
    with pytest.raises(NoAnswer):
        late.answer(call, timeout=until - time.monotonic())
    assert json.loads((home / "leader.json").read_text())["pid"] == leader.pid
    os.kill(leader.pid, signal.SIGCONT)
    assert said(late.answer(call)["result"])["leader"] == leader.pid
    for client in (leader, early):
        assert said(client.call("echo", {"text": "x"}))["leader"] == leader.pid
    assert sorted(records(home)) == ["early", "late"]
