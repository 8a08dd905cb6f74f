"""How a command line reaches its command, and how the process ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from session_buddy import __main__ as program
from session_buddy import __version__
from session_buddy.cli.app import COMMANDS
from session_buddy.config import Settings
from session_buddy.relay import front
from tests.cli.conftest import Run


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Settings with which `serve` was reached."""
    reached: list[Settings] = []

    def serve(settings: Settings) -> int:
        reached.append(settings)
        return 0

    monkeypatch.setattr(front, "main", serve)
    return reached


@pytest.mark.parametrize(
    "words",
    [
        ["serve", "--home", "{home}", "--transport", "tcp"],
        ["serve", "--home={home}", "--transport=tcp"],
        ["--home", "{home}", "serve", "--transport", "tcp"],
        ["--home={home}", "--transport", "tcp", "serve"],
    ],
)
def test_serve_takes_its_settings_wherever_they_stand(
    words: list[str], tmp_path: Path, served: list[Settings]
) -> None:
    assert program.main([word.format(home=tmp_path) for word in words]) == 0
    (settings,) = served
    assert (settings.home, settings.transport) == (str(tmp_path), "tcp")


def test_serve_takes_every_setting_that_there_is(tmp_path: Path, served: list[Settings]) -> None:
    words = ["serve", "--store-queries", "--fold-interval-seconds", "2.5", "--log-level=DEBUG"]
    assert program.main([*words, "--memory-limit", "1GB", "--home", str(tmp_path)]) == 0
    (settings,) = served
    assert settings.store_queries
    assert settings.fold_interval_seconds == 2.5
    assert (settings.log_level, settings.memory_limit) == ("DEBUG", "1GB")


def test_a_line_that_is_not_understood_by_hand_is_explained_by_click(
    served: list[Settings], run: Run
) -> None:
    result = run("serve", "--hom", "/somewhere")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "No such option '--hom'" in result.stderr
    assert served == []


def test_a_setting_that_cannot_be_used_ends_serve_with_one_line(run: Run) -> None:
    result = run("serve", "--fold-interval-seconds", "often")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "fold_interval_seconds" in result.stderr


@pytest.mark.parametrize("command", ["serve", "hook"])
def test_what_starts_often_imports_no_command_line_library(command: str, run: Run, home: Path) -> None:
    heavy = ("click", "rich", "pydantic", "duckdb", "mcp", "numpy")
    code = (
        "import sys; from session_buddy import __main__ as m; from session_buddy.relay import front;"
        "front.main = lambda settings: 0;"
        f"status = m.main([{command!r}, '--home', {str(home)!r}]);"
        f"print([name for name in {heavy!r} if name in sys.modules], status)"
    )
    result = subprocess.run([sys.executable, "-c", code], input="{}", capture_output=True, encoding="utf-8")
    assert result.stdout == "[] 0\n"


@pytest.mark.slow
def test_the_version_is_the_package_s(start: Run) -> None:
    assert start("--version").stdout == f"session-buddy, version {__version__}\n"


@pytest.mark.slow
@pytest.mark.parametrize("command", [*COMMANDS])
def test_every_command_explains_itself_with_an_example(command: str, run: Run) -> None:
    result = run(command, "--help")
    assert result.returncode == 0, result.stderr
    assert f"Usage: session-buddy {command}" in result.stdout
    assert "--home" in result.stdout
    assert command == "hook" or "Example" in result.stdout


@pytest.mark.slow
def test_help_fits_a_narrow_terminal_and_names_every_command(run: Run) -> None:
    result = run("--help", COLUMNS="80")
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert all(f"\n  {command} " in result.stdout for command in COMMANDS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["tpo"], "No such command 'tpo'. Did you mean 'top'? See"),
        (["ab", "crate"], "Did you mean 'create'?"),
        (["ab", "plan"], "give --control and --treatment, two of: markov_blend"),
        (["serve", "--port"], "'--port' requires an argument."),
        (["--nonsense"], "No such option '--nonsense'"),
        (["top", "--limit", "0"], "0 is not in the range"),
        (["top", "--since", "yesterday-ish"], "is no time"),
        (["show"], "Missing argument 'SKILL'"),
        (["install", "emacs"], "'emacs' is not one of 'claude'"),
        (["forget"], "name one session or skill"),
        (["forget", "a", "--before", "2026-01-01"], "name one session or skill"),
        (["--home"], "requires an argument"),
    ],
)
def test_wrong_usage_is_one_line_and_status_two(words: list[str], said: str, run: Run) -> None:
    result = run(*words)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("session-buddy: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


@pytest.mark.slow
def test_without_a_command_the_help_is_shown_as_an_error(run: Run) -> None:
    result = run()
    assert result.returncode == 2
    assert "Usage: session-buddy" in result.stderr


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_the_command_quietly(run: Run) -> None:
    words = [sys.executable, "-m", "session_buddy", "--help"]
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(words, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (program.READER_GONE, b"")


@pytest.mark.slow
def test_a_table_whose_reader_goes_away_ends_like_any_output(run: Run, recorded: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "session_buddy", "--home", str(recorded), "top"]
    with subprocess.Popen(words, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (program.READER_GONE, b"")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", [["top"], ["top", "--json"], ["export", "--json"], ["--help"]])
def test_output_that_cannot_be_written_is_one_line_and_status_one(words: list[str], recorded: Path) -> None:
    command = [sys.executable, "-m", "session_buddy", "--home", str(recorded), *words]
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr == "session-buddy: the output was not written: No space left on device.\n"


def test_an_interrupted_command_says_nothing_and_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_words: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "_route", interrupted)
    assert program.main([]) == program.INTERRUPTED == 128 + signal.SIGINT


@pytest.mark.slow
def test_serve_ends_when_its_client_is_gone(start: Run, home: Path) -> None:
    initialize = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    result = start("serve", "--home", str(home), stdin=json.dumps(initialize) + "\n")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["result"]["serverInfo"]["name"] == "session-buddy"
