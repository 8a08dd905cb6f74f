"""A command that answers for a home sees how the session really ended whose window had led it."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.support.records import Conversation
from tests.support.stdio_client import StdioClient

SERVE = [sys.executable, "-m", "session_buddy", "serve"]


@pytest.mark.slow
def test_an_interruption_that_was_written_after_the_window_had_gone_is_told(
    run: Run, environ: dict[str, str]
) -> None:
    talk = Conversation()
    talk.now = datetime.now(UTC) - timedelta(seconds=30)
    talk.prompt()
    talk.skill("toolu_1", "deploy")
    talk.call("toolu_2", "Bash", command="sleep 30")
    path = Path(environ["HOME"], ".claude", "projects", "-home-dev-shop", "session-1.jsonl")
    path.parent.mkdir(parents=True)
    path.write_bytes(talk.lines())
    with StdioClient(SERVE, env=environ | {"CLAUDE_CODE_SESSION_ID": "session-1"}) as window:
        window.handshake()
        window.call("rate_skill", {"skill_name": "nothing", "rating": 3})
        window.close()
    assert told(run) == ("abandoned", "session_ended")
    talk.interrupt()
    path.write_bytes(talk.lines())
    assert told(run) == ("abandoned", "interrupted")


def told(run: Run) -> tuple[Any, Any]:
    [use] = map(json.loads, run("export", "--json").stdout.splitlines())
    return use["outcome"], use["error_type"]
