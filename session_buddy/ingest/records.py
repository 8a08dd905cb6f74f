"""Claude Code's transcript records as observations.

A record is one parsed line. What it means was measured on the real client (2.1.197) and on transcripts of
older ones: assistant records hold content blocks (a `tool_use`, text or thinking), user records hold
prompts, tool results, the client's own words, or instructions that it put before the agent (`isMeta`).
Any JSON is taken: what does not look like a record gives nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from session_buddy.ingest.commands import Said, read_saying
from session_buddy.ingest.fields import (
    MAIN,
    error_class,
    in_background,
    instant,
    skill_named,
    text_of,
    thread_of,
    typed_by_user,
)
from session_buddy.ingest.names import clean_name
from session_buddy.ingest.observations import (
    Activity,
    Answered,
    Compacted,
    ForkBegan,
    Interrupted,
    Notified,
    Observation,
    Query,
    SessionEnded,
    SkillBody,
    SkillCalled,
    SlashCommand,
    ToolCalled,
    TurnEnded,
    Use,
    UserPrompted,
)
from session_buddy.models.protocols import QueryKeeper

_ASKING: Final = frozenset({"AskUserQuestion", "ExitPlanMode"})
_SPAWNING: Final = frozenset({"Task", "Agent"})
_KINDS: Final = frozenset({"user", "assistant", "system"})
_TURN_ENDS: Final = frozenset({"turn_duration", "stop_hook_summary"})
_INTERRUPTED: Final = ("[Request interrupted by user", "Request interrupted by user")

Record = Mapping[str, Any]


class _Place(NamedTuple):
    """Where an observation was made: the first fields of all observations."""

    at: datetime
    thread: str
    key: str


class RecordReader:
    """Turns the records of one transcript file into observations; keeps what one record says of the next.

    skill_calls, slash_commands, unknown_skills: distinct ones so far. records: lines that were records.
    """

    def __init__(self, keep_query: QueryKeeper, installed: frozenset[str] = frozenset()) -> None:
        """keep_query: decides what is kept of a prompt. installed: names that the catalogue knows."""
        self._keep_query = keep_query
        self._installed = installed
        self._seen: set[int] = set()
        self._prompts: dict[str, str] = {}
        self._uses: set[str] = set()
        self._unknown: set[str] = set()
        self._after_caveat = False  # the last user record was the caveat
        self._after_command = False  # the last user record was `/skill`
        self._local = False  # since the caveat, nothing that the user typed for the agent
        self.records = 0
        self.skill_calls = 0
        self.slash_commands = 0

    @property
    def unknown_skills(self) -> int:
        """Skill calls that were answered with "unknown skill"."""
        return len(self._unknown)

    def read(self, record: Record, *, quiet: bool = False) -> Sequence[Observation]:
        """Observations of one record; a copy of an earlier record gives none.

        quiet: nobody follows a span in the main thread, and the record has no skill call, so tool calls,
        their answers and what the agent says may be passed over.
        """
        kind = record.get("type")
        key = record.get("uuid")
        if not isinstance(key, str) or not isinstance(kind, str) or kind not in _KINDS:
            return ()
        mark = hash(key)
        if mark in self._seen:
            return ()
        self._seen.add(mark)
        self.records += 1
        if quiet and (kind == "assistant" or "toolUseResult" in record):
            self._local = self._local and kind == "user"
            self._after_caveat = self._after_command = False
            return ()
        at = instant(record.get("timestamp"))
        if at is None:
            return ()
        place = _Place(at, thread_of(record), key)
        if kind == "assistant":
            return self._assistant(record, place)
        return self._user(record, place) if kind == "user" else _system(record, place)

    def _assistant(self, record: Record, place: _Place) -> Sequence[Observation]:
        self._local = False
        message = record.get("message")
        if not isinstance(message, dict):
            return ()
        found: list[Observation] = []
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            kind = block.get("type") if isinstance(block, dict) else None
            if kind == "tool_use":
                seen = self._tool_use(block, place)
                if seen is not None:
                    found.append(seen)
            else:
                found.append(Activity(*place, kind == "text" and not record.get("isApiErrorMessage")))
        if message.get("stop_reason") == "end_turn":
            found.append(TurnEnded(*place))
        return found

    def _tool_use(self, block: Record, place: _Place) -> Observation | None:
        use_id, name, given = block.get("id"), block.get("name"), block.get("input")
        if not isinstance(use_id, str) or not use_id or not isinstance(name, str):
            return None
        given = given if isinstance(given, dict) else {}
        return (
            self._skill_use(use_id, given, place)
            if name == "Skill"
            else tool_called(place, use_id, name, given)
        )

    def _skill_use(self, use_id: str, given: Record, place: _Place) -> Observation | None:
        """A skill call; what led to it are its arguments, else the prompt that the agent works on."""
        skill_name = skill_named(given)
        if skill_name is None:
            return None
        words = given.get("args")
        words = words if isinstance(words, str) and words.strip() else self._prompts.get(place.thread, "")
        if use_id not in self._uses:
            self._uses.add(use_id)
            self.skill_calls += 1
        return SkillCalled(*place, Use(use_id, skill_name, "agent", self._query(words)))

    def _query(self, words: str) -> Query | None:
        return Query(*self._keep_query(words)) if words.strip() else None

    def _user(self, record: Record, place: _Place) -> Sequence[Observation]:
        message = record.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        after_caveat, self._after_caveat = self._after_caveat, False
        after_command, self._after_command = self._after_command, False
        if record.get("isCompactSummary"):
            return (Compacted(*place),)
        if record.get("isMeta"):
            return self._meta(record, content, place, after_command=after_command)
        if isinstance(content, str):
            return self._text(content, record, place, after_caveat=after_caveat)
        return self._blocks(content, record, place) if isinstance(content, list) else ()

    def _meta(
        self, record: Record, content: object, place: _Place, *, after_command: bool
    ) -> Sequence[Observation]:
        """Instructions of a skill (blocks), or the client's caveat before a built-in command (a text)."""
        source = record.get("sourceToolUseID")
        if place.thread != MAIN and text_of(content).startswith("Base directory for this skill:"):
            return (ForkBegan(*place, _prompt_key(record, place)),)
        if isinstance(content, str) and not after_command:
            self._after_caveat = self._local = True
        if isinstance(source, str):
            return (SkillBody(*place, source, text_of(content)),)
        return (SkillBody(*place, None, text_of(content)),) if after_command else ()

    def _text(
        self, text: str, record: Record, place: _Place, *, after_caveat: bool = False
    ) -> Sequence[Observation]:
        self._local = self._local and not typed_by_user(record)
        said = read_saying(text, after_caveat=after_caveat and self._local, installed=self._installed)
        origin = record.get("origin")
        if isinstance(origin, dict) and origin.get("kind") == "task-notification":
            said = Said("notification", task=said.task, failed=said.failed)
        if said.saying in {"command", "forked"}:
            return self._command(said, record, place)
        if said.saying == "notification":
            return (Notified(*place, said.task, said.failed),)
        if said.saying == "interrupted":
            return (Interrupted(*place),)
        if said.saying == "exit":
            return (SessionEnded(*place),)
        if said.saying == "prompt" and not self._local:
            self._prompts[place.thread] = text
            return (UserPrompted(*place),)
        return ()

    def _command(self, said: Said, record: Record, place: _Place) -> Sequence[Observation]:
        name = clean_name(said.name)
        if name is None:
            return ()
        use_key = _prompt_key(record, place)
        self._after_command = said.saying == "command"
        self._prompts[place.thread] = said.arguments
        if use_key not in self._uses:
            self._uses.add(use_key)
            self.slash_commands += 1
        use = Use(use_key, name, "user", self._query(said.arguments))
        return (SlashCommand(*place, use, said.saying == "forked"),)

    def _blocks(self, content: list[Any], record: Record, place: _Place) -> Sequence[Observation]:
        """Tool results; or a prompt with pictures, or the client's words, in blocks of text."""
        results = [
            self._result(block, record.get("toolUseResult"), place)
            for block in content
            if isinstance(block, dict) and block.get("type") == "tool_result"
        ]
        if results and len(results) == len(content):
            return [result for result in results if result is not None]
        text = text_of(content)
        said = self._text(text, record, place) if not results or text.startswith(_INTERRUPTED) else ()
        return [*(result for result in results if result is not None), *said]

    def _result(self, block: Record, outcome: object, place: _Place) -> Observation | None:
        use_id = block.get("tool_use_id")
        if not isinstance(use_id, str) or not use_id:
            return None
        text = text_of(block.get("content"))
        error = error_class(text) if block.get("is_error") is True else None
        if error == "unknown_skill" and use_id in self._uses:
            self._unknown.add(use_id)
        if not isinstance(outcome, dict):
            return Answered(*place, use_id, error, text)
        if error is None and outcome.get("interrupted") is True:
            error = "interrupted"
        fork = clean_name(outcome.get("agentId")) if outcome.get("status") == "forked" else None
        return Answered(*place, use_id, error, text, in_background(outcome), fork)


def tool_called(place: tuple[datetime, str, str], use_id: str, name: str, given: Record) -> ToolCalled:
    """A tool call with what its name and input say of it. place: instant, thread, record key."""
    command = given.get("command") if name == "Bash" else None
    if not isinstance(command, str):
        command = None
    return ToolCalled(*place, use_id, command, name in _ASKING, name in _SPAWNING)


def _prompt_key(record: Record, place: _Place) -> str:
    """The key of a use that a prompt began; clients of early 2026 gave prompts no id."""
    prompt = record.get("promptId")
    return f"prompt:{prompt if isinstance(prompt, str) and prompt else place.key}"


def _system(record: Record, place: _Place) -> Sequence[Observation]:
    subtype = record.get("subtype")
    if subtype == "compact_boundary":
        return (Compacted(*place),)
    return (TurnEnded(*place),) if isinstance(subtype, str) and subtype in _TURN_ENDS else ()
