"""The state of one agent thread between two observations: its clock, its open spans, its open calls."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from session_buddy.ingest.checks import Check, passed
from session_buddy.ingest.observations import Answered, Closing, Notified, Observation, Use
from session_buddy.ingest.outcomes import Closed, SpanFacts

GAP_SECONDS: Final = 120.0
"""A longer silence is a wait for somebody, not work."""

_CERTAIN: Final = timedelta(microseconds=1)  # records have milliseconds, so this only breaks ties
_NOT_RUN: Final = frozenset(
    ("rejected", "interrupted", "permission_denied", "tool_use_error", "not_for_agents")
)
"""Errors of a call that never ran, so that it says nothing about the check it would have been."""


@dataclass(slots=True, eq=False)
class Span:
    """An open span, with what was counted inside it so far.

    alone: no other skill was being loaded when it was called. prompted: a user's prompt opened it.
    begun: the thread's clock at its call, then at its load. acted: it has done something. waiting: its
    subagents in the background; tasks: its shells there. told: key of its closing that was told last.
    """

    use: Use
    called_at: datetime
    parent: str | None
    alone: bool = True
    prompted: bool = False
    begun: float = 0.0
    body: str = ""
    acted: bool = False
    calls: int = 0
    errors: int = 0
    checks_passed: int = 0
    checks_failed: int = 0
    last_check: tuple[str, bool] | None = None
    last_command: str | None = None
    last_error: str | None = None
    waiting: set[str] = field(default_factory=set)
    waited_for: int = 0
    tasks: dict[str, Check | None] = field(default_factory=dict)
    told: str | None = None

    def prescribes(self, skill_name: str) -> bool:
        """Whether a skill that is called now is part of this one (see `session_buddy.ingest.spans`)."""
        return not self.acted or _names(self.body, skill_name)

    def answered(self, call: "Call", seen: Answered) -> None:
        """A tool call inside the span was answered."""
        self.last_error = seen.error
        self.errors += seen.error is not None
        if seen.background and call.spawns:
            self.waiting.add(seen.tool_use_id)
            self.waited_for += 1
        elif seen.background:
            self.tasks[seen.tool_use_id] = call.check
        elif call.check is not None and seen.error not in _NOT_RUN:
            result = passed(call.check, error=seen.error is not None, output=seen.output)
            self._checked(call.check, passed=result)

    def _checked(self, check: Check, *, passed: bool | None) -> None:
        if passed is not None:
            self.last_check, self.last_command = (check.kind, passed), check.name
            self.checks_passed += passed
            self.checks_failed += not passed

    def reported_back(self, seen: Notified) -> bool:
        """A background task is done: whether this span had started it."""
        if seen.tool_use_id is None:
            self.waiting.clear()
            return bool(self.tasks or self.waited_for)
        if seen.tool_use_id not in self.waiting and seen.tool_use_id not in self.tasks:
            return False
        self.waiting.discard(seen.tool_use_id)
        check = self.tasks.pop(seen.tool_use_id, None)
        self.errors += seen.failed
        self.last_error = "background_failed" if seen.failed else self.last_error
        if check is not None and not check.hidden:
            self._checked(check, passed=not seen.failed)
        return True

    def facts(self, closed: Closed, *, working: bool) -> SpanFacts:
        """What an outcome is inferred from."""
        return SpanFacts(
            closed=closed,
            tool_calls=self.calls,
            tool_errors=self.errors,
            checks_passed=self.checks_passed,
            checks_failed=self.checks_failed,
            last_check=self.last_check,
            last_check_command=self.last_command,
            last_error=self.last_error,
            working=working,
            waiting=len(self.waiting),
            waited_for=self.waited_for,
        )


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that has no answer yet, and the spans that it counts for."""

    asks: bool
    spawns: bool
    check: Check | None
    spans: tuple[Span, ...]


