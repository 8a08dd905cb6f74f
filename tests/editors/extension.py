"""Runs the VS Code extension in node, as a user of VS Code would."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "editors" / "vscode"
TRIED = Path(__file__).parent / "try_extension.cjs"


def try_extension(
    node_modules: Path,
    command: str,
    home: Path,
    project: Path,
    file: str,
    selected: str,
    environ: Mapping[str, str] | None = None,
) -> Any:
    """What a user sees who asks at a place in the code. command: session-buddy. home: of the record."""
    own = {
        "PYTHONPATH": str(ROOT),
        "HOME": str(project / "user"),
        "CLAUDE_CONFIG_DIR": str(project / "claude"),
    }
    words = [
        str(node_modules / ".bin" / "node"),
        str(TRIED),
        str(EXTENSION),
        command,
        str(home),
        str(project),
    ]
    ended = subprocess.run(
        [*words, file, selected],
        env={**os.environ, **own} if environ is None else dict(environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)
