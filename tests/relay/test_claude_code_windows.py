"""Two windows of a real Claude Code over one home: one closes, the other notices only a pause."""

import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.claude_code.client import ClaudeCode, Stream, is_result, uses_tool
from tests.claude_code.conftest import api, claude_binary
from tests.claude_code.scripted_api import DONE, Script, ScriptedMessagesApi, use
from tests.relay.conftest import CHECKOUT
from tests.support.waiting import promised

pytestmark = [pytest.mark.claude_code, pytest.mark.slow]
__all__ = ["api", "claude_binary"]
ASK = "mcp__session-buddy__get_skill_metrics"


def agent(binary: Path, url: str, place: Path, home: Path) -> ClaudeCode:
    """A person's Claude Code with our server, all windows over one home."""
    window = ClaudeCode(binary, place / "home", place / "project", url)
    environment = {"PYTHONPATH": str(CHECKOUT), "SESSION_BUDDY_HOME": str(home)}
    arguments = ["-m", "session_buddy", "serve"]
    server = {"type": "stdio", "command": sys.executable, "args": arguments, "env": environment}
    window.write_mcp_servers({"session-buddy": server})
    return window


def is_tool_result(message: dict[str, Any]) -> bool:
    return message.get("type") == "user"


def ask(stream: Stream, prompt: str) -> float:
    """Have the assistant call our tool, which must not fail; the seconds until its answer."""
    stream.send_prompt(prompt)
    stream.read_until(uses_tool(ASK))
    began = time.monotonic()
    message = stream.read_until(is_tool_result)
    taken = time.monotonic() - began
    stream.read_until(is_result)
    (block,) = message["message"]["content"]
    assert not block.get("is_error"), block
    return taken


def leader(home: Path) -> int:
    return int(json.loads((home / "leader.json").read_text())["pid"])


def test_the_leaders_window_closes_and_the_others_next_call_is_answered(
    claude_binary: Path, api: ScriptedMessagesApi, tmp_path: Path
) -> None:
    for number, phrase in enumerate(("first of one", "first of two", "second of two")):
        api.scripts.append(Script(phrase, (use(f"toolu_{number}", ASK), DONE)))
    home = tmp_path / "session-buddy"
    one, two = (agent(claude_binary, api.url, tmp_path / name, home) for name in ("one", "two"))
    with ExitStack() as stack:
        with one.streaming() as first:
            ask(first, "first of one")
            second = stack.enter_context(two.streaming())
            ask(second, "first of two")
            led_by = leader(home)
        assert ask(second, "second of two") < promised(3)
        assert leader(home) != led_by
    assert not (home / "leader.json").exists()
