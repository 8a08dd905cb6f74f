"""Answers that compare: a skill with itself over time, with other skills, users with each other."""

import math
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from session_buddy.analytics.similar_users import (
    LEAST_SIMILARITY,
    NEIGHBOURS,
    Neighbour,
    Recommended,
    Usage,
    from_neighbours,
    from_popularity,
    jaccard,
)
from session_buddy.analytics.taxonomy import CATEGORIES, category_of, modality_of
from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.answers_findings import (
    CollaborativeRecommendations,
    CommunityBaselines,
    SkillDependencies,
    SkillTrend,
)
from session_buddy.models.findings import KeptCluster
from session_buddy.models.protocols import Clock
from session_buddy.models.values import Window
from session_buddy.services.comparisons import (
    Basis,
    baseline_of,
    baselines_message,
    collaborative_message,
    completion_of,
    dependency_message,
    dependency_of,
    duration_of,
    placed,
    places_of,
    recommended,
    trend_message,
)
from session_buddy.services.near_names import known_names
from session_buddy.services.record import Record
from session_buddy.services.wording import rate

MOST_DAYS: Final = 36_500.0
MOST_LISTED: Final = 1_000
EVERY_SKILL: Final = 1_000_000
NOBODY: Final = ""
"""The user of uses that were reported without one: whoever uses this home."""
_MOST_PERIODS = 30
_USES_A_PERIOD = 3
_REFRESH_SECONDS = 300.0
_PAIR_SESSIONS = 2


