"""Bad input and bad homes, given to the real server process as a client gives them."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.stdio_client import StdioClient

CHECKOUT = Path(__file__).resolve().parents[2]
SERVE = (sys.executable, "-m", "session_buddy", "serve")

pytestmark = pytest.mark.slow


def opened(home: Path) -> StdioClient:
    own = {
        "SESSION_BUDDY_HOME": str(home),
        "SESSION_BUDDY_PORT": "0",
        "PYTHONPATH": str(CHECKOUT),
        "CLAUDE_CONFIG_DIR": str(home.parent / "claude"),
    }
    return StdioClient(SERVE, env={**os.environ, **own})


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StdioClient]:
    """A window on a home that holds one use."""
    with opened(tmp_path_factory.mktemp("bad") / "home") as client:
        client.handshake()
        assert not client.call("record_skill_invocation", {"skill_name": "good"}).get("isError")
        yield client


def refused(client: StdioClient, tool: str, **arguments: Any) -> str:
    result = client.call(tool, arguments)
    assert result.get("isError"), result
    (content,) = result["content"]
    said = str(content["text"])
    assert len(said) < 600
    assert "\n" not in said
    return said


def uses(client: StdioClient) -> list[tuple[str, int]]:
    found = client.call("get_skill_metrics")["structuredContent"]["skills"]
    return [(skill["skill_name"], skill["invocation_count"]) for skill in found]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"skill_name": "x" * 10_240}, "skill_name is too long"),
        ({"skill_name": ""}, "skill_name is empty"),
        ({"skill_name": "good", "query": "q" * 1_048_576}, "query is too long"),
        ({"skill_name": "good", "duration_seconds": "NaN"}, "duration_seconds must be a finite number"),
        ({"skill_name": "good", "duration_seconds": -1}, "duration_seconds must be 0 or more"),
        ({"skill_name": "good", "invoked_at": "2126-01-01T00:00:00Z"}, "lies in the future"),
        ({"skill_name": "good", "workflow_phase": "later"}, "workflow_phase must be one of"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_report_is_refused_and_what_was_recorded_stays(
    window: StdioClient, arguments: dict[str, Any], sentence: str
) -> None:
    assert sentence in refused(window, "record_skill_invocation", **arguments)
    assert uses(window) == [("good", 1)]


def test_an_unknown_session_is_told_how_to_find_one(window: StdioClient) -> None:
    assert "session-buddy session" in refused(window, "get_session_analytics", session_id="no-such-session")


def test_an_unknown_skill_is_answered_with_the_known_ones(window: StdioClient) -> None:
    assert "Known are: good" in refused(window, "get_skill_metrics", skill_name="bad")


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"not json",
        b"[]",
        b'"text"',
        b'{"jsonrpc":"2.0"}',
        b"\xff\xfe\x00",
        b'{"jsonrpc":"1.0","id":[],"method":5}',
        b'{"id":' + b"9" * 5_000 + b"}",
        b'{"jsonrpc":"2.0","id":[1],"method":"tools/call","params":{"duration_seconds":NaN}}',
    ],
)
def test_what_is_no_json_rpc_is_answered_with_an_error_and_the_window_lives_on(
    window: StdioClient, line: bytes
) -> None:
    window.send_bytes(line + b"\n")
    assert window.next_unexpected()["error"]["code"] in (-32700, -32600)
    assert uses(window) == [("good", 1)]


def newer(home: Path) -> str:
    with opened(home) as client:
        client.handshake()
        assert uses(client) == []
        client.close()
    with duckdb.connect(str(home / "session-buddy.duckdb")) as database:
        database.execute("INSERT INTO skill_migrations VALUES (99, 'future', 'x', now()::TIMESTAMP)")
    return "newer"


def a_file(home: Path) -> str:
    home.write_text("no folder")
    return str(home)


@pytest.mark.parametrize("spoil", [newer, a_file])
def test_a_home_that_cannot_be_used_is_answered_with_the_reason(tmp_path: Path, spoil: Any) -> None:
    home = tmp_path / "home"
    reason = spoil(home)
    with opened(home) as client:
        first = client.submit(
            "initialize",
            {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            },
        )
        client.notify("notifications/initialized")
        call = client.submit_call("get_skill_metrics")
        answers = [json.dumps(client.answer(first))]
        if "error" not in answers[0]:
            answers.append(json.dumps(client.answer(call)))
    assert reason in answers[-1], answers
