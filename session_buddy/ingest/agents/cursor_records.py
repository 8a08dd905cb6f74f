"""What Cursor's hooks said of one conversation, as observations.

Cursor's own transcripts have neither times nor results, so our hook keeps what each hook was told, cut to
what is needed, one line a hook (`ingest.hook`): the fields bear Cursor's names, plus `at`. Written from
Cursor's documentation of its hooks; never run against Cursor.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from session_buddy.ingest.agents.session_reader import Place, Record, Seen, SessionReader
from session_buddy.ingest.fields import instant
from session_buddy.ingest.names import clean_name, clean_text
from session_buddy.ingest.observations import Interrupted, SessionEnded, TurnEnded

_TOOLS = frozenset(("postToolUse", "postToolUseFailure"))
_FAILED = {"permission_denied": "rejected", "timeout": "timeout"}


class CursorRecords(SessionReader):
    """Reads one conversation."""

    agent = "cursor"

    @staticmethod
    def recognises(record: Record) -> bool:
        """Whether a file that begins with this record is what our hook kept."""
        return "hook_event_name" in record and isinstance(record.get("conversation_id"), str)

    def read(self, record: Record) -> Sequence[Seen]:
        """What one line shows."""
        hook, at = record.get("hook_event_name"), instant(record.get("at"))
        if not isinstance(hook, str) or at is None:
            return ()
        self.records += 1
        if self.session_id is None:
            self._located(record)
            self.started_at = at
        place = Place(at, self.thread, f"{hook} {record.get('generation_id') or ''} {record['at']}")
        if hook in _TOOLS:
            return self._tool(record, place)
        if hook == "beforeSubmitPrompt":
            return self.prompted(place, "")
        if hook == "stop":
            aborted = record.get("status") == "aborted"
            return (Interrupted(*place),) if aborted else (TurnEnded(*place),)
        return (SessionEnded(*place),) if hook == "sessionEnd" else ()

    def _located(self, record: Record) -> None:
        self.session_id = clean_name(record.get("conversation_id"))
        roots = record.get("workspace_roots")
        self.project = clean_text(roots[0]) if isinstance(roots, list) and roots else None

    def _tool(self, record: Record, place: Place) -> Sequence[Seen]:
        tool, call_id, given = record.get("tool_name"), record.get("tool_use_id"), record.get("tool_input")
        if not isinstance(tool, str):
            return ()
        call_id = call_id if isinstance(call_id, str) and call_id else place.key
        seen = self.called(place, call_id, tool, given if isinstance(given, Mapping) else {})
        return [*seen, *self.answered(place, call_id, _error(record))]


def _error(record: Record) -> str | None:
    if record.get("hook_event_name") == "postToolUseFailure":
        return _FAILED.get(str(record.get("failure_type")), "tool_error")
    status: Any = record.get("exit_code")
    return "exit_code" if isinstance(status, int) and status != 0 else None
