"""Openings and closings of spans as events for the journal."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from session_buddy.ingest.observations import Change, Closing, Opening, Use
from session_buddy.ingest.outcomes import infer_outcome
from session_buddy.ingest.phases import phase_of
from session_buddy.models.events import SkillEvent
from session_buddy.models.ids import (
    hashed_id,
    hashed_id_at,
    invocation_id_of_prompt,
    invocation_id_of_tool_use,
)
from session_buddy.models.vocabulary import Source

_PROMPT: Final = "prompt:"


@dataclass(frozen=True, slots=True)
class Witness:
    """Who tells of the spans of one session, and with what authority."""

    source: Source
    authority: int
    session_id: str
    project: str | None = None
    user_id: str | None = None
    agent: str = "claude-code"


def invocation_of(use_key: str) -> UUID:
    """The invocation of a use: by its `tool_use` id, or by the prompt in which the user typed `/skill`."""
    if use_key.startswith(_PROMPT):
        return invocation_id_of_prompt(use_key.removeprefix(_PROMPT))
    return invocation_id_of_tool_use(use_key)


def event_of(change: Change, witness: Witness, description: str = "") -> SkillEvent:
    """The event of one change; the same record gives the same event id whenever and wherever it is read.

    description: what the catalogue says of the skill, for its workflow phase.
    """
    if isinstance(change, Opening):
        return _started(change, witness, description)
    return _ended(change, witness, description)


def _started(opening: Opening, witness: Witness, description: str) -> SkillEvent:
    use = opening.use
    return SkillEvent(
        id=_id(witness, opening.at, use.key, "started", witness.source),
        kind="started",
        occurred_at=opening.at,
        invocation_id=invocation_of(use.key),
        skill_name=use.skill_name,
        session_id=witness.session_id,
        source=witness.source,
        authority=witness.authority,
        agent=witness.agent,
        thread=opening.thread,
        origin=use.origin,
        project=witness.project,
        user_id=witness.user_id,
        parent_invocation_id=_parent(opening.parent),
        invoked_at=opening.at,
        workflow_phase=phase_of(use.skill_name, description),
        query_text=use.query.text if use.query else None,
        query_hash=use.query.digest if use.query else None,
        query_length=use.query.length if use.query else None,
    )


def _ended(closing: Closing, witness: Witness, description: str) -> SkillEvent:
    use: Use = closing.use
    verdict = infer_outcome(closing.facts)
    return SkillEvent(
        id=_id(witness, closing.invoked_at, use.key, "ended", witness.source, closing.key),
        kind="ended",
        occurred_at=closing.stated_at,
        invocation_id=invocation_of(use.key),
        skill_name=use.skill_name,
        session_id=witness.session_id,
        source=witness.source,
        authority=witness.authority,
        agent=witness.agent,
        thread=closing.thread,
        origin=use.origin,
        project=witness.project,
        user_id=witness.user_id,
        parent_invocation_id=_parent(closing.parent),
        invoked_at=closing.invoked_at,
        ended_at=closing.ended_at,
        duration_seconds=closing.active_seconds,
        outcome=verdict.outcome,
        outcome_source="inferred",
        evidence=verdict.evidence,
        error_type=verdict.error_type,
        tool_call_count=closing.facts.tool_calls,
        tool_error_count=closing.facts.tool_errors,
        workflow_phase=phase_of(use.skill_name, description),
    )


def _id(witness: Witness, invoked_at: datetime, *parts: str) -> UUID:
    """Begins with the time where a record says it; two hooks of one call would have two times."""
    if witness.source == "transcript":
        return hashed_id_at(invoked_at, "claude-code", *parts)
    return hashed_id("claude-code", *parts)


def _parent(use_key: str | None) -> UUID | None:
    return invocation_of(use_key) if use_key else None
