"""The unit and the plist: what they start is a command of ours with options that it takes."""

import configparser
import os
import plistlib
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from session_buddy.cli.app import session_buddy
from tests.support.monitoring import MONITORING

UNIT = MONITORING / "systemd" / "session-buddy.service"
PLIST = MONITORING / "launchd" / "session-buddy.plist"


def started_by_systemd() -> list[str]:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read(UNIT)
    return shlex.split(unit["Service"]["ExecStart"])


def started_by_launchd() -> list[str]:
    *shell, line = plistlib.loads(PLIST.read_bytes())["ProgramArguments"]
    assert shell == ["/bin/sh", "-lc"]
    return shlex.split(line.removeprefix("exec "))


@pytest.mark.parametrize("started", [started_by_systemd, started_by_launchd])
def test_a_service_starts_the_feed_as_the_command_line_takes_it(started: object) -> None:
    assert callable(started)
    program, *words = started()
    assert Path(program).name == "session-buddy"
    assert words[0] == "websocket-server"
    done = CliRunner().invoke(session_buddy, [*words, "--help"])
    assert done.exit_code == 0
    assert {word for word in words if word.startswith("--")} <= set(done.output.split())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_has_nothing_to_say_of_the_unit(tmp_path: Path) -> None:
    program = tmp_path / "session-buddy"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNIT.name
    text = UNIT.read_text("utf-8").replace("%h/.local/bin/session-buddy", str(program))
    unit.write_text(text, "utf-8")
    assert verified(unit) == []
    unit.write_text(text.replace("RestartSec", "RestartSex"), "utf-8")
    assert "RestartSex" in verified(unit)[0]


def verified(unit: Path) -> list[str]:
    """What systemd says of a unit."""
    command = ["systemd-analyze", "verify", "--user", str(unit)]
    env = {**os.environ, "XDG_RUNTIME_DIR": str(unit.parent)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)
    return [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line]
