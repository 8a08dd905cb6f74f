"""What an agent said of a skill through our own tools, found again in its transcript.

A report that reached the server before any hook told it of the use stands alone there. The transcript has
both, so it shows which span the report speaks of, by the rule that the server follows (`services.spans`):
the newest span of that skill in the session that is not reported yet and is open, or ended less than ten
minutes before. What stood alone is then superseded by a report on that span. A run of a gate or stage that
names its skill speaks of the newest such span, reported or not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from session_buddy.errors import InvalidInput
from session_buddy.ingest.fields import instant
from session_buddy.ingest.gate_reports import read_gate_report
from session_buddy.ingest.names import clean_name
from session_buddy.ingest.span_events import Witness, invocation_of
from session_buddy.models.events import Evidence, SkillEvent
from session_buddy.models.ids import hashed_id, key_of_skill
from session_buddy.models.vocabulary import AUTHORITY_REPORTED, OUTCOMES, Outcome, Source

MARK: Final = b"__record_"
"""Stands in every line that may matter here, and in few others."""
TOOLS: Final[Mapping[str, Source]] = {
    "record_skill_invocation": "mcp",
    "record_quality_gate": "gate",
    "record_pipeline_stage": "ci",
}
"""Our tools that tell of a use, and as what they do."""
_TOOL: Final = re.compile(rf"mcp__.*session[-_]buddy.*__({'|'.join(TOOLS)})")
_ATTACH_WITHIN: Final = timedelta(minutes=10)


@dataclass(slots=True)
class _Span:
    skill_name: str
    opened_at: datetime
    ended_at: datetime | None = None
    reported: bool = False


@dataclass(frozen=True, slots=True)
class _Call:
    use_key: str
    skill_name: str
    at: datetime
    given: Mapping[str, Any]
    request_key: str | None
    told_as: Source


@dataclass(slots=True)
class OwnReports:
    """The reports of one session's transcript. Not thread-safe."""

    _spans: dict[str, _Span] = field(default_factory=dict)
    _calls: dict[str, _Call] = field(default_factory=dict)

    def opened(self, use_key: str, skill_name: str, at: datetime) -> None:
        """A span opened."""
        self._spans.setdefault(use_key, _Span(skill_name, at))

    def closed(self, use_key: str, at: datetime) -> None:
        """A span closed, or closed again."""
        span = self._spans.get(use_key)
        if span is not None:
            span.ended_at = at

    def awaits(self) -> bool:
        """Whether the answer to a report has not been seen."""
        return bool(self._calls)

    def read(self, record: Mapping[str, Any], witness: Witness) -> Iterator[SkillEvent]:
        """The events that one record gives, in the session that `witness` tells of."""
        message = record.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        at = instant(record.get("timestamp"))
        if at is None or not isinstance(content, list):
            return
        for block in content:
            if not isinstance(block, dict):
                continue
            call_id = block.get("id", block.get("tool_use_id"))
            if not isinstance(call_id, str):
                continue
            if block.get("type") == "tool_use":
                given, name = block.get("input"), block.get("name")
                ours = _TOOL.fullmatch(name) if isinstance(name, str) else None
                if ours is not None and isinstance(given, dict):
                    self.called(ours[1], call_id, given, at, call_id)
            elif block.get("type") == "tool_result":
                yield from self.answered(call_id, witness, failed=block.get("is_error") is True)

    def called(
        self, tool: str, call_id: str, given: Mapping[str, Any], at: datetime, request_key: str | None
    ) -> None:
        """The agent called one of `TOOLS` with the arguments `given`.

        request_key: what the server took as the call's key; None if the client did not tell it the call.
        """
        skill_name = clean_name(given.get("skill_name"))
        if skill_name is None or given.get("invocation_id"):
            return
        told_as = TOOLS[tool]
        use_key = self._attachable(skill_name, at, by_run=told_as != "mcp")
        if use_key is not None:
            stated = given.get("request_key")
            key = stated if isinstance(stated, str) and stated else request_key
            if told_as == "mcp":
                self._spans[use_key].reported = True
            self._calls[call_id] = _Call(use_key, skill_name, at, given, key, told_as)

    def _attachable(self, skill_name: str, at: datetime, *, by_run: bool) -> str | None:
        candidates = [
            (span.opened_at, use_key)
            for use_key, span in self._spans.items()
            if span.skill_name == skill_name
            and (by_run or not span.reported)
            and (span.ended_at is None or at - span.ended_at < _ATTACH_WITHIN)
        ]
        return max(candidates)[1] if candidates else None

    def answered(self, call_id: str, witness: Witness, *, failed: bool) -> Iterator[SkillEvent]:
        """A call was answered: the events of a report that was taken."""
        call = self._calls.pop(call_id, None)
        if call is None:
            return
        if failed:
            if call.told_as == "mcp":
                self._spans[call.use_key].reported = False
            return
        yield _reported(call, call_id, witness)
        if call.request_key is not None:
            yield _superseded(call, call_id, call.request_key, witness)


def _reported(call: _Call, call_id: str, witness: Witness) -> SkillEvent:
    outcome = _outcome(call.given)
    by_run = None if call.told_as == "mcp" else call.told_as
    return SkillEvent(
        id=hashed_id("claude-code", call_id, "reported", witness.source),
        kind="reported",
        occurred_at=call.at,
        invocation_id=invocation_of(call.use_key),
        skill_name=call.skill_name,
        session_id=witness.session_id,
        source=witness.source,
        authority=AUTHORITY_REPORTED,
        agent=witness.agent,
        outcome=outcome,
        outcome_source="reported" if outcome else None,
        evidence=(Evidence(kind="agent_report", detail=by_run),) if outcome else None,
    )


def _superseded(call: _Call, call_id: str, request_key: str, witness: Witness) -> SkillEvent:
    key = request_key if call.told_as == "mcp" else key_of_skill(request_key)
    return SkillEvent(
        id=hashed_id("claude-code", call_id, "superseded"),
        kind="superseded",
        occurred_at=call.at,
        invocation_id=hashed_id("request", key),
        skill_name=call.skill_name,
        session_id=witness.session_id,
        source=witness.source,
        authority=AUTHORITY_REPORTED,
        agent=witness.agent,
    )


def _outcome(given: Mapping[str, Any]) -> Outcome | None:
    """What the call stated: `outcome`, `completed` in its boolean form, or what a gate left behind."""
    stated = given.get("outcome")
    for outcome in OUTCOMES:
        if stated == outcome:
            return outcome
    completed = given.get("completed")
    if isinstance(completed, bool):
        return "completed" if completed else "failed"
    if given.get("failed_checks"):
        return "failed"
    return _outcome_of_report(given.get("report"))


def _outcome_of_report(report: object) -> Outcome | None:
    """As the server read it: the first phase that did not pass decides."""
    if not isinstance(report, str):
        return None
    try:
        outcomes = [reading.outcome for reading in read_gate_report(report)]
    except InvalidInput:
        return None
    return next((outcome for outcome in outcomes if outcome != "completed"), "completed")
