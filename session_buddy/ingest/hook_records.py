"""What our hook keeps for agents whose own transcripts do not tell enough (`hook_cursor`), and its end.

Everything in these files has been journaled by the time an agent's session is over, so they are only kept
while a session may go on, and are forgotten with what they tell of.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from session_buddy.ingest.skill_files import skill_of_path, skill_read_by
from session_buddy.models.values import ForgetRequest

RECORDS: Final = "records"
"""Folder of a home in which our hook keeps what Cursor's hooks said, one file a conversation."""

KEPT_FOR: Final = timedelta(days=30)
"""Since the last hook of a session."""


class HookRecords:
    """The files in one folder, which need not be there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prune(self, now: datetime) -> None:
        """Remove the files of sessions that were over long ago."""
        self._remove_older(now - KEPT_FOR)

    def forget(self, request: ForgetRequest) -> None:
        """Remove what a request to forget names."""
        if request.before is not None:
            self._remove_older(request.before)
        for path in self._files():
            if request.session_id is not None and path.stem.endswith(f"-{request.session_id}"):
                path.unlink(missing_ok=True)
            elif request.skill_name is not None:
                _drop(path, request.skill_name)

    def _remove_older(self, moment: datetime) -> None:
        for path in self._files():
            if path.stat().st_mtime < moment.timestamp():
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        yield from sorted(self._folder.glob("*.jsonl")) if self._folder.is_dir() else ()


def _drop(path: Path, skill_name: str) -> None:
    """Take the lines out that tell of a skill."""
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not _tells_of(line, skill_name)]
    if len(kept) < len(lines):
        path.write_bytes(b"".join(kept))


def _tells_of(line: bytes, skill_name: str) -> bool:
    try:
        given = json.loads(line).get("tool_input", {})
        values = [value for value in given.values() if isinstance(value, str)]
    except (ValueError, AttributeError):
        return False
    return any(skill_name in {value, skill_of_path(value), skill_read_by(value)} for value in values)
