"""A fresh clone of this project, as a newcomer has it."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.architecture.sources import ROOT, name_of, project_files


def clone(into: Path) -> Path:
    """Copy every file that is committed or would be, and nothing that a build left behind."""
    for file in project_files():
        target = into / name_of(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    return into


def newcomer(home: Path) -> dict[str, str]:
    """The environment of someone who has never run this: a home of their own and none of our settings."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "LANG", "LC_"))
    }
    return {**kept, "PATH": os.environ["PATH"], "HOME": str(home), "CI": os.environ.get("CI", "")}


def run(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str], seconds: float = 500
) -> subprocess.CompletedProcess[str]:
    """Run to the end without a terminal and without input; both streams as text."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


__all__ = ["ROOT", "clone", "newcomer", "run"]
