"""Events for tests of what stores, merges and answers."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from session_buddy.models.events import (
    SKILL_NAME_LIMIT,
    CatalogueEvent,
    Evidence,
    ForgottenEvent,
    SessionEvent,
    SkillEvent,
)
from session_buddy.models.ids import hashed_id
from session_buddy.models.vocabulary import (
    AUTHORITY_HOOK,
    AUTHORITY_REPORTED,
    AUTHORITY_TRANSCRIPT,
    WORKFLOW_PHASES,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """A moment that many seconds after the tests' beginning of time."""
    return START + timedelta(seconds=seconds)


def invocation_id(name: str) -> UUID:
    """The id of a use, by a name of the test's own."""
    return hashed_id("test", "invocation", name)


def skill_event(use: str = "use", kind: str = "recorded", seconds: float = 0, **fields: Any) -> SkillEvent:
    """One event of the use that the test calls `use`; its id comes from everything that is given."""
    values: dict[str, Any] = {
        "id": hashed_id("test", "event", use, kind, str(seconds), repr(sorted(fields.items(), key=str))),
        "occurred_at": at(seconds),
        "kind": kind,
        "invocation_id": invocation_id(use),
        "skill_name": "review",
        "session_id": "morning",
        "source": "mcp" if kind in ("reported", "rated") else "hook",
        "authority": AUTHORITY_REPORTED if kind in ("reported", "rated") else AUTHORITY_HOOK,
    }
    return SkillEvent(**values | fields)


def recorded(use: str, seconds: float = 0, **fields: Any) -> SkillEvent:
    """A whole use at once: completed in 60 seconds unless told otherwise."""
    whole: dict[str, Any] = {
        "invoked_at": at(seconds),
        "ended_at": at(seconds + 60),
        "duration_seconds": 60.0,
        "outcome": "completed",
        "outcome_source": "inferred",
        "source": "transcript",
        "authority": AUTHORITY_TRANSCRIPT,
    }
    return skill_event(use, "recorded", seconds, **whole | fields)


def session_event(kind: str, session_id: str, seconds: float, **fields: Any) -> SessionEvent:
    """A session began or ended."""
    key = hashed_id("test", kind, session_id, str(seconds))
    return SessionEvent(id=key, occurred_at=at(seconds), kind=kind, session_id=session_id, **fields)


def installed(skill_name: str, seconds: float = 0, **fields: Any) -> CatalogueEvent:
    """A skill is installed for the user unless told otherwise."""
    key = hashed_id("test", "installed", skill_name, str(seconds), repr(sorted(fields.items())))
    values = {"scope": "user", "description": f"does {skill_name}"} | fields
    return CatalogueEvent(
        id=key, occurred_at=at(seconds), kind="skill_installed", skill_name=skill_name, **values
    )


def forgotten(scope: str, value: str, before: float, seconds: float = 0) -> ForgottenEvent:
    """A request to forget; value is a keyed hash."""
    key = hashed_id("test", "forgotten", scope, value, str(before))
    return ForgottenEvent(
        id=key, occurred_at=at(seconds), kind="forgotten", scope=scope, value=value, before=at(before)
    )


def names() -> st.SearchStrategy[str]:
    """Names of skills and sessions: any text without control characters."""
    printable = st.characters(exclude_categories=["Cs", "Cc"])
    return st.text(printable, min_size=1, max_size=SKILL_NAME_LIMIT)


_MOMENTS = st.integers(0, 40).map(at)
_DURATIONS = st.sampled_from([0.0, 0.0004, 0.001, 0.5, 1.0, 59.999999, 60.0, 3600.25, 8e9])
_EVIDENCE = st.lists(
    st.builds(Evidence, kind=st.sampled_from(["turn_ended", "tool_errors"]), count=st.integers(0, 3)),
    max_size=2,
).map(tuple)


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


@st.composite
def skill_events(draw: st.DrawFn, skills: st.SearchStrategy[str] | None = None) -> SkillEvent:
    """Any event of a few uses, skills and sessions, so that events of one use meet and contradict."""
    skills = skills or st.sampled_from(["review", "test", "plugin:deploy"])
    kind = draw(st.sampled_from(["started", "ended", "recorded", "reported", "rated", "superseded"]))
    if kind == "superseded" and draw(st.integers(0, 3)):
        kind = "reported"
    outcome = draw(_maybe(st.sampled_from(["completed", "failed", "abandoned"])))
    return SkillEvent(
        id=UUID(int=draw(st.integers(0, 2**128 - 1))),
        occurred_at=draw(_MOMENTS),
        kind=kind,
        invocation_id=invocation_id(draw(st.sampled_from("abcde"))),
        skill_name=draw(skills),
        session_id=draw(st.sampled_from(["morning", "evening"])),
        source=draw(st.sampled_from(["hook", "transcript", "mcp"])),
        authority=draw(st.sampled_from([AUTHORITY_HOOK, AUTHORITY_TRANSCRIPT, AUTHORITY_REPORTED])),
        agent=draw(st.sampled_from(["claude-code", "codex"])),
        thread=draw(st.sampled_from(["main", "agent-1"])),
        origin=draw(st.sampled_from(["agent", "user"])),
        project=draw(_maybe(st.sampled_from(["/a", "/b"]))),
        user_id=draw(_maybe(st.sampled_from(["u1", "u2"]))),
        parent_invocation_id=draw(_maybe(st.just(invocation_id("parent")))),
        invoked_at=draw(_maybe(_MOMENTS)),
        ended_at=draw(_maybe(_MOMENTS)),
        duration_seconds=draw(_maybe(_DURATIONS)),
        outcome=outcome,
        outcome_source=draw(_maybe(st.sampled_from(["reported", "inferred"]))) if outcome else None,
        evidence=draw(_maybe(_EVIDENCE)),
        error_type=draw(_maybe(st.sampled_from(["Timeout", "Unknown skill"]))),
        tool_call_count=draw(_maybe(st.integers(0, 9))),
        tool_error_count=draw(_maybe(st.integers(0, 9))),
        rating=draw(_maybe(st.integers(1, 5))) if kind in ("rated", "reported") else None,
        note=draw(_maybe(st.sampled_from(["good", "a 'quoted'\nline\twith \\ and \u20ac"]))),
        workflow_phase=draw(_maybe(st.sampled_from(WORKFLOW_PHASES))),
        workflow_step=draw(_maybe(st.just("step"))),
        query_text=draw(_maybe(st.just("why?"))),
        query_hash=draw(_maybe(st.just("0f"))),
        query_length=draw(_maybe(st.integers(0, 9))),
    )


def session_events() -> st.SearchStrategy[SessionEvent]:
    """Any beginning or end of the same sessions."""
    return st.builds(
        SessionEvent,
        id=st.uuids(),
        occurred_at=_MOMENTS,
        kind=st.sampled_from(["session_started", "session_ended"]),
        session_id=st.sampled_from(["morning", "evening"]),
        agent=st.sampled_from(["claude-code", "codex"]),
        project=_maybe(st.sampled_from(["/a", "/b"])),
        user_id=_maybe(st.sampled_from(["u1", "u2"])),
        reason=_maybe(st.sampled_from(["clear", "exit"])),
    )
