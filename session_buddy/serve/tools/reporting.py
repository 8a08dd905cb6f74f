"""Tools that answer from the record."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from session_buddy.errors import InvalidInput
from session_buddy.models.answers import MetricsReport, RealTimeMetrics, SessionAnalytics, SkillDescription
from session_buddy.models.events import Name, ShortText, Timestamp
from session_buddy.models.values import Dimensions
from session_buddy.serve.service_tool import Call

Limit = Annotated[int, Field(ge=1, le=200)]
Days = Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=8_784, allow_inf_nan=False)]


def get_skill_metrics(  # noqa: PLR0913 - a window, and the dimensions of the record
    call: Call,
    *,
    skill_name: Annotated[Name | None, Field(description="default: all skills")] = None,
    days: Annotated[Days | None, Field(description="the last days; 0.5 is 12 hours")] = None,
    since: Annotated[Timestamp | None, Field(description="with time zone")] = None,
    until: Annotated[Timestamp | None, Field(description="exclusive")] = None,
    limit: Annotated[Limit, Field(description="skills listed, most used first")] = 20,
    project: ShortText | None = None,
    agent: Name | None = None,
    user_id: Name | None = None,
) -> MetricsReport:
    """How skills went, all time or in a window.

    Uses, outcomes, completion rate with its 95 % interval, active p50 and p95 seconds, errors, phases,
    ratings, and which outcomes were reported or inferred. Ask this before saying that a skill works or
    stopped working.
    """
    only = Dimensions(project, agent, user_id)
    return call.services.reporter.skill_metrics(skill_name, _begin(days, since, until), until, limit, only)


def skill_metrics_at_hand(call: Call, *, skill_name: str | None, **others: object) -> MetricsReport | None:
    """What `get_skill_metrics` answers about all time, if nothing has to be read for that."""
    named = any(value is not None for name, value in others.items() if name != "limit")
    return None if skill_name is None or named else call.services.reporter.metrics_at_hand(skill_name)


def get_session_analytics(
    call: Call,
    *,
    session_id: Annotated[Name | None, Field(description="default: this session")] = None,
    limit: Annotated[Limit, Field(description="latest invocations listed")] = 20,
) -> SessionAnalytics:
    """One session: its skills in order, outcomes with evidence, effectiveness score 0..100, workflow path."""
    return _latest(call.services.reporter.session_analytics(session_id, call.caller), limit)


def get_real_time_metrics(
    call: Call,
    *,
    limit: Limit = 10,
    time_window_hours: Hours = 1.0,
    project: ShortText | None = None,
    agent: Name | None = None,
    user_id: Name | None = None,
) -> RealTimeMetrics:
    """What happens now, in all sessions: the most used skills, unresolved anomalies, active sessions."""
    only = Dimensions(project, agent, user_id)
    return call.services.reporter.real_time_metrics(limit, time_window_hours, only)


def describe_skill(call: Call, *, skill_name: Name) -> SkillDescription:
    """What a skill is for (its SKILL.md), where it is installed, how it did, what comes before and after."""
    return call.services.reporter.describe_skill(skill_name)


def _begin(days: float | None, since: datetime | None, until: datetime | None) -> datetime | None:
    """The beginning of the window, however it was asked for; None is the beginning of the record."""
    if days is None:
        return since
    if since is not None:
        raise InvalidInput("days and since both say where the window begins; give one of them.")
    end = until or datetime.now(UTC)
    return end - min(timedelta(days=days), end - datetime.min.replace(tzinfo=UTC))


def _latest(analytics: SessionAnalytics, limit: int) -> SessionAnalytics:
    """The same with no more than `limit` invocations, so that a long session does not fill a conversation."""
    total = len(analytics.invocations)
    if total <= limit:
        return analytics
    message = f"{analytics.message} Listed are the latest {limit} of {total} invocations.".lstrip()
    return analytics.model_copy(update={"invocations": analytics.invocations[-limit:], "message": message})
