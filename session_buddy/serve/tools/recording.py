"""Tools that add to the record."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from session_buddy.models.answers import Ingested, Rated, Recorded
from session_buddy.models.events import Name, ShortText, Timestamp
from session_buddy.models.fields import ReportedSeconds
from session_buddy.models.vocabulary import Outcome, WorkflowPhase
from session_buddy.serve.service_tool import Call
from session_buddy.services.reports import InvocationReport

Rating = Annotated[int, Field(ge=1, le=5)]
Query = Annotated[str, StringConstraints(max_length=100_000)]
RequestKey = Annotated[Name | None, Field(description="same key on a retry: recorded once")]


def record_skill_invocation(  # noqa: PLR0913 - what can be said of a use
    call: Call,
    *,
    skill_name: Annotated[Name, Field(description="as it was called; keep the 'plugin:' part")],
    completed: Annotated[bool | None, Field(description="did it do what it was for? Or give outcome")] = None,
    outcome: Outcome | None = None,
    duration_seconds: Annotated[ReportedSeconds | None, Field(description="active time")] = None,
    error_type: Annotated[ShortText | None, Field(description="kind of failure, e.g. timeout")] = None,
    workflow_phase: WorkflowPhase | None = None,
    workflow_step: ShortText | None = None,
    query: Annotated[Query | None, Field(description="the request it served; kept as a hash")] = None,
    note: ShortText | None = None,
    rating: Rating | None = None,
    session_id: Annotated[Name | None, Field(description="default: this session")] = None,
    project: Annotated[ShortText | None, Field(description="default: this folder")] = None,
    invoked_at: Annotated[Timestamp | None, Field(description="default: as observed, else now")] = None,
    invocation_id: Annotated[UUID | None, Field(description="the use that this is about")] = None,
    request_key: RequestKey = None,
) -> Recorded:
    """Say how a use of a skill went.

    Hooks record uses by themselves and infer the outcome; call this when you know better, or where no hooks
    run. It attaches to the observed use in this session, else adds one. Durable when it returns.
    """
    report = InvocationReport(
        skill_name=skill_name,
        completed=completed,
        outcome=outcome,
        duration_seconds=duration_seconds,
        error_type=error_type,
        workflow_phase=workflow_phase,
        workflow_step=workflow_step,
        query=query,
        note=note,
        rating=rating,
        session_id=session_id,
        project=project,
        invoked_at=invoked_at,
        invocation_id=invocation_id,
        request_key=request_key or call.request_key,
    )
    return call.services.recorder.record_invocation(report, call.caller)


def rate_skill(
    call: Call,
    *,
    rating: Annotated[Rating, Field(description="1 useless, 5 did exactly what was wanted")],
    skill_name: Annotated[
        Name | None, Field(description="rates its newest use, this session's first")
    ] = None,
    invocation_id: Annotated[UUID | None, Field(description="rates this use instead")] = None,
    comment: ShortText | None = None,
    request_key: RequestKey = None,
) -> Rated:
    """Record the user's satisfaction with a use of a skill. Give skill_name or invocation_id."""
    return call.services.recorder.rate(
        rating=rating,
        caller=call.caller,
        skill_name=skill_name,
        invocation_id=invocation_id,
        comment=comment,
        request_key=request_key or call.request_key,
    )


def ingest_tool_calls(
    call: Call,
    *,
    session: Annotated[str, Field(description="session id of the hook")],
    calls: Annotated[str | list[dict[str, Any]], Field(description="the hook's tool_calls")],
) -> Ingested:
    """For hooks only; do not call this. Takes the tool calls that an agent's hook hands over."""
    return call.services.recorder.ingest_tool_calls(session, calls, call.caller)
