"""What an agent or a person says of a use, as events for the journal."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from session_buddy.models.events import Evidence, SkillEvent, rating_with
from session_buddy.models.ids import hashed_id
from session_buddy.models.protocols import QueryKeeper, Redactor
from session_buddy.models.values import Caller
from session_buddy.models.vocabulary import AUTHORITY_REPORTED, Outcome
from session_buddy.services.reports import InvocationReport


class ReportEvents:
    """Makes the events of reports; what is secret or not to be kept is gone from them."""

    def __init__(self, redact: Redactor, keep_query: QueryKeeper) -> None:
        self._redact = redact
        self._keep_query = keep_query

    def reported(
        self,
        report: InvocationReport,
        caller: Caller,
        session_id: str,
        outcome: Outcome | None,
        event_id: UUID,
        invocation_id: UUID,
        now: datetime,
    ) -> SkillEvent:
        """What the report says of the invocation that it speaks of."""
        text, digest, length = self._keep_query(report.query) if report.query else (None, None, None)
        by_run = caller.source if of_run(caller) else None
        return SkillEvent(
            kind="reported",
            id=event_id,
            invocation_id=invocation_id,
            skill_name=report.skill_name,
            session_id=session_id,
            source=caller.source,
            authority=AUTHORITY_REPORTED,
            agent=caller.agent,
            project=report.project or caller.project,
            occurred_at=now,
            invoked_at=report.invoked_at,
            duration_seconds=report.duration_seconds,
            outcome=outcome,
            outcome_source="reported" if outcome else None,
            evidence=(Evidence(kind="agent_report", detail=by_run),) if outcome else None,
            error_type=self._redacted(report.error_type),
            workflow_phase=report.workflow_phase,
            workflow_step=self._redacted(report.workflow_step),
            note=self._redacted(report.note),
            query_text=text,
            query_hash=digest,
            query_length=length,
        )

    def rating(self, report: InvocationReport, event: SkillEvent, key: str) -> Sequence[SkillEvent]:
        """The rating that came with it, if one did."""
        if report.rating is None:
            return ()
        return [rating_with(event, hashed_id("request", key, "rated"), report.rating)]

    def _redacted(self, text: str | None) -> str | None:
        return self._redact(text) if text else text


def of_run(caller: Caller) -> bool:
    """Whether it is a run of a gate or stage that tells of a use."""
    return caller.source in ("gate", "ci")
