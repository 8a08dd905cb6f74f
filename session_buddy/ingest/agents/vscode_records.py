"""Transcripts of VS Code's own agent (GitHub Copilot Chat), and of Copilot CLI, as observations.

VS Code hands their path to hooks and calls their format unstable, so this reads little of it: lines with
`type`, `data` and `timestamp`, of which `session.start`, `user.message`, `assistant.message` and
`tool.execution_start` and `_complete` matter. Written from what is published; never run against VS Code.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from session_buddy.ingest.agents.session_reader import Place, Record, Seen, SessionReader
from session_buddy.ingest.fields import instant
from session_buddy.ingest.names import clean_name, clean_text
from session_buddy.ingest.observations import Activity, Compacted


class VSCodeRecords(SessionReader):
    """Reads one session."""

    agent = "vscode"
    asking = frozenset(("ask_user", "vscode_askQuestions"))

    @staticmethod
    def recognises(record: Record) -> bool:
        """Whether a file that begins with this record is such a transcript."""
        return record.get("type") == "session.start" and isinstance(record.get("data"), Mapping)

    def read(self, record: Record) -> Sequence[Seen]:
        """What one line shows."""
        kind, data, at = record.get("type"), record.get("data"), instant(record.get("timestamp"))
        if not isinstance(kind, str) or not isinstance(data, Mapping) or at is None:
            return ()
        self.records += 1
        named = record.get("id")
        place = Place(at, self.thread, named if isinstance(named, str) else f"{kind} {record['timestamp']}")
        match kind:
            case "session.start":
                return self._located(data, place)
            case "user.message":
                return self.prompted(place, str(data.get("content") or ""))
            case "assistant.message":
                return (Activity(*place, says=bool(data.get("content")) and not data.get("toolRequests")),)
            case "tool.execution_start" | "tool.execution_complete":
                return self._tool(kind, data, place)
            case "session.compaction_complete":
                return (Compacted(*place),)
        return ()

    def _located(self, data: Record, place: Place) -> Sequence[Seen]:
        if self.session_id is None:
            context = data.get("context")
            self.session_id = clean_name(data.get("sessionId"))
            self.project = clean_text(context.get("cwd")) if isinstance(context, Mapping) else None
            self.started_at = place.at
        return ()

    def _tool(self, kind: str, data: Record, place: Place) -> Sequence[Seen]:
        call_id, tool = data.get("toolCallId"), data.get("toolName")
        if not isinstance(call_id, str) or not call_id:
            return ()
        if kind == "tool.execution_complete":
            return self.answered(place, call_id, None if data.get("success") is not False else "tool_error")
        given = _arguments(data.get("arguments"))
        return self.called(place, call_id, tool, given) if isinstance(tool, str) else ()


def _arguments(given: object) -> Mapping[str, Any]:
    try:
        value = json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, Mapping) else {}
