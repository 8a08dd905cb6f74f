"""Codex CLI's rollout files (`~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl`) as observations.

Measured on codex-cli 0.169: each line has `timestamp`, `type` and `payload`. `session_meta` comes first;
`response_item` holds messages, function calls and their outputs; `event_msg` what the client says of the
turn. A skill that the user names as `$skill` arrives as a message `<skill><name>...`, one that the agent
picks as the reading of its `SKILL.md` in a shell. A fork names the session it came from, or copies it.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from session_buddy.ingest.agents.session_reader import Place, Record, Seen, SessionReader
from session_buddy.ingest.fields import MAIN, instant
from session_buddy.ingest.names import clean_name, clean_text
from session_buddy.ingest.observations import (
    Activity,
    Answered,
    Compacted,
    Interrupted,
    SkillBody,
    TurnEnded,
)

_SKILL: Final = re.compile(r"\s*<skill>\s*<name>([^<\n]{1,400})</name>")
_EXIT: Final = re.compile(r"^Process exited with code (-?\d+)|^Exit code: (-?\d+)", re.MULTILINE)
_HEAD: Final = 2_000
_CALLS: Final = frozenset(("function_call", "custom_tool_call", "local_shell_call"))
_OUTPUTS: Final = frozenset(("function_call_output", "custom_tool_call_output"))


class CodexRecords(SessionReader):
    """Reads one rollout."""

    agent = "codex"
    asking = frozenset(("request_user_input",))

    def __init__(self, keep_query: Callable[[str], tuple[str | None, str, int]]) -> None:
        """keep_query: as the base has it."""
        super().__init__(keep_query)
        self._asked = False  # the user's words of this turn were seen

    @staticmethod
    def recognises(record: Record) -> bool:
        """Whether a file that begins with this record is a rollout."""
        return record.get("type") == "session_meta" and isinstance(record.get("payload"), Mapping)

    def read(self, record: Record) -> Sequence[Seen]:
        """What one line shows."""
        kind, payload, at = record.get("type"), record.get("payload"), instant(record.get("timestamp"))
        if not isinstance(payload, Mapping) or at is None:
            return ()
        self.records += 1
        place = Place(at, self.thread, _identity(record, payload))
        match kind:
            case "session_meta":
                return self._located(payload, place)
            case "response_item":
                return self._item(payload, place)
            case "event_msg":
                return self._event(payload, place)
            case "compacted":
                return (Compacted(*place),)
        return ()

    def _located(self, payload: Record, place: Place) -> Sequence[Seen]:
        """The first one says whose file it is; a copied session brings its own along."""
        if self.session_id is None:
            own = clean_name(payload.get("id"))
            self.session_id = clean_name(payload.get("session_id")) or own
            self.project = clean_text(payload.get("cwd"))
            self.started_at = place.at
            self.thread = MAIN if own in {None, self.session_id} else own or MAIN
        return ()

    def _event(self, payload: Record, place: Place) -> Sequence[Seen]:
        kind = payload.get("type")
        item = payload.get("item")
        if kind == "item_completed" and isinstance(item, Mapping):
            return self._asked_by(item, place) if item.get("type") == "UserMessage" else ()
        if kind == "user_message":
            return self._user_said(str(payload.get("message", "")), place)
        if kind in {"task_started", "turn_started"}:
            self._asked = False
        if kind in {"task_complete", "turn_complete"}:
            return (TurnEnded(*place),)
        if kind == "turn_aborted":
            return (Interrupted(*place),)
        return (Compacted(*place),) if kind == "context_compacted" else ()

    def _asked_by(self, item: Record, place: Place) -> Sequence[Seen]:
        content = item.get("content")
        texts = [part.get("text") for part in content if isinstance(part, Mapping)] if content else []
        return self._user_said("\n".join(text for text in texts if isinstance(text, str)), place)

    def _user_said(self, text: str, place: Place) -> Sequence[Seen]:
        """The prompt of a turn; what the user adds while the agent works does not end anything."""
        if self._asked:
            return ()
        self._asked = True
        return self.prompted(place, text)

    def _item(self, payload: Record, place: Place) -> Sequence[Seen]:
        kind = payload.get("type")
        if kind == "message":
            return self._message(payload, place)
        if kind in _CALLS:
            return self._called(payload, place)
        if kind in _OUTPUTS:
            return self._output(payload, place)
        return (Activity(*place),) if kind == "reasoning" else ()

    def _message(self, payload: Record, place: Place) -> Sequence[Seen]:
        content = payload.get("content")
        parts = [part for part in content if isinstance(part, Mapping)] if isinstance(content, list) else []
        text = "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str))
        if payload.get("role") == "assistant":
            return (Activity(*place, says=True),)
        named = _SKILL.match(text) if payload.get("role") == "user" else None
        skill_name = clean_name(named[1]) if named else None
        if skill_name is None:
            return ()
        before = self._user_said("", place)  # older clients tell the prompt after the skill that it names
        called = self.used(place, place.key, skill_name, "user")
        key = self.key_of(place.key)
        return (*before, called, SkillBody(*place, key, text), Answered(*place, key))

    def _called(self, payload: Record, place: Place) -> Sequence[Seen]:
        call_id = payload.get("call_id") or payload.get("id")
        name = payload.get("name") or payload.get("type")
        if not isinstance(call_id, str) or not call_id or not isinstance(name, str):
            return ()
        given = payload.get("action") or _arguments(payload.get("arguments"))
        return self.called(place, call_id, name, given if isinstance(given, Mapping) else {})

    def _output(self, payload: Record, place: Place) -> Sequence[Seen]:
        call_id = payload.get("call_id")
        if not isinstance(call_id, str) or not call_id:
            return ()
        text, error = _result(payload.get("output"))
        return self.answered(place, call_id, error, text)

    def request_key(self, call_id: str) -> str | None:
        """Codex tells a server the session and the call (`_meta`), see `serve.clients`."""
        return f"{self.session_id}:{call_id}"


def _identity(record: Record, payload: Record) -> str:
    """A record's own id, the same in a copy; else its place in time."""
    named = payload.get("id") or payload.get("call_id") or payload.get("turn_id")
    kind = payload.get("type", record.get("type"))
    if isinstance(named, str) and len(named) >= 20:
        return f"{kind} {named}"
    return f"{kind} {named or ''} {record.get('timestamp')}"


def _arguments(given: object) -> Any:
    try:
        return json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError):
        return {}


def _result(output: object) -> tuple[str, str | None]:
    """(text, error class) of an output: a text with the exit status in its head, or JSON that has both."""
    if isinstance(output, Mapping):
        output = output.get("content", output.get("output", ""))
    if isinstance(output, list):
        output = "\n".join(part["text"] for part in output if isinstance(part, Mapping) and "text" in part)
    text = output if isinstance(output, str) else ""
    if text.startswith("{"):
        document = _arguments(text)
        metadata = document.get("metadata") if isinstance(document, Mapping) else None
        if isinstance(metadata, Mapping):
            status, text = metadata.get("exit_code"), str(document.get("output", ""))
            return text, "exit_code" if status else None
    status = _EXIT.search(text[:_HEAD])
    if status is not None:
        return text, "exit_code" if (status[1] or status[2]) != "0" else None
    if text.startswith(("unsupported call", "failed to parse", "execution error")):
        return text, "tool_error"
    return text, "rejected" if "rejected by user" in text[:_HEAD] else None
