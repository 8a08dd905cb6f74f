"""What a command-line client may ask of the leader, by name, with arguments and answers in JSON.

The leader calls this for connections of role `client`; a command that finds no leader calls it in its
own process. Answers are the values of `session_buddy.models.answers` in their JSON form.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import Field, StringConstraints, ValidationError, model_validator
from pydantic_core import to_jsonable_python

from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.events import Frozen, Timestamp
from session_buddy.models.problems import problems_of, shown
from session_buddy.models.values import Caller, Dimensions, ForgetRequest, Window
from session_buddy.models.vocabulary import WorkflowPhase
from session_buddy.serve.experiment_calls import experiment_calls
from session_buddy.serve.finding_calls import finding_calls
from session_buddy.serve.run_calls import run_calls
from session_buddy.services import Services
from session_buddy.services.recommending import Asked

Emit = Callable[[dict[str, Any]], None]
"""Sends `{"progress": {...}}` or `{"lines": "..."}` ahead of the result; returns when it is taken."""

_CALLER = Caller(connection_id="command-line", source="cli")
_LINES = 1000  # exported in one message: a megabyte or so
_ABBREVIATIONS_AMONG = 1000  # latest sessions among which the beginning of an id may name one

_Given = TypeVar("_Given", bound=Frozen)
_Text = Annotated[str, StringConstraints(min_length=1)]
_Limit = Annotated[int, Field(ge=1, le=1000)]


class Nothing(Frozen):
    """No arguments."""


class MetricsArguments(Frozen):
    """One skill or the most used, in a window."""

    skill_name: _Text | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    limit: _Limit = 20
    only: Dimensions | None = None


class RealTimeArguments(Frozen):
    """The last hours."""

    limit: _Limit = 10
    time_window_hours: float = 1.0


class SessionArguments(Frozen):
    """A session by its id or the beginning of it; none: the one active last."""

    session_id: _Text | None = None


class SessionsArguments(Frozen):
    """The sessions active last."""

    limit: _Limit = 20


class SkillArguments(Frozen):
    """A skill."""

    skill_name: _Text


class SuggestArguments(Frozen):
    """The situation in which the next skill is asked for."""

    session_id: _Text | None = None
    project: _Text | None = None
    workflow_phase: WorkflowPhase | None = None
    query: _Text | None = None
    recent_skills: list[_Text] | None = None
    limit: _Limit = 5
    strategy: _Text | None = None


class ExportArguments(Frozen):
    """A window."""

    since: Timestamp | None = None
    until: Timestamp | None = None


class PreviewArguments(Frozen):
    """What somebody thinks of forgetting: a name that may be a session's or a skill's, or a time."""

    target: _Text | None = None
    before: Timestamp | None = None


class FoldArguments(Frozen):
    """Of `fold`. seconds: how long it may take; what is left is told."""

    seconds: float = Field(default=60.0, gt=0, le=600)


class ForgetArguments(Frozen):
    """What to forget: exactly one is given."""

    session_id: _Text | None = None
    skill_name: _Text | None = None
    before: Timestamp | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "ForgetArguments":
        if [self.session_id, self.skill_name, self.before].count(None) != 2:
            raise ValueError("give exactly one of session_id, skill_name and before.")
        return self


@dataclass(frozen=True, slots=True)
class ForgetPreview:
    """What a `forget` would delete. scope: `session`, `skill` or `before`."""

    scope: str
    value: str
    invocation_count: int
    first_at: datetime | None
    last_at: datetime | None


class Control:
    """The calls, over the services of one store. Every call blocks; none belongs on an event loop."""

    def __init__(self, services: Services) -> None:
        self._reporter = services.reporter
        self._keeper = services.keeper
        self._services = services  # the others are made when a call needs them: most commands need none
        self._calls: dict[str, Callable[[Mapping[str, Any], Emit], Any]] = {
            "status": self._status,
            "skill_metrics": self._skill_metrics,
            "real_time_metrics": self._real_time_metrics,
            "session_analytics": self._session_analytics,
            "sessions": self._sessions,
            "describe_skill": self._describe_skill,
            "suggest": self._suggest,
            "export": self._export,
            "preview_forget": self._preview_forget,
            "forget": self._forget,
            "catalogue": self._catalogue,
            "fold": self._fold,
            "rebuild": self._rebuild,
            "migrations": self._migrations,
            **finding_calls(services),
            **run_calls(services),
            **experiment_calls(services),
        }

    def call(self, name: str, arguments: Mapping[str, Any], emit: Emit) -> Any:
        """Answer one call with a value that JSON can hold.

        Raises:
            InvalidInput: there is no such call, or an argument cannot be used.
            SessionBuddyError: whatever else the services raise.
        """
        method = self._calls.get(name)
        if method is None:
            raise InvalidInput(f"The leader has no call {shown(name)}; it may be older than the command.")
        return to_jsonable_python(method(arguments, emit))

    def _status(self, arguments: Mapping[str, Any], _emit: Emit) -> Any:
        _given(Nothing, arguments)
        return self._keeper.status()

    def _skill_metrics(self, arguments: Mapping[str, Any], _emit: Emit) -> Any:
        return self._reporter.skill_metrics(**dict(_given(MetricsArguments, arguments)))

    def _real_time_metrics(self, arguments: Mapping[str, Any], _emit: Emit) -> Any:
        given = _given(RealTimeArguments, arguments)
        return self._reporter.real_time_metrics(given.limit, given.time_window_hours)

    def _session_analytics(self, arguments: Mapping[str, Any], _emit: Emit) -> Any:
        session = _given(SessionArguments, arguments).session_id
        try:
            return self._reporter.session_analytics(session, _CALLER)
        except NotFound:
            full = None if session is None else self._abbreviated(session)
            if full is None:
                raise
            return self._reporter.session_analytics(full, _CALLER)

    def _abbreviated(self, beginning: str) -> str | None:
        """The one session whose id begins so; None if there is none, `InvalidInput` if there are several."""
        summaries = self._reporter.sessions(_ABBREVIATIONS_AMONG)
        found = [summary.session_id for summary in summaries if summary.session_id.startswith(beginning)]
        if len(found) > 1:
            raise InvalidInput(f"{len(found)} sessions begin with {shown(beginning)}; give more of the id.")
        return found[0] if found else None

    def _sessions(self, arguments: Mapping[str, Any], _emit: Emit) -> Any:
        return list(self._reporter.sessions(_given(SessionsArguments, arguments).limit))

    def _describe_skill(self, arguments: Mapping[str, Any], _emit: Emit) -> Any:
        return self._reporter.describe_skill(_given(SkillArguments, arguments).skill_name)

    def _suggest(self, arguments: Mapping[str, Any], _emit: Emit) -> Any:
        """Suggestions that nobody but a person sees: what they make of them is not followed."""
        given = _given(SuggestArguments, arguments)
        asked = Asked(
            session_id=given.session_id,
            workflow_phase=given.workflow_phase,
            query=given.query,
            recent_skills=given.recent_skills,
            limit=given.limit,
            strategy=given.strategy,
            remember=False,
        )
        if self._services.cataloguer.look(given.project):
            self._keeper.fold_now()
        caller = replace(_CALLER, project=given.project)
        return self._services.recommender.suggest(asked, caller)

    def _export(self, arguments: Mapping[str, Any], emit: Emit) -> Any:
        """Emits invocations as lines of JSON, many lines at a time, so that no side holds them all."""
        given = _given(ExportArguments, arguments)
        exported = 0
        for rows in self._keeper.export(Window(given.since, given.until)):
            for start in range(0, len(rows), _LINES):
                part = rows[start : start + _LINES]
                emit({"lines": "".join(f"{row.model_dump_json()}\n" for row in part)})
            exported += len(rows)
        return {"exported": exported}

    def _preview_forget(self, arguments: Mapping[str, Any], _emit: Emit) -> Any:
        """A list: the session and the skill that the name fits, or the one entry of a time."""
        given = _given(PreviewArguments, arguments)
        if given.before is not None:
            return [self._preview_before(given.before)]
        if given.target is None:
            raise InvalidInput("Name a session, a skill or a time before which to forget.")
        found = [self._preview_session(given.target), self._preview_skill(given.target)]
        known = [preview for preview in found if preview is not None]
        if not known:
            meant = self._reporter.meant(given.target)
            raise NotFound(f"Neither a session nor a skill {shown(given.target)} is in the record. {meant}")
        return known

    def _preview_session(self, target: str) -> ForgetPreview | None:
        try:
            session = self._reporter.session_analytics(self._abbreviated(target) or target, _CALLER)
        except NotFound:
            return None
        times = [use.invoked_at for use in session.invocations]
        return ForgetPreview(
            scope="session",
            value=session.session_id,
            invocation_count=session.invocation_count,
            first_at=min(times, default=session.started_at),
            last_at=max(times, default=session.ended_at),
        )

    def _preview_skill(self, target: str) -> ForgetPreview | None:
        try:
            skills = self._reporter.skill_metrics(target).skills
        except NotFound:
            return None
        if not skills:
            return None
        metrics = skills[0]
        return ForgetPreview(
            scope="skill",
            value=target,
            invocation_count=metrics.invocation_count,
            first_at=metrics.first_invoked_at,
            last_at=metrics.last_invoked_at,
        )

    def _preview_before(self, before: datetime) -> ForgetPreview:
        skills = self._reporter.skill_metrics(None, None, before, 1000).skills
        first = [skill.first_invoked_at for skill in skills if skill.first_invoked_at]
        last = [skill.last_invoked_at for skill in skills if skill.last_invoked_at]
        return ForgetPreview(
            scope="before",
            value=before.isoformat(),
            invocation_count=sum(skill.invocation_count for skill in skills),
            first_at=min(first, default=None),
            last_at=max(last, default=None),
        )

    def _forget(self, arguments: Mapping[str, Any], _emit: Emit) -> Any:
        given = _given(ForgetArguments, arguments)
        request = ForgetRequest(given.session_id, given.skill_name, given.before)
        return {"forgotten_invocations": self._keeper.forget(request)}

    def _catalogue(self, arguments: Mapping[str, Any], _emit: Emit) -> Any:
        """Look which skills are installed for the user."""
        _given(Nothing, arguments)
        return {"changed": self._services.cataloguer.look()}

    def _fold(self, arguments: Mapping[str, Any], _emit: Emit) -> Any:
        given = _given(FoldArguments, arguments)
        return {"done": self._keeper.fold_now(given.seconds)}

    def _rebuild(self, arguments: Mapping[str, Any], emit: Emit) -> Any:
        _given(Nothing, arguments)
        return self._keeper.rebuild(lambda report: emit({"progress": dict(report)}))

    def _migrations(self, arguments: Mapping[str, Any], _emit: Emit) -> Any:
        _given(Nothing, arguments)
        return list(self._keeper.migrations())


def _given(model: type[_Given], arguments: Mapping[str, Any]) -> _Given:
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise InvalidInput(problems_of(error)) from error
