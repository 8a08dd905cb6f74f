"""The wheel, installed alone into a new environment, is the whole product."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.checkout import ROOT, clone, newcomer, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a fresh clone, so that nothing left over in this folder is in it."""
    place = tmp_path_factory.mktemp("wheel")
    source = clone(place / "source")
    built = run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", place, source],
        place,
        newcomer(place / "home"),
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = place.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin directory of an environment that holds the wheel and what it requires."""
    place = tmp_path_factory.mktemp("installed")
    environment = newcomer(place / "home")
    python = place / "venv" / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", place / "venv"],
        [python, "-m", "pip", "install", "--quiet", wheel],
    ):
        done = run(command, place, environment)
        assert done.returncode == 0, done.stderr
    return python.parent


def test_everything_that_is_not_python_is_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sql = {f"session_buddy/{file.relative_to(ROOT).as_posix()}" for file in (ROOT / "sql").rglob("*.sql")}
    assets = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "session_buddy" / "assets").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert sql
    assert assets
    assert (sql | assets | {"session_buddy/py.typed"}) - names == set()
    assert {name for name in names if name.startswith(("tests/", "bench/", "sql/"))} == set()


class Stdio:
    """A bare client: one JSON message a line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._id = 0

    def notify(self, method: str) -> None:
        self._send({"method": method})

    def request(self, method: str, params: dict[str, Any]) -> Any:
        self._id += 1
        self._send({"id": self._id, "method": method, "params": params})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self._id:
                return answer["result"]
        raise AssertionError(f"the server ended before it answered {method}")

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._process.stdin.flush()


@pytest.fixture
def served(installed: Path, tmp_path: Path) -> Iterator[Stdio]:
    """A client of the installed server."""
    environment = newcomer(tmp_path / "home")
    with subprocess.Popen(
        [installed / "session-buddy", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env=environment,
        text=True,
    ) as process:
        yield Stdio(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_it_serves(served: Stdio) -> None:
    greeting = served.request(
        "initialize",
        {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
    )
    assert greeting["serverInfo"]["name"] == "session-buddy"
    served.notify("notifications/initialized")
    recorded = served.request(
        "tools/call",
        {"name": "record_skill_invocation", "arguments": {"skill_name": "greet", "completed": True}},
    )
    assert recorded.get("isError") is not True, recorded
    metrics = served.request(
        "tools/call", {"name": "get_skill_metrics", "arguments": {"skill_name": "greet"}}
    )
    (skill,) = metrics["structuredContent"]["skills"]
    assert (skill["skill_name"], skill["invocation_count"], skill["completed_count"]) == ("greet", 1, 1)


def test_its_command_line_works_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    environment = newcomer(tmp_path / "home")
    recordings = ROOT / "session_buddy" / "assets" / "demo" / "projects"
    for command in ("--version", f"import {recordings}", "migrate status", "top --json", "status --json"):
        done = run([installed / "session-buddy", *command.split()], tmp_path, environment)
        assert done.returncode == 0, (command, done.stdout, done.stderr)


def test_the_package_says_that_it_is_typed(installed: Path, tmp_path: Path) -> None:
    code = "from importlib.resources import files; print((files('session_buddy') / 'py.typed').is_file())"
    done = run([installed / "python", "-c", code], tmp_path, newcomer(tmp_path / "home"))
    assert done.stdout.strip() == "True", done.stderr
