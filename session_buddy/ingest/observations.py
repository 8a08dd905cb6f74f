"""What a span tracker is fed: one agent's doings in its own words, whatever file or hook they came from.

Every observation has `at` (UTC), the agent `thread` (`main`, or a subagent's id) and `key`, the identity
of the record it was read from. Keys of one and the same record are the same in every copy of it.
"""

from dataclasses import dataclass
from datetime import datetime

from session_buddy.ingest.outcomes import SpanFacts
from session_buddy.models.vocabulary import Origin


@dataclass(frozen=True, slots=True)
class Query:
    """What is kept of the words that led to a skill: redacted text or None, keyed hash, characters."""

    text: str | None
    digest: str
    length: int


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a skill.

    key: `tool_use` id, or the id of the prompt in which a user typed `/skill`. origin: who began it.
    """

    key: str
    skill_name: str
    origin: Origin
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """Base of all observations."""

    at: datetime
    thread: str
    key: str


@dataclass(frozen=True, slots=True)
class Activity(Observation):
    """The agent did or said something else. says: it was text for the user, which may end its turn."""

    says: bool = False


@dataclass(frozen=True, slots=True)
class SkillCalled(Observation):
    """The agent asked for a skill."""

    use: Use


@dataclass(frozen=True, slots=True)
class SkillBody(Observation):
    """The instructions that the client put before the agent for a skill; None: for a user's `/skill`."""

    use_key: str | None
    text: str


@dataclass(frozen=True, slots=True)
class ToolCalled(Observation):
    """The agent called a tool.

    command: the shell command line that it runs. asks: it waits for the user. spawns: it starts a subagent.
    """

    tool_use_id: str
    command: str | None = None
    asks: bool = False
    spawns: bool = False


@dataclass(frozen=True, slots=True)
class Answered(Observation):
    """A call, of a tool or a skill, was answered.

    error: the class of its error. output: what it printed, where a check may have to be judged by it.
    background: it goes on in the background. fork: thread in which a skill was carried out meanwhile.
    """

    tool_use_id: str
    error: str | None = None
    output: str = ""
    background: bool = False
    fork: str | None = None


@dataclass(frozen=True, slots=True)
class UserPrompted(Observation):
    """The user wrote to the agent."""


@dataclass(frozen=True, slots=True)
class SlashCommand(Observation):
    """The user typed `/skill`. forked: it ran in a thread of its own, and is done."""

    use: Use
    forked: bool = False


@dataclass(frozen=True, slots=True)
class ForkBegan(Observation):
    """The thread carries out a skill that runs in a fork. use_key: of the prompt that it would belong to."""

    use_key: str


@dataclass(frozen=True, slots=True)
class Notified(Observation):
    """A background task reported back. tool_use_id: the call that had started it, if it says so."""

    tool_use_id: str | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Interrupted(Observation):
    """The user stopped the agent."""


@dataclass(frozen=True, slots=True)
class TurnEnded(Observation):
    """The agent's turn is over (`Stop`)."""


@dataclass(frozen=True, slots=True)
class Compacted(Observation):
    """The client replaced the conversation by a summary; the turn goes on."""


@dataclass(frozen=True, slots=True)
class SessionEnded(Observation):
    """The session is over, in all its threads."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A span opened. parent: key of the use inside which it did."""

    use: Use
    thread: str
    at: datetime
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """A span closed, or closed again later than was thought before.

    key: of the record that closed it. stated_at: what makes a later closing of the same use win.
    active_seconds: time at work, gaps and waiting for the user left out.
    """

    use: Use
    thread: str
    parent: str | None
    invoked_at: datetime
    ended_at: datetime
    stated_at: datetime
    key: str
    active_seconds: float
    facts: SpanFacts


Change = Opening | Closing
