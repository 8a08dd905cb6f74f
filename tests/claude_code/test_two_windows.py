"""Two windows of a real Claude Code over one record; the one that leads is closed while the other works."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from .client import Json, Stream, is_result
from .scripted_api import Script, ScriptedMessagesApi, say, use
from .test_recording import Person, person

__all__ = ["person"]
pytestmark = pytest.mark.claude_code
TOOL = "mcp__session-buddy__get_skill_metrics"
REPORT = "mcp__session-buddy__record_skill_invocation"


def ask(stream: Stream, prompt: str) -> float:
    """Send a prompt and wait for the end of its turn; seconds that took."""
    began = time.monotonic()
    stream.send_prompt(prompt)
    stream.read_until(is_result)
    return time.monotonic() - began


def tool_results(stream: Stream) -> dict[str, Json]:
    """The answers to tool calls by their tool_use ids."""
    found: dict[str, Json] = {}
    for message in stream.messages:
        content = message.get("message", {}).get("content", []) if message.get("type") == "user" else []
        found |= {block["tool_use_id"]: block for block in content if block.get("type") == "tool_result"}
    return found


def test_a_window_goes_on_when_the_leading_one_is_closed(person: Person, api: ScriptedMessagesApi) -> None:
    api.scripts.extend(
        [
            Script(
                "report one", (use("toolu_first", REPORT, skill_name="greet", completed=True), say("done"))
            ),
            Script(
                "report two", (use("toolu_second", REPORT, skill_name="greet", completed=True), say("done"))
            ),
            Script("how is it", (use("toolu_asked", TOOL, skill_name="greet"), say("fine"))),
        ]
    )
    person.run("install", "claude", "--yes")
    with ExitStack() as first_window, person.claude.streaming() as second:
        first = first_window.enter_context(person.claude.streaming())
        ask(first, "report one")
        before = ask(second, "report two")
        first_window.close()
        after = ask(second, "how is it")
        answers = tool_results(second)
    assert not answers["toolu_second"].get("is_error")
    assert not answers["toolu_asked"].get("is_error")
    assert '"invocation_count":2' in str(answers["toolu_asked"]["content"])
    assert after < before + 3.0
    print(f"a turn through the leader took {before:.2f} s, the one after it had left {after:.2f} s")
