"""The VS Code extension in node with the real server; VS Code, which needs a screen, has a stand-in."""

import json
import sys
from pathlib import Path

import pytest

from session_buddy.ingest.journal import JournalFile
from session_buddy.serve.tools.coding import suggest_skills_for_code
from tests.editors.extension import EXTENSION, try_extension
from tests.support.events import recorded
from tests.support.runs import gate_run


def test_the_manifest_names_what_the_extension_registers() -> None:
    manifest = json.loads((EXTENSION / "package.json").read_text())
    commands = {command["command"] for command in manifest["contributes"]["commands"]}
    source = (EXTENSION / "extension.js").read_text()
    assert all(f'registerCommand("{name}"' in source for name in commands)
    assert {binding["command"] for binding in manifest["contributes"]["keybindings"]} == commands
    assert not {"scripts", "dependencies", "devDependencies"} & set(manifest)
    assert suggest_skills_for_code.__name__ in source


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
    place = (str(tmp_path / "tests" / "test_cart.py"), "def test_total(): ...")
    seen = try_extension(node_modules, server, tmp_path / "home", tmp_path, *place)
    assert seen["errors"] == []
    assert seen["picks"][0]["label"] == "mend-tests"
    assert "test_cart fails now, and this fixed it 1 of 1 times" in seen["picks"][0]["detail"]
    assert seen["clipboard"] == "/mend-tests"


@pytest.mark.node
def test_an_empty_record_and_a_missing_command_are_told_in_a_sentence(
    node_modules: Path, tmp_path: Path, server: str
) -> None:
    empty = try_extension(node_modules, server, tmp_path / "home", tmp_path, "/shop/a.py", "")
    assert (empty["picks"], empty["errors"]) == ([], [])
    assert "No skill fits" in empty["messages"][0]
    missing = try_extension(
        node_modules, str(tmp_path / "nothing"), tmp_path / "home", tmp_path, "/shop/a.py", ""
    )
    assert "cannot be started" in missing["errors"][0]