@dataclass(slots=True)
class Thread:
    """One agent thread.

    at: the latest instant seen; it never goes back. clock: active seconds. spans: open ones, outermost
    first. whole: all that the thread does, should it carry out a forked skill. loading: skills called and
    not answered. asking: open calls that wait for the user. ended: when and by which record the turn ended,
    unless the agent went on. said: it has last said something.
    """

    name: str
    at: datetime
    key: str = ""
    clock: float = 0.0
    spans: list[Span] = field(default_factory=list)
    whole: Span | None = None
    loading: dict[str, Span] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    asking: int = 0
    ended: tuple[datetime, str] | None = None
    said: bool = False

    def advance(self, seen: Observation, *, working: bool) -> None:
        """Move the time on to an observation; it counts as active only while the agent works."""
        seconds = (seen.at - self.at).total_seconds()
        self.key = seen.key
        if seconds <= 0:
            return
        self.at = seen.at
        if working and seconds <= GAP_SECONDS:
            self.clock += seconds

    def work(self, seen: Observation, *, waited: bool = False) -> None:
        """The agent is at work, so if its turn was thought to be over, it is not."""
        resumes = self.ended is not None
        self.ended, self.said = None, False
        self.advance(seen, working=not (resumes or waited or self.asking))

    @property
    def holders(self) -> tuple[Span, ...]:
        """The spans for which a tool call counts now."""
        return (*self.spans, self.whole) if self.whole else tuple(self.spans)

    @property
    def waits(self) -> bool:
        """A subagent that an open span started is still at work."""
        return any(span.waiting for span in self.spans)

    @property
    def working(self) -> bool:
        """The agent has not finished: its turn has not ended, nor has it come to a last word."""
        return self.ended is None and (bool(self.calls) or not self.said)

    def prescriber(self, skill_name: str) -> Span | None:
        """The innermost open span that prescribes a skill."""
        return next((span for span in reversed(self.spans) if span.prescribes(skill_name)), None)

    def close_all(self, closed: Closed, key: str) -> Iterator[Closing]:
        """Every span closes: where the turn had ended if it had, else now."""
        end = (self.at, key)
        if self.ended is not None and not self.waits:
            closed, end = "turn_ended", self.ended
        for span in self.loading.values():
            error = "interrupted" if closed == "interrupted" else "session_ended"
            yield self.closing(span, (self.at, key), SpanFacts(closed=closed, load_error=error))
        for span in self.spans:
            if span.told != end[1]:
                yield self.closing(span, end, span.facts(closed, working=self.working))
        self.spans, self.loading, self.calls = [], {}, {}
        self.asking, self.ended, self.said = 0, None, False

    def close_by_turn(self, *, assumed: bool) -> Iterator[Closing]:
        """Tell the closings that stand because the turn ended.

        assumed: it did, though no record says so; that cannot be while a call is open, so then it is not
        this turn that ended (a hook's word may come late) or the record is not complete yet.
        """
        if self.waits or (self.ended is None and (not assumed or self.calls or self.loading)):
            return
        end = self.ended or (self.at, f"turn after {self.key}")
        for span in self.spans:
            if span.told != end[1]:
                span.told = end[1]
                facts = span.facts("turn_ended", working=False)
                yield self.closing(span, end, facts)

    def close_by_session(self) -> Iterator[Closing]:
        """Tell the closings that stand if the session goes no further than what was seen."""
        if self.ended is not None and not self.waits:
            yield from self.close_by_turn(assumed=False)
            return
        end = (self.at, f"end after {self.key}")
        for span in self.loading.values():
            facts = SpanFacts(closed="session_ended", load_error="session_ended")
            yield self.closing(span, end, facts, certain=False)
        for span in self.spans:
            if span.told != end[1]:
                span.told = end[1]
                yield self.closing(
                    span, end, span.facts("session_ended", working=self.working), certain=False
                )

    def closing(
        self,
        span: Span,
        end: tuple[datetime, str],
        facts: SpanFacts,
        *,
        certain: bool = True,
        clock: float | None = None,
    ) -> Closing:
        """A span's closing at `end`; one that is certain wins over one that was assumed at the same time.

        clock: the thread's clock at the end, if that is not now.
        """
        active = (self.clock if clock is None else clock) - span.begun if facts.load_error is None else 0.0
        stated = end[0] if end == self.ended else self.at
        return Closing(
            use=span.use,
            thread=self.name,
            parent=span.parent,
            invoked_at=span.called_at,
            ended_at=max(end[0], span.called_at),
            stated_at=stated + _CERTAIN if certain else stated,
            key=end[1],
            active_seconds=max(0.0, round(active, 3)),
            facts=facts,
        )


def _names(body: str, skill_name: str) -> bool:
    """Whether instructions name a skill; one plain word must be marked as a skill's name."""
    short = skill_name.rsplit(":", 1)[-1]
    if not body or short not in body:
        return False
    word = re.escape(short)
    if re.search(r"[-_.\d]", short):
        return re.search(rf"(?<![\w-]){word}(?![\w-])", body) is not None
    marked = rf"(?:[/:`\"']|\bskills? ){word}(?![\w-])|(?<![\w-]){word}[`\"']? skill\b"
    return re.search(marked, body) is not None
