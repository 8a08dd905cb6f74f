"""Agent windows over one home: real processes, the real relay, a small leader behind it."""

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from session_buddy.config import Settings
from session_buddy.relay.election import Election
from tests.relay.conftest import Window
from tests.support.stdio_client import Era, NoAnswer
from tests.support.waiting import promised, wait_for

HEAVY = {"mcp", "mcp_types", "duckdb", "numpy", "pydantic", "asyncio", "click", "rich"}
ERAS = pytest.mark.parametrize("era", ["legacy", pytest.param("modern", marks=pytest.mark.slow)])


def said(result: dict[str, Any]) -> dict[str, Any]:
    """The structured answer of a tool that did not fail."""
    assert not result["isError"], result
    return dict(result["structuredContent"])


def text_of(result: dict[str, Any]) -> str:
    assert result["isError"], result
    return str(result["content"][0]["text"])


def records(home: Path) -> list[str]:
    return [json.loads(line)["value"] for line in (home / "records.jsonl").read_text().splitlines()]


def resident_kilobytes(pid: int) -> int:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0])


def test_the_second_window_is_a_light_relay_of_the_first(window: Window) -> None:
    first = window(CLAUDE_CODE_SESSION_ID="session-1")
    second = window(era="modern", CLAUDE_CODE_SESSION_ID="session-2")
    assert said(first.call("echo", {"text": "a"})) == {
        "text": "a",
        "leader": first.pid,
        "asker": first.pid,
        "session": "session-1",
    }
    assert said(second.call("echo", {"text": "b"})) == {
        "text": "b",
        "leader": first.pid,
        "asker": second.pid,
        "session": "session-2",
    }
    assert resident_kilobytes(second.pid) <= 20 * 1024


@pytest.mark.slow
def test_a_relay_has_imported_nothing_of_the_server(window: Window, home: Path) -> None:
    window().call("echo", {"text": "a"})
    relay = window(TEST_MODULES_FILE=str(home / "modules"))
    said(relay.call("echo", {"text": "b"}))
    relay.close()
    modules = set((home / "modules").read_text().split())
    assert "session_buddy.relay.relay" in modules
    assert not {name.partition(".")[0] for name in modules} & HEAVY


@pytest.mark.slow
@ERAS
def test_the_leaders_window_closes_and_the_others_go_on(window: Window, era: Era) -> None:
    leader, relay = window(era=era), window(era=era)
    said(leader.call("record", {"value": "1"}))
    said(relay.call("record", {"value": "2"}))
    assert leader.close() < promised(2)
    assert leader.process.returncode == 0
    assert said(relay.call("echo", {"text": "x"}, timeout=promised(3)))["leader"] == relay.pid


@pytest.mark.slow
@ERAS
def test_a_call_that_a_killed_leader_did_not_answer_is_answered_by_the_next(
    window: Window, home: Path, era: Era
) -> None:
    leader, relay = window(era=era), window(era=era)
    leader.call("echo", {"text": "x"})
    params = {"name": "hold", "arguments": {"until": "go"}, "_meta": {"progressToken": "p"}}
    held = relay.submit("tools/call", params)
    wait_for((home / f"held-{leader.pid}").exists, "the leader works on the call")
    leader.kill()
    wait_for((home / f"held-{relay.pid}").exists, "the next leader works on the call")
    (home / "go").touch()
    assert relay.answer(held)["result"]["structuredContent"] == {"leader": relay.pid}
    progress = [message["params"]["progress"] for message in relay.notifications]
    assert progress == sorted(set(progress)) == [1, 2, 3]


@pytest.mark.slow
def test_a_client_that_reconnects_under_its_request_key_records_once(window: Window, home: Path) -> None:
    first = window()
    said(first.call("record", {"value": "once"}, key="key-1"))
    first.kill()
    second = window()
    said(second.call("record", {"value": "once"}, key="key-1"))
    said(second.call("record", {"value": "twice"}))
    assert records(home) == ["once", "twice"]


@pytest.mark.slow
def test_nothing_stays_when_windows_close(window: Window, home: Path) -> None:
    leader, relay = window(), window()
    leader.call("echo", {"text": "x"})
    relay.call("echo", {"text": "x"})
    assert relay.close() < promised(2)
    assert leader.close() < promised(2)
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_what_a_killed_leader_left_is_in_nobodys_way(window: Window, home: Path) -> None:
    leader = window()
    leader.call("echo", {"text": "x"})
    leader.kill()
    assert {path.name for path in home.iterdir()} >= {"leader.sock", "leader.json", "leader.lock"}
    next_one = window()
    assert said(next_one.call("echo", {"text": "x"}))["leader"] == next_one.pid
    next_one.close()
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_garbage_is_answered_and_the_conversation_goes_on(window: Window) -> None:
    client = window(handshake=False)
    client.send_bytes(b"garbage\n\n   \n[1]\n\xff\xfe\n" + b'{"session_buddy":"ping"}\n')
    codes = [client.next_unexpected()["error"]["code"] for _ in range(4)]
    assert codes == [-32700, -32600, -32700, -32600]
    client.handshake()
    assert said(client.call("echo", {"text": "x"}))["text"] == "x"


