"""Lines of `session-buddy export --json` as journal lines, and the older form of three fields.

A line is one invocation under the columns' names (`session_buddy.models.answers.Invocation`). The legacy
form has `skill_name`, `completed` and `duration_seconds` alone. An event's id is made from the line
itself (of the legacy form: from its place in the file too, since nothing in it tells two uses apart), so
a file imported again, moved, or grown at its end adds only what is new.
"""

import re
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import from_json

from session_buddy.ingest.names import clean_name
from session_buddy.models.events import SkillEvent, parse_event, rating_with, to_line
from session_buddy.models.ids import hashed_id
from session_buddy.models.protocols import Redactor
from session_buddy.models.vocabulary import AUTHORITY_HOOK, AUTHORITY_REPORTED, AUTHORITY_TRANSCRIPT

RUNS: Final = frozenset({"pipeline_stage_run", "quality_gate_run"})
"""Journal events that are taken from elsewhere: they name no use, so they cannot meet one that is known."""
_NOT_NULL: Final = ("agent", "thread", "origin", "source")
_FREE_TEXT: Final = ("note", "workflow_step", "query_text", "error_type")
_HARMLESS: Final = re.compile(r"[a-z_]{0,60}")
_TOLERANCE: Final = timedelta(minutes=5)
_AUTHORITY: Final = {"transcript": AUTHORITY_TRANSCRIPT, "hook": AUTHORITY_HOOK}


class ExportedLines:
    """Turns the lines of one exported file into journal lines."""

    def __init__(self, redact: Redactor, written_at: datetime, now: datetime) -> None:
        """written_at: when the file was last written, which legacy lines took place by. now: for checks."""
        self._redact = redact
        self._written_at = min(written_at, now)
        self._latest = now + _TOLERANCE
        self._first: str | None = None
        self.invocations = 0
        self.runs = 0
        self.invalid = 0
        self.problem: str | None = None

    def begins(self, first_line: bytes) -> None:
        """The file's first line, where reading does not start there; it is part of legacy lines' identity."""
        self._first = first_line.decode("utf-8", "replace")

    def convert(self, line: bytes, number: int) -> list[str]:
        """Journal lines of one line; none if it is empty or cannot be used, which is counted.

        number: of the line in its file, from 1.
        """
        if self._first is None:
            self._first = line.decode("utf-8", "replace")
        if not line.strip():
            return []
        try:
            row = from_json(line, cache_strings="keys")
            if not isinstance(row, dict):
                return self._reject(number, "it is no JSON object")
            kind = row.get("kind")
            if isinstance(kind, str) and kind in RUNS:
                return self._run(line, number)
            rating = row.pop("rating", None)
            event = SkillEvent.model_validate(self._complete(row, line, number))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            return self._reject(number, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
        except ValueError:
            return self._reject(number, "it is no JSON")
        if event.occurred_at > self._latest or (event.invoked_at and event.invoked_at > self._latest):
            return self._reject(number, "its time lies in the future")
        self.invocations += 1
        return [to_line(event)] if rating is None else [to_line(event), *_rating(rating, event)]

    def _run(self, line: bytes, number: int) -> list[str]:
        """A run of a CI stage or gate, from a journal that was written elsewhere: as it stands."""
        event = parse_event(line)
        if event.occurred_at > self._latest:
            return self._reject(number, "its time lies in the future")
        self.runs += 1
        return [to_line(event)]

    def _reject(self, number: int, reason: str) -> list[str]:
        self.invalid += 1
        if self.problem is None:
            self.problem = f"line {number}: {reason}"
        return []

    def _complete(self, row: dict[str, Any], line: bytes, number: int) -> dict[str, Any]:
        """The row with what an event has beyond a row; columns that events lack are passed over later."""
        for name in _NOT_NULL:
            if name in row and row[name] is None:
                del row[name]
        for name in _FREE_TEXT:
            text = row.get(name)
            if text is not None and isinstance(text, str) and not _HARMLESS.fullmatch(text):
                row[name] = self._redact(text)
        if isinstance(row.get("evidence"), list):
            row["evidence"] = [self._evidence(each) for each in row["evidence"]]
        if row.get("workflow_phase") == "unknown":
            del row["workflow_phase"]
        _judge(row)
        self._identify(row, line, number)
        source = row.setdefault("source", "import")
        reported = row.get("outcome_source") == "reported"
        row["authority"] = AUTHORITY_REPORTED if reported else _AUTHORITY.get(str(source), AUTHORITY_HOOK)
        row["kind"], row["v"] = "recorded", 1
        return row

    def _evidence(self, evidence: object) -> object:
        if isinstance(evidence, dict) and isinstance(evidence.get("detail"), str):
            return {**evidence, "detail": self._redact(evidence["detail"])}
        return evidence

    def _identify(self, row: dict[str, Any], line: bytes, number: int) -> None:
        if row.get("invocation_id") is None:
            text = line.decode("utf-8", "replace")
            place = hashed_id("import", "line", self._first or "", str(number), text)
            row["id"], row["invocation_id"] = place, hashed_id("import", "use", str(place))
        else:
            row["id"] = _id_of_line(line)
        row["session_id"] = clean_name(row.get("session_id")) or "import"
        if row.get("invoked_at") is None:
            row["invoked_at"] = row.get("timestamp") or self._written_at
        row["occurred_at"] = row.get("ended_at") or row["invoked_at"]


def _id_of_line(line: bytes) -> str:
    """A UUIDv8 of the line, as `hashed_id` makes one, but for a million lines at a time."""
    digits = sha256(b"session-buddy import\0" + line).hexdigest()
    return f"{digits[:12]}8{digits[13:16]}{'89ab'[int(digits[16], 16) & 3]}{digits[17:32]}"


def _judge(row: dict[str, Any]) -> None:
    """The legacy form says only whether the skill completed, and somebody said so."""
    completed = row.get("completed")
    if row.get("outcome") is None and isinstance(completed, bool):
        row["outcome"] = "completed" if completed else "failed"
    if row.get("outcome") is not None and row.get("outcome_source") is None:
        row["outcome_source"] = "reported"


def _rating(rating: object, event: SkillEvent) -> list[str]:
    if isinstance(rating, bool) or not isinstance(rating, int) or not 1 <= rating <= 5:
        return []
    return [to_line(rating_with(event, hashed_id("import", "rated", str(event.id)), rating))]
