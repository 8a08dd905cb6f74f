"""Fixtures that run a real Claude Code in a home and a project of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .client import BINARY_VARIABLE, ClaudeCode, find_claude
from .scripted_api import ScriptedMessagesApi


@pytest.fixture(scope="session")
def claude_binary() -> Path:
    """The client under test; its absence is a failure where the suite has to be complete (CI)."""
    binary = find_claude()
    if binary is not None:
        return binary
    reason = f"no Claude Code: npm install @anthropic-ai/claude-code, or set {BINARY_VARIABLE} to its binary"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def api() -> Iterator[ScriptedMessagesApi]:
    """The model behind the client; a test adds its scripts to `api.scripts`."""
    with ScriptedMessagesApi() as server:
        yield server


@pytest.fixture
def claude(claude_binary: Path, api: ScriptedMessagesApi, tmp_path: Path) -> ClaudeCode:
    """A fresh installation of the client, connected to `api`."""
    return ClaudeCode(claude_binary, tmp_path / "home", tmp_path / "project", api.url)
