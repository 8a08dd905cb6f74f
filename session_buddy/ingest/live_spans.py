"""The tool calls that a `PostToolBatch` hook hands over while a session runs, as events.

What a hook says is what the model sees: texts, without times and without a flag for errors. So a failed
call is known by how its text begins, and the transcript, which has the flag, overrules it (authority 10
against 20). A call that a hook repeats changes nothing.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from session_buddy.errors import InvalidInput
from session_buddy.ingest.fields import MAIN, error_class, skill_named, text_of
from session_buddy.ingest.names import clean_name
from session_buddy.ingest.observations import Answered, Observation, Query, SkillCalled, Use
from session_buddy.ingest.records import tool_called
from session_buddy.ingest.span_events import Witness, event_of
from session_buddy.ingest.spans import SpanTracker
from session_buddy.models.events import JournalEvent
from session_buddy.models.protocols import QueryKeeper
from session_buddy.models.vocabulary import AUTHORITY_HOOK

BATCH_LIMIT: Final = 1_000
EXPECTED: Final = (
    "calls must be the hook's tool_calls: a JSON list of objects with tool_name, tool_input, tool_use_id and "
    "tool_response, as the hook of `session-buddy install claude` passes it on with '${tool_calls}'"
)
_FAILED: Final = (
    "<tool_use_error>",
    "Exit code ",
    "The user doesn't want to proceed",
    "[Request interrupted by user",
    "Claude requested permissions",
    "Permission to use ",
)
"""How the text of a failed call begins; a command that prints the same is told apart by the transcript."""


class LiveSpans:
    """Follows the sessions that are running now. Not thread-safe."""

    def __init__(
        self,
        keep_query: QueryKeeper,
        user_id: str | None = None,
        descriptions: Mapping[str, str] | None = None,
    ) -> None:
        """keep_query: decides what is kept of a skill's arguments. descriptions: of installed skills."""
        self._keep_query = keep_query
        self._user_id = user_id
        self._descriptions = descriptions or {}
        self._sessions: OrderedDict[str, SpanTracker] = OrderedDict()

    def feed(
        self, session_id: str, calls: object, at: datetime, thread: str = MAIN
    ) -> tuple[int, Sequence[JournalEvent]]:
        """(skill calls among them, events they give).

        calls: a JSON text or a list. at: now. thread: the subagent's id if the batch is a subagent's.

        Raises:
            InvalidInput: `calls` is no list of calls, or `session_id` is no name.
        """
        named = clean_name(session_id)
        if named is None:
            raise InvalidInput("session must be the hook's session_id, a text that is not empty.")
        batch = _batch(calls)
        tracker = self._tracker(named)
        witness = Witness("hook", AUTHORITY_HOOK, named, None, self._user_id)
        events: list[JournalEvent] = []
        skills = 0
        for called, answered in [self._observed(call, at, clean_name(thread) or MAIN) for call in batch]:
            skills += isinstance(called, SkillCalled)
            for observation in (called, answered):
                for change in tracker.observe(observation):
                    description = self._descriptions.get(change.use.skill_name, "")
                    events.append(event_of(change, witness, description))
        return skills, events

    def _tracker(self, session_id: str) -> SpanTracker:
        tracker = self._sessions.pop(session_id, None) or SpanTracker()
        self._sessions[session_id] = tracker
        while len(self._sessions) > 256:
            self._sessions.popitem(last=False)
        return tracker

    def _observed(
        self, call: Mapping[str, Any], at: datetime, thread: str
    ) -> tuple[Observation, Observation]:
        use_id, name, given = call["tool_use_id"], call["tool_name"], call.get("tool_input")
        given = given if isinstance(given, dict) else {}
        key = f"hook {use_id}"
        skill_name = skill_named(given) if name == "Skill" else None
        called: Observation
        if skill_name is None:
            called = tool_called((at, thread, key), use_id, name, given)
        else:
            words = given.get("args")
            query = Query(*self._keep_query(words)) if isinstance(words, str) and words.strip() else None
            called = SkillCalled(at, thread, key, Use(use_id, skill_name, "agent", query))
        text = text_of(call.get("tool_response"))
        error = error_class(text) if text.lstrip().startswith(_FAILED) else None
        return called, Answered(at, thread, key, use_id, error, text)


def _batch(calls: object) -> Sequence[Mapping[str, Any]]:
    """The calls that have a name and an id; `InvalidInput` if it is no list of calls at all."""
    if isinstance(calls, str | bytes):
        try:
            calls = json.loads(calls)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{EXPECTED}; this is no JSON.") from error
    if isinstance(calls, dict):
        calls = [calls]
    if not isinstance(calls, list | tuple):
        raise InvalidInput(f"{EXPECTED}; this is {_described(calls)}.")
    if len(calls) > BATCH_LIMIT:
        raise InvalidInput(f"{EXPECTED}; this list has {len(calls)} calls, more than {BATCH_LIMIT}.")
    good = [call for call in calls if _is_call(call)]
    if calls and not good:
        raise InvalidInput(f"{EXPECTED}; none of the {len(calls)} given is such an object.")
    return good


def _is_call(call: object) -> bool:
    if not isinstance(call, dict):
        return False
    use_id, name = call.get("tool_use_id"), call.get("tool_name")
    return isinstance(use_id, str) and 0 < len(use_id) <= 500 and isinstance(name, str)


def _described(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
