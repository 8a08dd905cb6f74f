"""`install claude` and `uninstall claude`: the files of a user, changed and given back."""

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from tests.cli.conftest import Run

RECORDINGS = Path(str(files("session_buddy") / "assets" / "demo" / "projects"))


@pytest.fixture
def claude(tmp_path: Path, run: Run) -> Path:
    """A user of Claude Code with settings of their own."""
    folder = tmp_path / "user" / ".claude"
    folder.mkdir()
    (folder / "settings.json").write_text('{\n  "model": "opus"\n}\n')
    return folder


def test_an_install_shows_its_changes_and_does_nothing_unless_told_to(
    run: Run, claude: Path, home: Path
) -> None:
    before = (claude / "settings.json").read_bytes()
    result = run("install", "claude")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert '+  "hooks": {' in result.stdout
    assert "--yes" in result.stderr
    assert (claude / "settings.json").read_bytes() == before
    assert not home.exists()


def test_an_install_keeps_the_user_s_settings_and_says_what_is_next(
    run: Run, claude: Path, home: Path
) -> None:
    result = run("install", "claude", "--yes")
    assert (result.returncode, result.stderr) == (0, "")
    settings = json.loads((claude / "settings.json").read_text())
    assert settings["model"] == "opus"
    assert "PostToolBatch" in settings["hooks"]
    server = json.loads((claude.parent / ".claude.json").read_text())["mcpServers"]["session-buddy"]
    assert Path(server["command"]).is_absolute()
    assert str(home) in server["args"]
    assert "restart Claude Code" in result.stdout
    assert "session-buddy doctor" in result.stdout


@pytest.mark.slow
def test_installing_twice_changes_nothing_and_uninstalling_gives_the_files_back(
    run: Run, claude: Path
) -> None:
    before = (claude / "settings.json").read_bytes()
    run("install", "claude", "--yes")
    installed = (claude / "settings.json").read_bytes()
    assert "nothing changed" in run("install", "claude", "--yes").stdout
    assert (claude / "settings.json").read_bytes() == installed
    assert run("uninstall", "claude", "--yes").returncode == 0
    assert (claude / "settings.json").read_bytes() == before
    assert not (claude.parent / ".claude.json").exists()
    assert "nothing of session-buddy" in run("uninstall", "claude", "--yes").stdout


@pytest.mark.slow
def test_an_install_offers_to_import_what_is_there(run: Run, claude: Path) -> None:
    shutil.copytree(RECORDINGS, claude / "projects")
    assert "uses found" not in run("install", "claude", "--yes", "--no-import").stdout
    assert "uses found" in run("install", "claude", "--yes").stdout


def test_settings_that_are_no_json_are_left_alone_with_one_line(run: Run, claude: Path) -> None:
    (claude / "settings.json").write_text("{ not json")
    result = run("install", "claude", "--yes")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "settings.json" in result.stderr
    assert (claude / "settings.json").read_text() == "{ not json"