class Comparer:
    """Reads what is learned. Thread-safe; every answer includes every acknowledged event."""

    def __init__(self, record: Record, clock: Clock, own_user: str | None) -> None:
        """record must be over an open storage. own_user: keyed hash of who uses this home."""
        self._record = record
        self._findings = record.storage.findings
        self._clock = clock
        self._own_user = own_user
        self._refreshed_at = float("-inf")

    def trend(self, skill_name: str, days: float = 7.0) -> SkillTrend:
        """How a skill's completion and duration moved in the last days.

        Raises:
            InvalidInput: days outside 0 to 36,500.
            NotFound: a skill that is neither in the record nor installed.
        """
        if not 0 < days <= MOST_DAYS:
            raise InvalidInput(f"days: {days} is not between 0 and {MOST_DAYS:g}.")
        self._check_known(skill_name)
        now = self._clock()
        begin = now - min(timedelta(days=days), now - datetime.min.replace(tzinfo=UTC))
        window = Window(begin, None)
        count = self._findings.count_decided(skill_name, window)
        parts = min(_MOST_PERIODS, max(1, count // _USES_A_PERIOD))
        periods = self._findings.periods(skill_name, window, parts) if count else []
        completion, duration = completion_of(periods), duration_of(periods)
        return SkillTrend(
            skill_name=skill_name,
            days=days,
            trend=completion.trend,
            slope=completion.slope_per_day,
            confidence=0.0 if completion.p_value is None else 1 - completion.p_value,
            completion_rate=rate(sum(period.completed_count for period in periods), count),
            completion=completion,
            duration=duration,
            message=trend_message(skill_name, count, completion, duration),
        )

    def dependencies(self, skill_name: str, limit: int = 10, min_lift: float = 1.5) -> SkillDependencies:
        """Skills that are used in the same sessions as one, by lift, those that are certain first.

        Raises:
            InvalidInput: a limit outside 1 to 1,000, or a negative lift.
            NotFound: a skill that is neither in the record nor installed.
        """
        _check_limit(limit)
        if not 0 <= min_lift < math.inf:
            raise InvalidInput(f"min_lift: {min_lift} is not a number of 0 or more.")
        self._check_known(skill_name)
        sessions = self._findings.count_sessions()
        met = [dependency_of(partner, sessions) for partner in self._findings.partners(skill_name)]
        found = [other for other in met if other.lift >= min_lift]
        found.sort(key=lambda other: (not other.certain, -other.lift, -other.session_count, other.skill_name))
        own = self._findings.count_sessions(skill_name)
        return SkillDependencies(
            skill_name=skill_name,
            session_count=own,
            sessions_total=sessions,
            dependencies=found[:limit],
            message=dependency_message(skill_name, own, sessions, found),
        )

    def collaborative(self, user_id: str | None = None, limit: int = 5) -> CollaborativeRecommendations:
        """Skills that similar users use and this one does not; popular ones where nobody is similar.

        Raises:
            InvalidInput: a limit outside 1 to 1,000.
        """
        _check_limit(limit)
        self._record.catch_up()
        user = user_id or self._own_user or NOBODY
        mine = self._findings.skills_of_users([user] if user_id else [user, NOBODY])
        users = self._findings.count_users()
        own = len({skill.user_id for skill in mine})
        known = {skill.skill_name for skill in mine}
        neighbours = self._neighbours(user, len(known)) if known else []
        found = from_neighbours(neighbours, known)
        basis: Basis = "similar_users" if found else "popularity"
        if not found and users > own:
            found = self._popular(users, known)
        return CollaborativeRecommendations(
            basis=basis if found else "insufficient_data",
            similar_user_count=len(neighbours),
            user_count=users,
            recommendations=[recommended(skill, basis) for skill in found[:limit]],
            message=collaborative_message(basis, len(found), users, len(neighbours)),
        )

    def baselines(self, limit: int = 20) -> CommunityBaselines:
        """How skills go for everybody in this store, most used first, with the caller's own rate beside.

        Raises:
            InvalidInput: a limit outside 1 to 1,000.
        """
        _check_limit(limit)
        self._record.catch_up()
        usage = self._findings.usage(limit)
        places = places_of(usage)
        own = self._findings.skills_of_users([self._own_user or NOBODY])
        mine = {skill.skill_name: skill for skill in own}
        users = self._findings.count_users()
        return CommunityBaselines(
            baselines=[baseline_of(skill, places, mine.get(skill.skill_name)) for skill in usage[:limit]],
            skills_total=len(usage),
            user_count=users,
            message=baselines_message(len(usage), len(places), users),
        )

    def refresh(self, *, at_once: bool = False) -> None:
        """Keep the tables of baselines, clusters and categories up, every five minutes at most.

        They are of everybody in the store, so one home does it for all of a team.
        """
        from session_buddy.analytics.clusters import MOST_SKILLS, clusters  # numpy: no start waits for it

        now, at = time.monotonic(), self._clock()
        if not at_once:
            if now - self._refreshed_at < _REFRESH_SECONDS:
                return
            if not self._findings.baselines_due(at, timedelta(seconds=_REFRESH_SECONDS)):
                return
        self._refreshed_at = now
        usage = self._findings.usage(EVERY_SKILL)
        self._findings.keep_baselines(usage, places_of(usage), at)
        names = [skill.skill_name for skill in usage[:MOST_SKILLS]]
        made = clusters(names, self._findings.pair_similarities(_PAIR_SESSIONS))
        kept = [KeptCluster(cluster.label, cluster.cohesion, cluster.strengths) for cluster in made]
        self._findings.keep_clusters(kept, "average_linkage", at)
        described = self._findings.descriptions()
        self._findings.keep_taxonomy(
            CATEGORIES,
            placed({name: category_of(name, text) for name, text in described.items()}),
            placed({name: modality_of(name, text) for name, text in described.items()}),
        )

    def _popular(self, users: int, known: set[str]) -> list[Recommended]:
        usage = {
            skill.skill_name: (skill.user_count, Usage(skill.decided_count, skill.completed_count))
            for skill in self._findings.popular()
        }
        return from_popularity(usage, users, known)

    def _neighbours(self, user: str, size: int) -> list[Neighbour]:
        similar = {
            other.user_id: jaccard(other.shared_count, size, other.skill_count)
            for other in self._findings.users_like(user, NEIGHBOURS)
            if other.user_id != NOBODY
        }
        near = {name: value for name, value in similar.items() if value >= LEAST_SIMILARITY}
        skills: dict[str, dict[str, Usage]] = {name: {} for name in near}
        for row in self._findings.skills_of_users(list(near), [user]) if near else ():
            skills[row.user_id][row.skill_name] = Usage(row.decided_count, row.completed_count)
        return [Neighbour(value, skills[name]) for name, value in near.items()]

    def _check_known(self, skill_name: str) -> None:
        self._record.catch_up()
        if self._record.totals(skill_name) is None and skill_name not in self._findings.descriptions():
            known = [skill.skill_name for skill in self._findings.usage(0)]
            told = known_names(skill_name, known, "Nothing has been recorded yet.")
            raise NotFound(f"No skill {skill_name!r} is in the record. {told}")


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MOST_LISTED:
        raise InvalidInput(f"limit: {limit} is not between 1 and {MOST_LISTED:,}.")
