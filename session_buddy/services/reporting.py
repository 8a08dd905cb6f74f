"""Answers about what was recorded."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from session_buddy.analytics.effectiveness import effectiveness_score
from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.answers import (
    MetricsReport,
    RealTimeMetrics,
    SessionAnalytics,
    SessionSummary,
    SkillDescription,
    ValueCount,
)
from session_buddy.models.protocols import Clock
from session_buddy.models.values import Caller, Dimensions, SkillTotals, Window
from session_buddy.services.kinds import kind_of
from session_buddy.services.near_names import known_names
from session_buddy.services.record import Record
from session_buddy.services.wording import (
    among,
    completion,
    described,
    description_message,
    metrics,
    metrics_message,
    number_of,
    rate,
    session_message,
)

LONGEST_WINDOW_HOURS = 24.0 * 366
LARGEST_LIMIT = 10_000
NEIGHBOURS_SHOWN = 5
BACKLOG = " A large import is still being folded; figures will rise until it is done."


class Reporter:
    """Reads the record. Thread-safe; every answer includes every acknowledged event."""

    def __init__(self, record: Record, clock: Clock, session_of: Callable[[Caller], str]) -> None:
        """record must be over an open storage. session_of: the session that a caller is in."""
        self._session_of = session_of
        self._record = record
        self._clock = clock

    def metrics_at_hand(self, skill_name: str) -> MetricsReport | None:
        """All-time metrics of one skill if that waits for nothing; else None, and `skill_metrics` answers."""
        totals = self._record.totals_at_hand(skill_name)
        return None if totals is None else _report(Window(None, None), [totals], 1)

    def skill_metrics(
        self,
        skill_name: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 20,
        only: Dimensions | None = None,
    ) -> MetricsReport:
        """Counts, completion with interval, durations, errors and phases of one skill or the most used.

        Raises:
            InvalidInput: an empty or inverted window, a limit outside 1..10000.
            NotFound: a named skill that was never used.
        """
        _check_limit(limit)
        _check_window(since, until)
        window = Window(since, until)
        only = None if only == Dimensions() else only
        all_time = since is None and until is None and only is None
        caught_up = True
        if all_time and skill_name is not None:
            totals = self._record.totals(skill_name)
            found = [totals] if totals is not None else []
        else:
            caught_up = self._record.catch_up()
            storage = self._record.storage
            found = list(
                storage.all_totals() if all_time else storage.window_totals(window, skill_name, only)
            )
        if skill_name is not None and not found:
            return self._nothing_of(skill_name, window)
        never_used = self._never_used() if all_time and skill_name is None else []
        if not found and only is not None:
            message = f"Nothing was recorded of {among(only)} ({described(window)})."
            return _report(window, found, limit).model_copy(update={"message": message})
        return _report(window, found, limit, never_used, caught_up=caught_up)

    def real_time_metrics(
        self, limit: int = 10, time_window_hours: float = 1.0, only: Dimensions | None = None
    ) -> RealTimeMetrics:
        """The most used skills of the last hours, unresolved anomalies, sessions at work.

        only: one project, agent or user. An anomaly is of a skill, whoever uses it; told are those of the
        skills that were used there.
        """
        _check_limit(limit)
        if not 0 < time_window_hours <= LONGEST_WINDOW_HOURS:
            raise InvalidInput(
                f"time_window_hours: {time_window_hours} is not between 0 and {LONGEST_WINDOW_HOURS:g}."
            )
        caught_up = self._record.catch_up()
        now = self._clock()
        since = now - timedelta(hours=time_window_hours)
        storage = self._record.storage
        only = None if only == Dimensions() else only
        used = storage.top_skills(Window(since, None), limit if only is None else LARGEST_LIMIT, only)
        names = {skill.skill_name for skill in used}
        anomalies = [
            found for found in storage.active_anomalies() if only is None or found.skill_name in names
        ]
        top = list(used[:limit])
        of = "" if only is None else f" ({among(only)})"
        message = (
            f"{number_of(len(top), 'skill')}{of} in the last {time_window_hours:g} h."
            if top
            else f"No skill was used{of} in the last {time_window_hours:g} h."
        )
        return RealTimeMetrics(
            timestamp=now,
            time_window_hours=time_window_hours,
            top_skills=top,
            anomalies=anomalies,
            active_sessions=storage.active_sessions(since, only),
            message=message + ("" if caught_up else BACKLOG),
        )

    def session_analytics(self, session_id: str | None, caller: Caller) -> SessionAnalytics:
        """One session: the one named, else the caller's if it is in the record, else the one active last.

        Raises:
            NotFound: the session is not in the record, or nothing is.
        """
        self._record.catch_up()
        summary = self._find_session(session_id, self._session_of(caller))
        invocations = list(self._record.storage.session_invocations(summary.session_id))
        decided = [use for use in invocations if use.completed is not None]
        completed = sum(bool(use.completed) for use in decided)
        score = effectiveness_score([(bool(use.completed), use.rating) for use in decided])
        return SessionAnalytics(
            session_id=summary.session_id,
            agent=summary.agent,
            project=summary.project,
            started_at=summary.started_at,
            ended_at=summary.ended_at,
            invocation_count=len(invocations),
            skill_count=len({use.skill_name for use in invocations}),
            completed_count=completed,
            failed_count=sum(use.outcome == "failed" for use in invocations),
            abandoned_count=sum(use.outcome == "abandoned" for use in invocations),
            open_count=len(invocations) - len(decided),
            completion_rate=rate(completed, len(decided)),
            duration_seconds=sum(use.duration_seconds or 0.0 for use in invocations),
            effectiveness_score=score,
            workflow_path=[phase for phase, _ in groupby(use.workflow_phase for use in invocations)],
            skill_path=[use.skill_name for use in invocations],
            invocations=invocations,
            message=session_message(invocations, score),
        )

    def sessions(self, limit: int = 20) -> list[SessionSummary]:
        """The sessions that were active last, newest first."""
        _check_limit(limit)
        self._record.catch_up()
        return list(self._record.storage.sessions(limit))

    def describe_skill(self, skill_name: str) -> SkillDescription:
        """What a skill says of itself, and what surrounds its use.

        Raises:
            NotFound: neither installed nor ever used.
        """
        self._record.catch_up()
        storage = self._record.storage
        entry = next((entry for entry in storage.catalogue() if entry.skill_name == skill_name), None)
        totals = self._record.totals(skill_name)
        if entry is None and totals is None:
            raise NotFound(self._unknown_skill(skill_name))
        before, after = storage.neighbours(skill_name, NEIGHBOURS_SHOWN)
        known = totals or SkillTotals(skill_name)
        kind = kind_of(storage.findings, skill_name, entry.description if entry else "")
        return SkillDescription(
            skill_name=skill_name,
            installed=entry is not None,
            description=entry.description if entry else None,
            scopes=list(entry.scopes) if entry else [],
            category=kind.category.value if kind.category else None,
            modality=kind.modality.value if kind.modality else None,
            invocation_count=known.invocation_count,
            completion_rate=completion(known),
            last_invoked_at=known.last_invoked_at,
            often_before=[ValueCount(value=name, invocation_count=count) for name, count in before],
            often_after=[ValueCount(value=name, invocation_count=count) for name, count in after],
            message=description_message(known, installed=entry is not None) + kind.told,
        )

    def _nothing_of(self, skill_name: str, window: Window) -> MetricsReport:
        """The answer for a skill without a use in the window; only a skill nobody knows is an error."""
        installed = any(entry.skill_name == skill_name for entry in self._record.storage.catalogue())
        if not installed and self._record.totals(skill_name) is None:
            raise NotFound(self._unknown_skill(skill_name))
        return MetricsReport(
            window=described(window),
            since=window.since,
            until=window.until,
            skills=[],
            skills_total=0,
            never_used=[skill_name] if window == Window() else [],
            message=f"{skill_name} was not used in that window ({described(window)}).",
        )

    def _never_used(self) -> list[str]:
        used = {totals.skill_name for totals in self._record.storage.all_totals()}
        return sorted({entry.skill_name for entry in self._record.storage.catalogue()} - used)

    def meant(self, skill_name: str) -> str:
        """A sentence with the skills that an unknown name may stand for."""
        self._record.catch_up()
        known = [totals.skill_name for totals in self._record.storage.all_totals()]
        return known_names(skill_name, known, "Nothing has been recorded yet.")

    def _unknown_skill(self, skill_name: str) -> str:
        return f"No skill {skill_name!r} is in the record. {self.meant(skill_name)}"

    def _find_session(self, session_id: str | None, own_session: str) -> SessionSummary:
        storage = self._record.storage
        if session_id is not None:
            found = storage.session_summary(session_id)
            if found is None:
                raise NotFound(
                    f"There is no session {session_id!r}; `session-buddy session` lists the latest."
                )
            return found
        own = storage.session_summary(own_session)
        latest = [own] if own is not None else list(storage.sessions(1))
        if not latest:
            raise NotFound("Nothing has been recorded yet: use a skill, or run `session-buddy import`.")
        return latest[0]


def _report(
    window: Window,
    found: Sequence[SkillTotals],
    limit: int,
    never_used: Sequence[str] = (),
    *,
    caught_up: bool = True,
) -> MetricsReport:
    return MetricsReport(
        window=described(window),
        since=window.since,
        until=window.until,
        skills=[metrics(totals) for totals in found[:limit]],
        skills_total=len(found),
        never_used=list(never_used),
        message=metrics_message(found, limit, never_used) + ("" if caught_up else BACKLOG),
    )


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LARGEST_LIMIT:
        raise InvalidInput(f"limit: {limit} is not between 1 and {LARGEST_LIMIT}.")


def _check_window(since: datetime | None, until: datetime | None) -> None:
    if since is not None and until is not None and since >= until:
        raise InvalidInput(
            f"The window is empty: since {since.isoformat()} is not before until {until.isoformat()}."
        )