@pytest.mark.slow
def test_requests_that_are_piped_in_are_answered_before_the_end(window: Window) -> None:
    window().call("echo", {"text": "x"})
    client = window(handshake=False)
    client.handshake()
    call = client.submit_call("echo", {"text": "last words"})
    assert client.process.stdin is not None
    client.process.stdin.close()
    assert client.answer(call)["result"]["structuredContent"]["text"] == "last words"
    with pytest.raises(NoAnswer, match="ended"):
        client.answer(99)


@pytest.mark.slow
def test_a_signal_ends_a_window_as_closing_it_does(window: Window, home: Path) -> None:
    leader = window()
    leader.call("echo", {"text": "x"})
    leader.kill(signal.SIGTERM)
    assert leader.process.returncode == 0
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_a_server_that_cannot_start_says_why_and_starts_once_it_can(window: Window, home: Path) -> None:
    home.mkdir()
    (home / "broken").touch()
    client = window()
    assert "Remove the file `broken`" in text_of(client.call("echo", {"text": "x"}))
    assert "damaged" in text_of(client.call("echo", {"text": "x"}))
    error = client.answer(client.submit("resources/read", {"uri": "skills://top"}))["error"]
    assert "damaged" in error["message"]
    (home / "broken").unlink()
    wait_for(lambda: not client.call("echo", {"text": "x"})["isError"], "the server has started")
    client.close()
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_a_server_that_fails_after_it_started_says_why(window: Window, home: Path) -> None:
    home.mkdir()
    (home / "failing").touch()
    client = window()

    def refusal() -> str:
        result = client.call("echo", {"text": "x"})
        return text_of(result) if result["isError"] else ""

    assert "Remove the file `failing`" in wait_for(refusal, "the server has failed")
    (home / "failing").unlink()
    wait_for(lambda: not client.call("echo", {"text": "x"})["isError"], "the server has started")


def test_a_home_that_cannot_be_written_is_told_to_the_model(window: Window, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    client = window(SESSION_BUDDY_HOME=str(tmp_path / "file" / "home"))
    assert "set SESSION_BUDDY_HOME" in text_of(client.call("echo", {"text": "x"}))


@pytest.mark.slow
def test_a_leader_that_is_stopped_is_waited_for_and_then_named(window: Window, home: Path) -> None:
    leader, relay = window(), window(TEST_PATIENCE="0.6")
    said(leader.call("echo", {"text": "x"}))
    said(relay.call("echo", {"text": "x"}))
    os.kill(leader.pid, signal.SIGSTOP)
    call = relay.submit_call("record", {"value": "while stopped"}, key="k")
    with pytest.raises(NoAnswer):
        relay.answer(call, timeout=0.3)
    assert f"kill -CONT {leader.pid}" in text_of(relay.answer(call)["result"])
    assert json.loads((home / "leader.json").read_text())["pid"] == leader.pid
    os.kill(leader.pid, signal.SIGCONT)
    assert said(relay.call("echo", {"text": "x"}, timeout=30))["leader"] == leader.pid


@pytest.mark.slow
def test_over_loopback_with_a_token_all_is_the_same(window: Window, home: Path) -> None:
    leader = window(SESSION_BUDDY_TRANSPORT="tcp")
    said(leader.call("echo", {"text": "x"}))
    assert (home / "leader.token").stat().st_mode & 0o777 == 0o600
    relay = window()  # finds the leader by what it wrote, whatever its own setting
    assert said(relay.call("echo", {"text": "x"}))["leader"] == leader.pid
    leader.close()
    assert said(relay.call("echo", {"text": "x"}))["leader"] == relay.pid
    relay.close()
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_a_home_that_was_removed_is_begun_anew(window: Window, home: Path) -> None:
    client = window()
    said(client.call("record", {"value": "before"}))
    shutil.rmtree(home)
    wait_for((home / "leader.sock").exists, "the home is there again")
    said(client.call("record", {"value": "after"}))
    assert records(home) == ["after"]


@pytest.mark.slow
def test_a_command_that_leads_is_named_and_not_to_be_killed(window: Window, settings: Settings) -> None:
    command = Election(settings, "session-buddy migrate down")
    assert command.attempt()
    try:
        client = window(TEST_PATIENCE="1")
        text = text_of(client.call("echo", {"text": "x"}))
    finally:
        command.resign()
    assert f"`session-buddy migrate down` (process {os.getpid()}, since 20" in text
    assert "Wait for it" in text
    assert "kill" not in text
    wait_for(lambda: not client.call("echo", {"text": "x"})["isError"], "the window leads by itself")
