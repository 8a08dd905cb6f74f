"""The server as a client's process sees it: lines of JSON on stdin and stdout, good ones and bad ones."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.stdio_client import Era, StdioClient

pytestmark = pytest.mark.slow

SESSION = "5e55-2"
ROOT = Path(__file__).parents[2]
NOT_REQUESTS = (
    "no json",
    "[]",
    "{}",
    '{"jsonrpc":"2.0","id":"x"}',
    '{"jsonrpc":"1.0","id":9,"method":"ping"}',
)


@contextmanager
def served(home: Path, era: Era) -> Iterator[StdioClient]:
    """A client of `session-buddy serve` on a home of its own."""
    command = [sys.executable, "-m", "session_buddy", "serve"]
    environment = os.environ | {
        "SESSION_BUDDY_HOME": str(home),
        "CLAUDE_CONFIG_DIR": str(home.parent / "claude"),
        "CLAUDE_CODE_SESSION_ID": SESSION,
        "PYTHONPATH": str(ROOT),
    }
    with StdioClient(command, env=environment, era=era) as client:
        client.handshake()
        yield client


def said(called: dict[str, Any]) -> tuple[bool, str]:
    """(whether the call was refused, text of its answer)."""
    return called.get("isError", False), called["content"][0]["text"]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_bad_lines_and_bad_values_harm_no_later_call(tmp_path: Path, era: Era) -> None:
    report = {"skill_name": "lint", "completed": True, "duration_seconds": 2}
    with served(tmp_path / "home", era) as client:
        for line in NOT_REQUESTS:
            client.send_bytes(line.encode() + b"\n")
        infinite = said(client.call("record_skill_invocation", report | {"duration_seconds": float("nan")}))
        too_long = said(client.call("record_skill_invocation", report | {"note": "n" * 1_048_576}))
        shapeless = client.answer(
            client.submit("tools/call", {"name": "get_skill_metrics", "arguments": ["no", "object"]})
        )
        recorded = said(client.call("record_skill_invocation", report))
        metrics = said(client.call("get_skill_metrics", {"skill_name": "lint"}))
    remedy = "duration_seconds must be a finite number; leave it out if it is not known (got nan)."
    assert infinite == (True, remedy)
    assert too_long[0]
    assert "note is too long; shorten it to 500 characters" in too_long[1]
    assert "error" in shapeless
    assert not recorded[0]
    assert json.loads(metrics[1])["skills"][0]["invocation_count"] == 1


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_key_in_the_metadata_counts_on_the_wire(tmp_path: Path, era: Era) -> None:
    report = {"skill_name": "lint", "completed": True}
    with served(tmp_path / "home", era) as client:
        answers = [
            json.loads(said(client.call("record_skill_invocation", report, key="once"))[1]) for _ in range(2)
        ]
    assert [answer["duplicate"] for answer in answers] == [False, True]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_report_belongs_to_the_session_that_started_the_server(tmp_path: Path, era: Era) -> None:
    with served(tmp_path / "home", era) as client:
        client.call("record_skill_invocation", {"skill_name": "lint", "completed": True})
        session = json.loads(said(client.call("get_session_analytics"))[1])
    assert (session["session_id"], session["skill_path"]) == (SESSION, ["lint"])
