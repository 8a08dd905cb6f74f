"""The commands of the README, in a fresh clone, with nothing of the person who runs the tests."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.packaging.checkout import ROOT, clone, newcomer, run


def programs(folder: Path, *names: str, **scripts: str) -> str:
    """A PATH that has the named programs of this machine and the given shell scripts, and no others."""
    folder.mkdir()
    for name in names:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    for name, script in scripts.items():
        file = folder / name.replace("_", ".")
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
    return str(folder)


def test_make_takes_a_newer_python_where_python3_is_too_old(tmp_path: Path) -> None:
    newer = f'exec {sys.executable} "$@"'
    path = programs(tmp_path / "bin", "sh", "make", "test", python3="exit 1", python3_11=newer)
    plan = ["make", "--dry-run", "--always-make", f"--directory={ROOT}", "demo"]
    planned = run(plan, tmp_path, {"PATH": path})
    assert f'"{tmp_path}/bin/python3.11" -m venv .venv' in planned.stdout, planned.stderr


def test_make_says_what_to_do_where_no_python_fits(tmp_path: Path) -> None:
    path = programs(tmp_path / "bin", "sh", "make", python3="exit 1")
    refused = run(["make", "install", f"--directory={ROOT}"], tmp_path, {"PATH": path})
    assert refused.returncode != 0
    assert "needs Python 3.11 or newer" in refused.stderr
    assert "make PYTHON=/path/to/python3.11" in refused.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_make_demo_works_in_a_fresh_clone(tmp_path: Path) -> None:
    source = clone(tmp_path / "clone")
    environment = newcomer(tmp_path / "home")
    shown = run(["make", "demo", f"PYTHON={sys.executable}"], source, environment)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    again = run(["make", "demo", f"PYTHON={sys.executable}"], source, environment)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Installing" not in again.stdout
    assert not (tmp_path / "home" / ".session-buddy").exists(), "the demo touches nobody's record"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_make_install_puts_the_command_on_the_path_without_pipx_or_uv(tmp_path: Path) -> None:
    source = clone(tmp_path / "clone")
    tools = ("sh", "make", "dirname", "mkdir", "ln", "test", "env", "uname")
    path = programs(tmp_path / "bin", *tools, python3=f'exec {sys.executable} "$@"')
    home = tmp_path / "home"
    installed = run(["make", "install"], source, {**newcomer(home), "PATH": path})
    assert installed.returncode == 0, installed.stdout + installed.stderr
    assert "install claude" in installed.stdout
    assert "is not on PATH" in installed.stdout
    shutil.rmtree(source)
    told = run([home / ".local" / "bin" / "session-buddy", "--version"], tmp_path, {"HOME": str(home)})
    assert told.returncode == 0, told.stderr
    assert not (home / ".claude").exists(), "without a terminal nothing is asked, so nothing is changed"
