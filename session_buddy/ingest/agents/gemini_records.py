"""Gemini CLI's session records (`~/.gemini/tmp/<project>/chats/session-*.jsonl`) as observations.

Measured on gemini-cli 0.61: the first line names the session; a `user` line is a prompt or the answers to
calls, a `gemini` line what the model said. That line is written again under the same id once its tool
calls are answered, each with its status. A skill is taken up with the tool `activate_skill`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from session_buddy.ingest.agents.session_reader import Place, Record, Seen, SessionReader
from session_buddy.ingest.fields import instant
from session_buddy.ingest.names import clean_name, clean_text
from session_buddy.ingest.observations import Activity, SkillBody, TurnEnded

_ANSWERED: Final = {"success": None, "error": "tool_error", "cancelled": "rejected"}
_EXIT: Final = re.compile(r"^Exit Code: (\d+)", re.MULTILINE)
_BOOKKEEPING: Final = frozenset(("update_topic", "write_todos"))


class GeminiRecords(SessionReader):
    """Reads one session."""

    agent = "gemini"
    asking = frozenset(("ask_user", "exit_plan_mode"))
    _answered_calls: set[str]

    @staticmethod
    def recognises(record: Record) -> bool:
        """Whether a file that begins with this record is a session of Gemini CLI."""
        return isinstance(record.get("sessionId"), str) and "projectHash" in record

    def beside(self, path: Path) -> None:
        """Take from the files beside a session's where it worked: its own records hold a hash only."""
        try:
            self.project = clean_text((path.parent.parent / ".project_root").read_text("utf-8").strip())
        except (OSError, ValueError):
            self.project = None

    def read(self, record: Record) -> Sequence[Seen]:
        """What one line shows."""
        if self.recognises(record):
            return self._located(record)
        kind, key, at = record.get("type"), record.get("id"), instant(record.get("timestamp"))
        if not isinstance(key, str) or at is None:
            return ()
        self.records += 1
        place = Place(at, self.thread, key)
        if kind == "user":
            text = _texts(record.get("content"))
            return self.prompted(place, text) if text else ()
        return self._model(record, place) if kind == "gemini" else ()

    def _located(self, record: Record) -> Sequence[Seen]:
        if self.session_id is None:
            self.session_id = clean_name(record.get("sessionId"))
            self.started_at = instant(record.get("startTime"))
            self._answered_calls = set()
        return ()

    def _model(self, record: Record, place: Place) -> Sequence[Seen]:
        calls = record.get("toolCalls")
        if not isinstance(calls, list) or not calls:
            says = bool(_texts(record.get("content")))
            return (Activity(*place, says=says), TurnEnded(*place)) if says else (Activity(*place),)
        return [seen for call in calls if isinstance(call, Mapping) for seen in self._call(call, place)]

    def _call(self, call: Record, place: Place) -> Sequence[Seen]:
        """A call that was answered; one that was not is written again when it is."""
        call_id, name, status = call.get("id"), call.get("name"), call.get("status")
        if not isinstance(call_id, str) or not isinstance(name, str) or status not in _ANSWERED:
            return ()
        if call_id in self._answered_calls or name in _BOOKKEEPING:
            return ()
        self._answered_calls.add(call_id)
        given = call.get("args")
        seen = [*self.called(place, call_id, name, given if isinstance(given, Mapping) else {})]
        text, error = _output(call), _ANSWERED[str(status)]
        exit_status = _EXIT.search(text)
        if error is None and exit_status is not None and exit_status[1] != "0":
            error = "exit_code"
        if name == "activate_skill" and error is None:
            seen.append(SkillBody(*place, self.key_of(call_id), text))
        at = max(instant(call.get("timestamp")) or place.at, place.at)
        return [
            *seen,
            *self.answered(Place(at, place.thread, f"{place.key} {call_id}"), call_id, error, text),
        ]


def _texts(content: object) -> str:
    """The text of a record's content; empty for answers to calls."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    return "\n".join(part["text"] for part in parts if isinstance(part, Mapping) and _is_text(part))


def _is_text(part: Record) -> bool:
    return isinstance(part.get("text"), str) and not part.get("thought")


def _output(call: Record) -> str:
    """What a call was answered with."""
    result = call.get("result")
    for part in result if isinstance(result, list) else ():
        answer = part.get("functionResponse") if isinstance(part, Mapping) else None
        response = answer.get("response") if isinstance(answer, Mapping) else None
        if isinstance(response, Mapping):
            text = response.get("output", response.get("error"))
            return text if isinstance(text, str) else ""
    return ""
