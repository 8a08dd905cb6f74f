"""What the `mcp_tool` hooks of an install hand over: payloads of hooks, cut to what is needed.

`calls` is a list of them, told apart by `hook_event_name` (see `agents.claude_hooks`); hooks that people
wrote by hand may pass the bare `tool_calls` instead. A payload of a newer install's hook that is not
known here changes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from session_buddy.ingest.live_spans import LiveSpans
from session_buddy.ingest.names import clean_name, clean_text
from session_buddy.ingest.observations import SlashCommand, Use
from session_buddy.ingest.span_events import Witness, event_of
from session_buddy.models.events import JournalEvent, TranscriptReady
from session_buddy.models.ids import time_ordered_id
from session_buddy.models.vocabulary import AUTHORITY_HOOK

_MAIN = "main"


class HookPayloads(LiveSpans):
    """Follows the sessions that are running now, by what their hooks say. Not thread-safe."""

    def feed(
        self, session_id: str, calls: object, at: datetime, thread: str = _MAIN
    ) -> tuple[int, Sequence[JournalEvent]]:
        """(skills used, events they give); `thread` is for bare calls, payloads name their own.

        Raises:
            InvalidInput: `calls` is neither a list of payloads nor one of tool calls.
        """
        payloads = _payloads(calls)
        if not payloads:
            return super().feed(session_id, calls, at, thread)
        uses = 0
        events: list[JournalEvent] = []
        for payload in payloads:
            count, found = self._taken(session_id, payload, at)
            uses += count
            events += found
        return uses, events

    def _taken(
        self, session_id: str, payload: Mapping[str, Any], at: datetime
    ) -> tuple[int, Sequence[JournalEvent]]:
        match payload["hook_event_name"]:
            case "PostToolBatch":
                thread = clean_name(payload.get("agent_id")) or _MAIN
                return super().feed(session_id, payload.get("tool_calls"), at, thread)
            case "UserPromptExpansion":
                return self._typed(session_id, payload, at)
            case "UserPromptSubmit":
                return 0, self._grown(session_id, payload, at)
            case _:
                return 0, ()

    def _typed(
        self, session_id: str, payload: Mapping[str, Any], at: datetime
    ) -> tuple[int, Sequence[JournalEvent]]:
        """The user typed `/skill`: what the transcript will tell a moment later, under the same key."""
        session, prompt = clean_name(session_id), payload.get("prompt_id")
        skill = clean_name(payload.get("command_name"))
        if session is None or skill is None or not isinstance(prompt, str) or not prompt:
            return 0, ()
        use = Use(f"prompt:{prompt}", skill, "user")
        witness = Witness("hook", AUTHORITY_HOOK, session, None, self._user_id)
        changes = self._tracker(session).observe(SlashCommand(at, _MAIN, f"hook {use.key}", use))
        events = [
            event_of(change, witness, self._descriptions.get(change.use.skill_name, "")) for change in changes
        ]
        return 1, events

    def _grown(self, session_id: str, payload: Mapping[str, Any], at: datetime) -> Sequence[JournalEvent]:
        """A prompt: what came before it, an interruption above all, stands in the transcript by now.

        It closes no span here, because a background task's notification looks the same to a hook.
        """
        session, path = clean_name(session_id), clean_text(payload.get("transcript_path"), 10_000)
        if session is None or path is None:
            return ()
        return [
            TranscriptReady(
                kind="transcript_ready",
                id=time_ordered_id(),
                occurred_at=at,
                session_id=session,
                transcript_path=path,
                hook="UserPromptSubmit",
            )
        ]


def _payloads(calls: object) -> Sequence[Mapping[str, Any]]:
    """The payloads among `calls`; none if it holds none, as a list of bare tool calls does."""
    if isinstance(calls, str | bytes):
        try:
            calls = json.loads(calls)
        except (ValueError, RecursionError):
            return ()  # said by who reads it as tool calls
    if not isinstance(calls, list):
        return ()
    return [call for call in calls if isinstance(call, dict) and isinstance(call.get("hook_event_name"), str)]
