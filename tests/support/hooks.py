"""Running the hook as Claude Code runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from session_buddy.ingest import hook
from session_buddy.models.events import JournalEvent, parse_event

HOOK = str(Path(hook.__file__).resolve())
COMMAND = (sys.executable, "-I", "-S", HOOK)
SESSION = "5f0c9a52-6f1e-4a53-9a0b-0c8a1f2e3d4c"


def payload(event: str, **fields: Any) -> dict[str, Any]:
    """What Claude Code sends on stdin for an event, as recorded from the real client."""
    common = {
        "session_id": SESSION,
        "transcript_path": f"/home/ada/.claude/projects/-home-ada-project/{SESSION}.jsonl",
        "cwd": "/home/ada/project",
        "hook_event_name": event,
    }
    return {**common, **fields}


def run_hook(
    data: bytes | Mapping[str, Any], *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the hook file in a process of its own, with nothing of this process's environment."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=data if isinstance(data, bytes) else json.dumps(data).encode(),
        capture_output=True,
        env={"PATH": os.defpath, **(environment or {})},
        timeout=60,
        check=False,
    )


def events_in(home: Path) -> list[JournalEvent]:
    """Every event in the journals of a home; a line that is none fails the test."""
    found: list[JournalEvent] = []
    for path in sorted((home / "journal").glob("*.jsonl")):
        found += [parse_event(line) for line in path.read_bytes().split(b"\n") if line]
    return found
