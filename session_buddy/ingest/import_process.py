"""The reading half of a large import, in a process of its own.

It reads the files, writes its own journal, and tells how far it is on stdout, one JSON object a line, while
the process that started it leads and folds what is in the journal already. So two cores are at work, and each
half can be killed at any moment: what was acknowledged is in the journal, and `import-state.json` says where
the next import goes on. It ends when its stdin does, which is when whoever started it is gone.

    stdin    one line: {"settings": [...], "paths": [...], "again": false, "claude": null}
    stdout   {"progress": {...}}*, then {"summary": {...}} or {"error": {"kind": ..., "message": ...}}
"""

import _thread
import gc
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any, Final

from session_buddy.config import Settings
from session_buddy.errors import SessionBuddyError
from session_buddy.ingest.agents.places import skills_of_agents
from session_buddy.ingest.importing import AppendLines, Importer, ImportProgress
from session_buddy.ingest.journal import JournalFile
from session_buddy.ingest.redaction import kept_words, redact
from session_buddy.ingest.transcripts import Reading

INTERRUPTED: Final = 130
_OBJECTS_BETWEEN_COLLECTIONS: Final = 50_000
"""Nothing that is read refers to itself, so looking for such circles as often as Python does finds none."""


def make_importer(settings: Settings, append_lines: AppendLines, claude: Path | None) -> Importer:
    """The importer of a home; claude: where installed skills are, if not in the user's own `~/.claude`."""
    words = kept_words(settings)
    descriptions = {skill.skill_name: skill.description for skill in skills_of_agents(claude=claude)}
    return Importer(
        append_lines,
        Path(settings.home, "import-state.json"),
        Reading(words.keep_query, words.user_id, descriptions),
        redact,
        lambda: datetime.now(UTC),
    )


class _Interruption:
    """The end of stdin, which waits for the end of a batch that is being written, so that no line is torn."""

    def __init__(self, append_lines: AppendLines) -> None:
        self._append_lines = append_lines
        self._writing = False
        self._asked = False
        signal.signal(signal.SIGINT, self._interrupt)

    def append_lines(self, lines: Sequence[str]) -> None:
        """Write a batch in full, then heed what came meanwhile."""
        self._writing = True
        try:
            self._append_lines(lines)
        finally:
            self._writing = False
        if self._asked:
            raise KeyboardInterrupt

    def _interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        self._asked = True
        if not self._writing:
            raise KeyboardInterrupt


def main() -> int:
    """Import what stdin names; the exit status: 0, 1 after an error was told, 130 if it was interrupted."""
    asked = json.loads(sys.stdin.readline())
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    settings = Settings(*asked["settings"])
    journal = JournalFile(settings.journal)
    try:
        interruption = _Interruption(journal.append_lines)
        Thread(target=_follow_whoever_started, daemon=True).start()
        claude = asked["claude"] and Path(asked["claude"])
        importer = make_importer(settings, interruption.append_lines, claude)
        summary = importer.run([Path(path) for path in asked["paths"]], _tell_progress, again=asked["again"])
        _tell("summary", asdict(summary))
    except SessionBuddyError as error:
        _tell("error", {"kind": type(error).__name__, "message": str(error)})
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return INTERRUPTED
    finally:
        journal.close()
    return 0


def _follow_whoever_started() -> None:
    """Interrupt the import when stdin ends: nobody would fold what it reads, nor hear of it."""
    sys.stdin.read()
    _thread.interrupt_main(signal.SIGINT)


def _tell_progress(progress: ImportProgress) -> None:
    _tell("progress", asdict(progress))


def _tell(kind: str, what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({kind: what}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
