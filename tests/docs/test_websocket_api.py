"""The document of the feed against the schemas, and its examples against a live server."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, get_args

import pytest

from session_buddy.live.frames import SERVER_MESSAGES, TOP_SKILLS
from session_buddy.live.requests import (
    CLIENT_MESSAGES,
    MAX_MESSAGE_BYTES,
    MAX_SUBSCRIBED_SKILLS,
    ErrorCode,
    type_of,
)
from session_buddy.serve.access import make_token
from session_buddy.serve.feed import AUTHENTICATE_SECONDS, BEHIND_BYTES
from session_buddy.serve.feed_server import HANDSHAKE_SECONDS
from session_buddy.serve.subscribers import MESSAGES_AT_ONCE, MESSAGES_PER_SECOND
from tests.docs.feed_schemas import rows
from tests.docs.pages import DOCS
from tests.support.live import SECRET, LiveHome, live_home, running

TEXT = (DOCS / "api" / "WEBSOCKET_API.md").read_text("utf-8")
MESSAGES = {type_of(model): model for model in (*CLIENT_MESSAGES, *SERVER_MESSAGES)}
DESCRIBED_ELSEWHERE = ("data.anomalies[].", "data.recent[].")


def section(title: str) -> str:
    found = re.search(rf"^### `{title}`\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section for {title}"
    return found[1]


@pytest.mark.parametrize("kind", MESSAGES)
def test_each_message_is_described_as_its_schema_has_it(kind: str) -> None:
    described = re.findall(r"^\| `([\w.\[\]]+)` \| (.+?) \|", section(kind), re.MULTILINE)
    expected = rows(MESSAGES[kind].model_json_schema())
    if kind == "metrics_response":
        expected = [row for row in expected if not row[0].startswith(DESCRIBED_ELSEWHERE)]
    assert described == expected


def test_no_message_is_described_that_there_is_not() -> None:
    assert re.findall(r"^### `(\w+)`$", TEXT, re.MULTILINE) == list(MESSAGES)


def test_every_error_code_is_explained() -> None:
    table = TEXT[TEXT.index("## Errors and close codes") : TEXT.index("| Close code |")]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(get_args(ErrorCode))


def test_the_limits_are_those_of_the_server() -> None:
    limits = TEXT[TEXT.index("## Limits") : TEXT.index("## Clients")]
    for limit in (
        f"{MESSAGES_PER_SECOND:g} a second, {MESSAGES_AT_ONCE:g} at once",
        f"{MAX_MESSAGE_BYTES // 1024} KiB",
        f"connection names | {MAX_SUBSCRIBED_SKILLS}",
        f"update | {TOP_SKILLS}",
        f"handshake | {HANDSHAKE_SECONDS:g} s",
        f"dropped | {BEHIND_BYTES / 1e6:g} MB",
    ):
        assert limit in limits
    assert f"within {AUTHENTICATE_SECONDS:g} s" in TEXT


def test_the_document_is_as_long_as_was_asked_for() -> None:
    assert len(TEXT.splitlines()) >= 300


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    return found[1]


def node() -> list[str]:
    """A node that has WebSocket."""
    modules = os.environ.get("SESSION_BUDDY_NODE_MODULES")
    own = Path(modules, ".bin", "node") if modules else None
    found = str(own) if own and own.exists() else shutil.which("node")
    for command in ([found], [found, "--experimental-websocket"]) if found else ():
        asked = [*command, "-e", "process.exit(typeof WebSocket === 'function' ? 0 : 1)"]
        if subprocess.run(asked, capture_output=True).returncode == 0:
            return [*command]
    if os.environ.get("CI"):
        pytest.fail("there is no node with WebSocket; CI has to try the example for real")
    pytest.skip("there is no node with WebSocket")


@pytest.mark.slow
@pytest.mark.parametrize("secret", ["", SECRET], ids=["open", "with a token"])
@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_examples_run_against_a_live_server(tmp_path: Path, language: str, secret: str) -> None:
    program = tmp_path / ("subscriber.py" if language == "python" else "subscriber.mjs")
    program.write_text(example(language))
    command = [sys.executable] if language == "python" else node()
    with live_home(tmp_path / "home", feed_secret=secret) as home, running(home) as served:
        environ = os.environ | {"SESSION_BUDDY_FEED_URL": f"ws://127.0.0.1:{served.port}/"}
        if secret:
            environ["SESSION_BUDDY_FEED_TOKEN"] = make_token(secret, 60)
        home.use("review")
        process = subprocess.Popen(
            [*command, str(program)], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            assert process.stdout is not None
            until_told(process.stdout, home)
        finally:
            process.kill()
            process.wait(20)
            process.stdout.close()


def until_told(lines: IO[str], home: LiveHome) -> None:
    """Record a failing use after each update, until the subscriber tells of one and of their count."""
    wanted = {"use of deploy failed", "deploy"}
    for line in lines:
        name, _, figures = line.strip().partition(" ")
        if name == "review":
            assert figures in ("1 1.0", "1 1")
            home.use("deploy", outcome="failed")
        wanted.discard(line.strip())
        if name == "deploy":
            assert float(figures.split()[1]) == 0
            wanted.discard(name)
        if not wanted:
            return
