"""The plugin: its files say what the package says, and the real Claude Code takes it and the install."""

import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from session_buddy import __version__
from session_buddy.config import load_settings
from session_buddy.ingest.agents.changes import install
from session_buddy.ingest.agents.claude_code import ClaudeCode as Adapter
from session_buddy.ingest.agents.claude_hooks import SERVER, plugin_hooks
from session_buddy.models.events import SessionEvent, TranscriptReady
from tests.claude_code.client import ClaudeCode
from tests.claude_code.scripted_api import Script, ScriptedMessagesApi, say
from tests.support.hooks import events_in

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "plugin"


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_the_plugins_hooks_are_those_of_the_install() -> None:
    assert read(PLUGIN / "hooks" / "hooks.json") == plugin_hooks()


def test_the_plugin_has_the_packages_name_and_version() -> None:
    manifest = read(PLUGIN / ".claude-plugin" / "plugin.json")
    assert (manifest["name"], manifest["version"]) == (SERVER, __version__)
    assert read(PLUGIN / ".mcp.json")["mcpServers"] == {SERVER: {"command": SERVER, "args": ["serve"]}}


def test_the_marketplace_of_the_checkout_offers_the_plugin() -> None:
    (offer,) = read(ROOT / ".claude-plugin" / "marketplace.json")["plugins"]
    assert offer["name"] == SERVER
    assert (ROOT / offer["source"]).resolve() == PLUGIN


def test_the_skill_says_when_to_use_it_and_is_short() -> None:
    text = (PLUGIN / "skills" / "session-buddy" / "SKILL.md").read_text()
    _, head, body = text.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    assert fields["name"] == "session-buddy"
    assert "Use when" in fields["description"]
    assert len(fields["description"]) < 500
    assert len(body) < 4000


@pytest.fixture
def api() -> Iterator[ScriptedMessagesApi]:
    with ScriptedMessagesApi() as server:
        server.scripts.append(Script("hello there", (say("hello"),)))
        yield server


@pytest.fixture
def claude(claude_binary: Path, api: ScriptedMessagesApi, tmp_path: Path) -> ClaudeCode:
    """The real client; `session-buddy` is on its PATH and records into its home."""
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "session-buddy"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m session_buddy "$@"\n')
    program.chmod(0o755)
    client = ClaudeCode(claude_binary, tmp_path / "home", tmp_path / "project", api.url)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    client.environment |= {"PATH": path, "PYTHONPATH": str(ROOT)}
    return client


def recorded(claude: ClaudeCode) -> list[tuple[str, str]]:
    """(kind, session) of what hooks recorded in a client's home, by time."""
    events = sorted(events_in(claude.home / ".session-buddy"), key=lambda event: event.occurred_at)
    return [
        (event.hook or "" if isinstance(event, TranscriptReady) else event.kind, event.session_id)
        for event in events
        if isinstance(event, SessionEvent | TranscriptReady)
    ]


@pytest.mark.claude_code
def test_the_client_accepts_plugin_and_marketplace(claude: ClaudeCode) -> None:
    for path in (PLUGIN, ROOT):
        done = claude.command("plugin", "validate", "--strict", str(path))
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.claude_code
def test_the_client_takes_the_server_and_keeps_what_we_wrote(
    claude: ClaudeCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_into(claude, monkeypatch)
    servers = read(claude.home / ".claude.json")["mcpServers"]
    done = claude.command("mcp", "get", SERVER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "User config" in done.stdout
    assert read(claude.home / ".claude.json")["mcpServers"] == servers


@pytest.mark.claude_code
@pytest.mark.parametrize("way", ["install", "plugin"])
def test_a_real_session_is_recorded_from_start_to_end(
    claude: ClaudeCode, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    arguments = ["--plugin-dir", str(PLUGIN)] if way == "plugin" else []
    if way == "install":
        install_into(claude, monkeypatch)
    run = claude.prompt("hello there", *arguments)
    assert run.returncode == 0, run.stderr
    session = run.session_id
    assert recorded(claude) == [
        ("session_started", session),
        ("SessionStart", session),
        ("Stop", session),
        ("SessionEnd", session),
        ("session_ended", session),
    ]
    assert "hook" not in run.stderr.lower()


@pytest.mark.claude_code
def test_a_removed_package_does_not_disturb_the_agent(
    claude: ClaudeCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_into(claude, monkeypatch)
    settings = claude.home / ".claude" / "settings.json"
    settings.write_text(settings.read_text().replace("hook.py", "gone/hook.py"))
    run = claude.prompt("hello there")
    assert (run.returncode, run.result.get("result")) == (0, "hello")
    assert not list((claude.home / ".session-buddy").glob("journal/hooks-*")), "the server still records"


def install_into(claude: ClaudeCode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(claude.home))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    settings = load_settings({}, {"HOME": str(claude.home)})
    install(settings, Adapter.name, Adapter().plan_install(settings))
