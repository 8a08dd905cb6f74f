"""Values that pass between storage, services and ingest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from session_buddy.models.fields import JournalEvent
from session_buddy.models.vocabulary import Source, WorkflowPhase


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open time range [since, until) in UTC; `None` is open on that side."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Only uses of one project, agent or user; `None` is all. user_id: the keyed hash."""

    project: str | None = None
    agent: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Events to fold in one transaction, with how far each journal has been read.

    offsets: journal file name -> bytes of it that are folded once this batch is committed.
    """

    events: tuple[JournalEvent, ...]
    offsets: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines of one journal as they stand there, read ahead of everything else because it is far behind.

    start, end: bytes of the journal before the first and after the last of them.
    """

    journal: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What a fold changed.

    new_events: events that were not known before. new_invocations: uses that were not known before.
    touched_skills: skills whose totals changed. forgotten_events: events refused because the user
    asked to forget them.
    """

    new_events: int
    new_invocations: int
    touched_skills: frozenset[str]
    forgotten_events: int = 0


@dataclass(frozen=True, slots=True)
class SkillTotals:
    """Counts over all invocations of one skill in a window.

    duration_buckets: DDSketch bucket index -> invocations (see `session_buddy.live.sketch`); empty where
    p50 and p95 are given exactly instead. errors, phases: value -> invocations.
    """

    skill_name: str
    invocation_count: int = 0
    completed_count: int = 0
    failed_count: int = 0
    abandoned_count: int = 0
    reported_count: int = 0
    inferred_count: int = 0
    duration_count: int = 0
    duration_sum: float = 0.0
    rating_count: int = 0
    rating_sum: int = 0
    first_invoked_at: datetime | None = None
    last_invoked_at: datetime | None = None
    duration_buckets: Mapping[int, int] = field(default_factory=dict)
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    errors: Mapping[str, int] = field(default_factory=dict)
    phases: Mapping[str, int] = field(default_factory=dict)


class PastUse(NamedTuple):
    """What one use teaches of the next ones. duration_seconds: active. completed: None while open."""

    invocation_id: UUID
    skill_name: str
    session_id: str
    project: str | None
    user_id: str | None
    invoked_at: datetime
    workflow_phase: WorkflowPhase
    completed: bool | None
    duration_seconds: float | None


class Acceptance(NamedTuple):
    """What became of one strategy's suggestions. reciprocal_sum: of 1 / position of the accepted skills."""

    strategy: str
    suggestion_count: int
    accepted_count: int
    reciprocal_sum: float


class Connections(NamedTuple):
    """Of a store to its database: how many are at work at one moment, and how many there may be."""

    in_use: int
    limit: int


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A skill that is installed somewhere."""

    skill_name: str
    description: str
    scopes: tuple[str, ...]
    category: str | None = None
    modality: str | None = None


@dataclass(frozen=True, slots=True)
class ForgetRequest:
    """What to forget: one session, one skill, or all before an instant. Exactly one is given."""

    session_id: str | None = None
    skill_name: str | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """One schema version: applied when, with the checksum of its file now and when it was applied."""

    version: int
    name: str
    applied_at: datetime | None
    checksum: str
    applied_checksum: str | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: one connection of an agent window, or the command line.

    connection_id: unique among the leader's connections. session_id: what the client's environment said
    when it connected; a hook may name a newer one later (see `Recorder`). project: the working folder.
    """

    connection_id: str
    session_id: str | None = None
    agent: str = "claude-code"
    project: str | None = None
    pid: int | None = None
    source: Source = "mcp"
