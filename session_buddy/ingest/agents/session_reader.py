"""What reading an agent's session records means, for agents that have no `Skill` tool of Claude Code's kind.

A skill is used when the agent reads its `SKILL.md` (or calls the tool that its client has for it), or when
the user names it. A reader turns records into observations, one file a session; what they come to is the
span tracker's business, which is the same for all agents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from session_buddy.ingest.fields import MAIN
from session_buddy.ingest.names import clean_name
from session_buddy.ingest.observations import (
    Answered,
    Observation,
    Query,
    SkillCalled,
    ToolCalled,
    Use,
    UserPrompted,
)
from session_buddy.ingest.own_reports import TOOLS
from session_buddy.ingest.skill_files import skill_of_path, skill_read_by
from session_buddy.models.protocols import QueryKeeper
from session_buddy.models.vocabulary import Origin

Record = Mapping[str, Any]

_PATHS: Final = ("file_path", "filePath", "path", "absolute_path", "target_file")
_COMMANDS: Final = ("command", "cmd")
_READING: Final = frozenset(("read_file", "read_many_files", "view", "read", "readfile", "copilot_readfile"))
_LONG_ID: Final = 20


class Place(NamedTuple):
    """Where an observation was made: the first fields of all observations."""

    at: datetime
    thread: str
    key: str


@dataclass(frozen=True, slots=True)
class OwnCall:
    """The agent told of a use through our own tool. request_key: what the server knew the call by."""

    at: datetime
    tool: str
    call_id: str
    given: Mapping[str, Any]
    request_key: str | None


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """A report was answered."""

    at: datetime
    call_id: str
    failed: bool


Seen = Observation | OwnCall | OwnAnswer


class SessionReader:
    """Base of the readers: one session's file, in order. Not thread-safe.

    agent: as the record names it. session_id, project: None until a record said so. records,
    skill_calls, slash_commands, unknown_skills: what was seen so far, distinct.
    """

    agent = ""

    def __init__(self, keep_query: QueryKeeper) -> None:
        """keep_query: decides what is kept of a prompt."""
        self._keep_query = keep_query
        self.session_id: str | None = None
        self.project: str | None = None
        self.started_at: datetime | None = None
        self.thread = MAIN
        self.records = 0
        self.skill_calls = 0
        self.slash_commands = 0
        self.unknown_skills = 0
        self._prompt = ""
        self._latest: str | None = None  # the skill that was taken up last since the prompt
        self._named: set[str] = set()  # those that the user named in it
        self._skills: dict[str, str | None] = {}  # call that took up a skill -> the one before it
        self._own: set[str] = set()  # calls of our own tool

    @staticmethod
    def recognises(record: Record) -> bool:
        """Whether a file that begins with this record is one of this agent."""
        raise NotImplementedError

    def read(self, record: Record) -> Sequence[Seen]:
        """What one record shows; nothing if it is none that matters."""
        raise NotImplementedError

    def prompted(self, place: Place, text: str) -> Sequence[Observation]:
        """The user wrote to the agent."""
        self._prompt, self._latest = text, None
        self._named.clear()
        return (UserPrompted(*place),)

    def used(self, place: Place, call_id: str, skill_name: str, origin: Origin = "agent") -> Observation:
        """The agent takes up a skill, or the user names it.

        To read on in the file of the one taken up last, or of one that the user named, is no new use.
        """
        key = self.key_of(call_id)
        if skill_name == self._latest or skill_name in self._named:
            return ToolCalled(*place, key)
        if origin == "user":
            self._named.add(skill_name)
        if key not in self._skills:
            self._skills[key] = self._latest
            if origin == "agent":
                self.skill_calls += 1
            else:
                self.slash_commands += 1
        self._latest = skill_name
        query = Query(*self._keep_query(self._prompt)) if self._prompt.strip() else None
        return SkillCalled(*place, Use(key, skill_name, origin, query))

    def called(self, place: Place, call_id: str, tool: str, given: Record) -> Sequence[Seen]:
        """The agent called a tool of its client."""
        command = next((given[name] for name in _COMMANDS if name in given), None)
        line = command if isinstance(command, str) else _joined(command)
        own = next((name for name in TOOLS if tool.endswith(name)), None)
        if own is not None:
            self._own.add(call_id)
            return (
                OwnCall(place.at, own, self.key_of(call_id), given, self.request_key(call_id)),
                ToolCalled(*place, self.key_of(call_id)),
            )
        skill_name = _skill_in(tool, given) or skill_read_by(line)
        if skill_name is not None:
            return (self.used(place, call_id, skill_name),)
        return (ToolCalled(*place, self.key_of(call_id), line, tool in self.asking),)

    asking: frozenset[str] = frozenset()
    """Tools of the client that wait for the user."""

    def answered(
        self, place: Place, call_id: str, error: str | None = None, text: str = ""
    ) -> Sequence[Seen]:
        """A call was answered. error: the class of its error."""
        key = self.key_of(call_id)
        if key in self._skills and error is not None:
            error, self._latest = _load_error(error, text), self._skills[key]
            self.unknown_skills += error == "unknown_skill"
        answer = Answered(*place, key, error, text)
        if call_id in self._own:
            self._own.discard(call_id)
            return (OwnAnswer(place.at, key, error is not None), answer)
        return (answer,)

    def key_of(self, call_id: str) -> str:
        """A call's identity: by itself if its maker draws long ones, so that a copied session repeats it."""
        if len(call_id) >= _LONG_ID:
            return f"{self.agent}:{call_id}"
        return f"{self.agent}:{self.session_id}:{call_id}"

    def request_key(self, call_id: str) -> str | None:  # noqa: ARG002 - of those whose client names its calls
        """What the server took as the key of a call of our own tool, if the client tells it the call."""
        return None


def _skill_in(tool: str, given: Record) -> str | None:
    """The skill that a tool for skills, or for reading files, takes up."""
    plain = tool.lower()
    if plain in {"skill", "activate_skill"}:
        name = given.get("name", given.get("skill"))
        return clean_name(name.strip().removeprefix("/")) if isinstance(name, str) else None
    if plain not in _READING:
        return None
    return next((skill for name in _PATHS if (skill := skill_of_path(given.get(name)))), None)


def _joined(words: object) -> str | None:
    """A command that is given as words: the script behind `bash -lc`, else all of them."""
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return None
    return words[2] if len(words) == 3 and words[1] in {"-lc", "-c"} else " ".join(words)


def _load_error(error: str, text: str) -> str:
    """Why a skill was not taken up; a file that is not there is a skill that nobody knows."""
    if error == "rejected":
        return error
    lowered = text[:2_000].lower()
    missing = ("no such file", "not found", "does not exist", "allowed values", "cannot find")
    return "unknown_skill" if any(words in lowered for words in missing) else error
