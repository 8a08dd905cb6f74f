"""The system's clock jumps back under a leader that runs (libfaketime, told by a file, turns it)."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.support.live import free_port, receive
from tests.support.stdio_client import StdioClient
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).parents[2]
BACK = timedelta(hours=3)


@pytest.fixture
def faketime() -> str:
    """The library that Debian's `faketime` preloads."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if shutil.which("faketime") is None or not found:
        if os.environ.get("CI"):
            pytest.fail("faketime is not installed; CI has to turn a real clock back")
        pytest.skip("faketime is not installed")
    return str(found[0])


def use(client: StdioClient, skill_name: str) -> dict[str, Any]:
    result = client.call("record_skill_invocation", {"skill_name": skill_name, "completed": True})
    assert not result["isError"], result
    return dict(result["structuredContent"])


def test_a_clock_that_jumps_back_under_a_running_leader_loses_nothing(faketime: str, tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    offset.write_text("+0")
    home = tmp_path / "home"
    port = free_port()
    environ = os.environ | {
        "SESSION_BUDDY_HOME": str(home),
        "SESSION_BUDDY_PORT": str(port),
        "SESSION_BUDDY_UPDATE_INTERVAL": "0.1",
        "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"),
        "PYTHONPATH": str(CHECKOUT),
    }
    turned = environ | {
        "LD_PRELOAD": faketime,
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    command = [sys.executable, "-m", "session_buddy"]
    with (
        StdioClient([*command, "serve"], env=turned) as leader,
        StdioClient([*command, "serve"], env=turned) as window,
    ):
        leader.handshake()
        window.handshake()
        first = use(leader, "review")
        wait_for(lambda: served(port), "the feed is served")
        with connect(f"ws://127.0.0.1:{port}/", proxy=None) as subscriber:
            until(subscriber, {"review": 1})
            offset.write_text(f"-{BACK.total_seconds():.0f}")
            second = use(window, "review")
            third = use(leader, "deploy")
            update = until(subscriber, {"review": 2, "deploy": 1})
            told = datetime.fromisoformat(update["timestamp"])
            assert abs(datetime.now(UTC) - BACK - told) < timedelta(minutes=5)
        assert len({answer["invocation_id"] for answer in (first, second, third)}) == 3
        metrics = window.call("get_skill_metrics", {"skill_name": "review"})["structuredContent"]
        assert metrics["skills"][0]["invocation_count"] == 2
        now = leader.call("get_real_time_metrics", {})["structuredContent"]
        assert {skill["skill_name"]: skill["invocation_count"] for skill in now["top_skills"]} == {
            "review": 2,
            "deploy": 1,
        }
    exported = subprocess.run([*command, "export", "--json"], env=environ, capture_output=True, check=True)
    rows = [json.loads(line) for line in exported.stdout.splitlines()]
    assert {row["invocation_id"] for row in rows} == {
        answer["invocation_id"] for answer in (first, second, third)
    }
    for row in rows:
        invoked = datetime.fromisoformat(row["invoked_at"])
        assert datetime.now(UTC) - BACK - timedelta(minutes=5) < invoked <= datetime.now(UTC)
        assert row["duration_seconds"] is None or row["duration_seconds"] >= 0


def served(port: int) -> bool:
    try:
        with connect(f"ws://127.0.0.1:{port}/", proxy=None):
            return True
    except OSError:
        return False


def until(subscriber: Any, wanted: dict[str, int]) -> dict[str, Any]:
    """The next update that has these uses in the last hour."""

    def found() -> dict[str, Any] | None:
        update = receive(subscriber, "metrics_update")
        counts = {row["skill_name"]: row["invocation_count"] for row in update["data"]["top_skills"]}
        return update if counts == wanted else None

    update = wait_for(found, f"an update with {wanted}")
    assert update is not None
    return update
