"""The VS Code extension in node with the real server; VS Code, which needs a screen, has a stand-in."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from session_buddy.ingest.journal import JournalFile
from session_buddy.serve.tools.coding import suggest_skills_for_code
from tests.support.events import recorded
from tests.support.runs import gate_run

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "editors" / "vscode"
TRIED = Path(__file__).parent / "try_extension.cjs"


def test_the_manifest_names_what_the_extension_registers() -> None:
    manifest = json.loads((EXTENSION / "package.json").read_text())
    commands = {command["command"] for command in manifest["contributes"]["commands"]}
    source = (EXTENSION / "extension.js").read_text()
    assert all(f'registerCommand("{name}"' in source for name in commands)
    assert {binding["command"] for binding in manifest["contributes"]["keybindings"]} == commands
    assert not {"scripts", "dependencies", "devDependencies"} & set(manifest)
    assert suggest_skills_for_code.__name__ in source


def try_extension(node_modules: Path, tmp_path: Path, command: str, *place: str) -> Any:
    node = node_modules / ".bin" / "node"
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path / "user"),
        "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"),
    }
    words = [str(node), str(TRIED), str(EXTENSION), command, str(tmp_path / "home"), str(tmp_path), *place]
    ended = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture
def server(tmp_path: Path) -> str:
    script = tmp_path / "session-buddy"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m session_buddy "$@"\n')
    script.chmod(0o755)
    return str(script)


@pytest.mark.node
def test_a_user_sees_the_skill_that_fixed_what_fails_now_first(
    node_modules: Path, tmp_path: Path, server: str
) -> None:
    uses = [recorded(f"use {n}", 10 * n, skill_name="docs-writer", project=str(tmp_path)) for n in range(3)]
    uses.append(recorded("mend", 100, skill_name="mend-tests", project=str(tmp_path)))
    JournalFile(str(tmp_path / "home" / "journal")).append(
        [
            *uses,
            gate_run("test_cart", seconds=50, project=str(tmp_path)),
            gate_run(seconds=200, project=str(tmp_path)),
            gate_run("test_cart", seconds=300, project=str(tmp_path)),
        ]
    )
    seen = try_extension(
        node_modules, tmp_path, server, str(tmp_path / "tests" / "test_cart.py"), "def test_total(): ..."
    )
    assert seen["errors"] == []
    assert seen["picks"][0]["label"] == "mend-tests"
    assert "test_cart fails now, and this fixed it 1 of 1 times" in seen["picks"][0]["detail"]
    assert seen["clipboard"] == "/mend-tests"


@pytest.mark.node
def test_an_empty_record_and_a_missing_command_are_told_in_a_sentence(
    node_modules: Path, tmp_path: Path, server: str
) -> None:
    empty = try_extension(node_modules, tmp_path, server, "/shop/a.py", "")
    assert (empty["picks"], empty["errors"]) == ([], [])
    assert "No skill fits" in empty["messages"][0]
    missing = try_extension(node_modules, tmp_path, str(tmp_path / "nothing"), "/shop/a.py", "")
    assert "cannot be started" in missing["errors"][0]
