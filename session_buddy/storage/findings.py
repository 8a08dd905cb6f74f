"""What is learned, in SQL: `FindingsStorageProtocol` says what each method promises."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from session_buddy.live.sketch import estimate_of
from session_buddy.models.findings import (
    DecidedUse,
    DeviatingHours,
    Hour,
    HourlyMeasure,
    HoursAsked,
    KeptAnomaly,
    KeptCluster,
    Partner,
    Period,
    Placed,
    PopularSkill,
    SimilarUser,
    SkillUsage,
    UserSkill,
)
from session_buddy.models.values import Window
from session_buddy.storage import learning, rows
from session_buddy.storage.connections import Connection, OpenDatabase
from session_buddy.storage.queries import sql


class StoredFindings:
    """The tables of V4, read and kept. Thread-safe."""

    def __init__(
        self,
        database: OpenDatabase,
        writing: threading.RLock,
        learn: Callable[[Connection], bool] = learning.learn,
    ) -> None:
        """writing: the lock under which anybody writes to the database.

        learn: moves every roll-up inside a transaction; whether there was anything to do.
        """
        self._database = database
        self._writing = writing
        self._learn = learn
        self._behind = True

    def folded(self) -> None:
        """The record has changed: the next reading brings the roll-ups up to it."""
        self._behind = True

    def learn(self) -> bool:
        """Bring the roll-ups up to what is folded."""
        return self._behind and self._learn_what_is_folded()

    def _learn_what_is_folded(self) -> bool:
        with self._writing:
            moved = False
            if self._behind:  # still, after waiting for who learned meanwhile
                moved = self._database.with_enough_memory(self._move_roll_ups)
                self._behind = False  # not before: who finds it so does not wait
            return moved

    def _move_roll_ups(self) -> bool:
        with self._database.transaction() as connection:
            return self._learn(connection)

    def uses(self, invocation_ids: Sequence[UUID]) -> Sequence[DecidedUse]:
        """Those of the invocations that are decided."""
        ids = json.dumps([str(invocation_id) for invocation_id in invocation_ids])
        return self._uses("uses_by_id", {"invocation_ids": ids})

    def latest_uses(self, skill_names: Sequence[str], count: int) -> Sequence[DecidedUse]:
        """The latest decided uses of each of the skills."""
        return self._uses("latest_uses", {"skill_names": "\n".join(skill_names), "count": count})

    def _uses(self, statement: str, parameters: Mapping[str, object]) -> list[DecidedUse]:
        found = self._database.rows(sql(statement), parameters)
        return [DecidedUse(name, _utc(at), *rest) for name, at, *rest in found]

    def skills_used_since(self, since: datetime) -> Sequence[str]:
        """Skills with a use in the hour of `since` or later."""
        self.learn()
        hour = rows.naive(since).replace(minute=0, second=0, microsecond=0)
        return [row[0] for row in self._database.rows(sql("skills_used_since"), {"since": hour})]

    def anomalies(self, since: datetime) -> Sequence[KeptAnomaly]:
        """Anomalies that last, or were raised or resolved since."""
        found = self._database.records(sql("anomalies_since"), {"since": rows.naive(since)})
        return [KeptAnomaly(**rows.aware(row)) for row in found]

    def deviating_hours(self, asked: HoursAsked) -> DeviatingHours:
        """The hours that deviate most from those before, found and counted where they are kept."""
        self.learn()
        parameters = {
            "since": rows.naive(asked.since),
            "baseline_since": rows.naive(asked.baseline_since),
            "threshold": asked.threshold,
            "least_hours": asked.least_hours,
            "limit": asked.limit,
        }
        found = self._database.records(sql("deviating_hours"), parameters)
        return DeviatingHours(
            hours=[_hour(row) for row in found if row["skill_name"] is not None],
            anomaly_count=found[0]["anomaly_count"],
            skill_count=found[0]["skill_count"],
            unready_count=found[0]["unready_count"],
        )

    def periods(self, skill_name: str, window: Window, parts: int) -> Sequence[Period]:
        """The decided uses in a window, cut into parts."""
        parameters = {"skill_name": skill_name, "parts": parts, **rows.bounds(window)}
        return [Period(*row[1:]) for row in self._database.rows(sql("periods_of_skill"), parameters)]

    def count_decided(self, skill_name: str, window: Window) -> int:
        """Decided uses of a skill in a window."""
        return self._number("count_decided", {"skill_name": skill_name, **rows.bounds(window)})

    def count_sessions(self, skill_name: str | None = None) -> int:
        """Sessions that used a skill, or any."""
        self.learn()
        if skill_name is None:
            return self._number("count_sessions_with_skills")
        return self._number("sessions_of_skill", {"skill_name": skill_name})

    def partners(self, skill_name: str) -> Sequence[Partner]:
        """Every skill that met this one in a session."""
        self.learn()
        return [
            Partner(*row) for row in self._database.rows(sql("partners_of_skill"), {"skill_name": skill_name})
        ]

    def pair_similarities(self, least_sessions: int) -> Mapping[tuple[str, str], float]:
        """Jaccard index of pairs that met in so many sessions."""
        self.learn()
        found = self._database.rows(sql("pair_similarities"), {"least_sessions": least_sessions})
        return {(one, other): value for one, other, value in found}

    def count_users(self) -> int:
        """Users there are."""
        self.learn()
        return self._number("users")

    def users_like(self, user_id: str, limit: int) -> Sequence[SimilarUser]:
        """Users who share a skill with this one."""
        self.learn()
        found = self._database.rows(sql("users_like"), {"user_id": user_id, "limit": limit})
        return [SimilarUser(*row) for row in found]

    def skills_of_users(self, user_ids: Sequence[str], unlike: Sequence[str] = ()) -> Sequence[UserSkill]:
        """What these users use, and those of `unlike` do not."""
        self.learn()
        # No user is called by a line break, so that a list without one names nobody.
        parameters = {"user_ids": "\n".join(user_ids), "unlike": "\n".join(unlike) if unlike else "\r"}
        return [UserSkill(*row) for row in self._database.rows(sql("skills_of_users"), parameters)]

    def popular(self) -> Sequence[PopularSkill]:
        """How many users each skill has."""
        self.learn()
        return [PopularSkill(*row) for row in self._database.rows(sql("popular_skills"))]

    def usage(self, detailed: int) -> Sequence[SkillUsage]:
        """How every used skill goes."""
        self.learn()
        found = self._database.records(sql("usage_of_skills"), {"detailed": detailed})
        return [_usage(row) for row in found]

    def descriptions(self) -> Mapping[str, str]:
        """Every skill with what it says of itself."""
        return dict(self._database.rows(sql("described_skills")))

    def categories(self) -> Sequence[Placed]:
        """Category of each skill that has one."""
        return [Placed(*row) for row in self._database.rows(sql("assigned_categories"))]

    def modalities(self) -> Sequence[Placed]:
        """Modality of each skill that has one."""
        return [Placed(*row) for row in self._database.rows(sql("assigned_modalities"))]

    def clusters(self) -> Sequence[KeptCluster]:
        """The clusters as they were kept last."""
        found: dict[int, KeptCluster] = {}
        members: dict[int, dict[str, float]] = {}
        for number, label, cohesion, skill_name, strength in self._database.rows(sql("stored_clusters")):
            strengths = members.setdefault(number, {})
            strengths[skill_name] = strength
            found[number] = KeptCluster(label, cohesion, strengths)
        return list(found.values())

    def baselines_due(self, at: datetime, age: timedelta) -> bool:  # noqa: ARG002 - of a team's store
        """A file has one leader, who knows when it made them last."""
        return True

    def keep_baselines(
        self, usage: Sequence[SkillUsage], percentiles: Mapping[str, float], at: datetime
    ) -> None:
        """Replace the community baselines."""
        lines = [_baseline_row(skill, percentiles.get(skill.skill_name), at) for skill in usage]
        with self._writing:
            self._clear_gone_baselines({skill.skill_name for skill in usage})
            with self._database.transaction() as connection:
                connection.execute(sql("insert_baselines"), {"rows": "\n".join(map(json.dumps, lines))})

    def _clear_gone_baselines(self, left: set[str]) -> None:
        """In a transaction of its own: DuckDB still sees keys that were deleted in the same one."""
        kept = {row[0] for row in self._database.rows(sql("skills_with_baseline"))}
        if kept - left:
            with self._database.transaction() as connection:
                connection.execute(sql("delete_baselines"))

    def keep_clusters(self, clusters: Sequence[KeptCluster], method: str, at: datetime) -> None:
        """Replace the clusters."""
        heads, members = [], []
        for number, cluster in enumerate(clusters, start=1):
            heads.append(
                {
                    "cluster_id": number,
                    "label": cluster.label,
                    "method": method,
                    "skill_count": len(cluster.strengths),
                    "cohesion": cluster.cohesion,
                    "computed_at": rows.naive(at).isoformat(),
                }
            )
            members += [
                {"cluster_id": number, "skill_name": name, "strength": strength}
                for name, strength in cluster.strengths.items()
            ]
        with self._writing:
            for statement in ("delete_memberships", "delete_clusters"):
                with self._database.transaction() as connection:
                    connection.execute(sql(statement))
            for statement, lines in (("insert_clusters", heads), ("insert_memberships", members)):
                with self._database.transaction() as connection:
                    connection.execute(sql(statement), {"rows": "\n".join(map(json.dumps, lines))})

    def keep_taxonomy(
        self, built_in: Mapping[str, str], categories: Sequence[Placed], modalities: Sequence[Placed]
    ) -> None:
        """Keep what rules say of skills; what a user said stays."""
        with self._writing, self._database.transaction() as connection:
            for category, description in built_in.items():
                row = {"category": category, "description": description, "built_in": True}
                connection.execute(sql("insert_categories"), row)
            for kind, placed, known in (
                ("category", categories, self.categories()),
                ("modality", modalities, self.modalities()),
            ):
                settled = set(known)
                overruled = {one.skill_name for one in known if one.assigned_by == "user"}
                for one in placed:
                    if one not in settled and one.skill_name not in overruled:
                        learning.place(connection, kind, one)

    def _number(self, statement: str, parameters: Mapping[str, object] | None = None) -> int:
        return int(self._database.rows(sql(statement), parameters)[0][0])


def _utc(value: datetime) -> datetime:
    found = rows.utc(value)
    if found is None:
        raise ValueError("a time is missing")
    return found


def _hour(row: Mapping[str, Any]) -> Hour:
    return Hour(
        skill_name=row["skill_name"],
        begins_at=_utc(row["bucket_start"]),
        invocation_count=row["invocation_count"],
        decided_count=row["decided_count"],
        completed_count=row["completed_count"],
        duration_count=row["duration_count"],
        log_duration_sum=row["log_duration_sum"],
        completion=HourlyMeasure(
            row["completion_hours"], row["completion_mean"], row["completion_deviation"]
        ),
        duration=HourlyMeasure(row["duration_hours"], row["duration_mean"], row["duration_deviation"]),
        volume=HourlyMeasure(row["hours"], row["volume_mean"], row["volume_deviation"]),
    )


def _usage(row: Mapping[str, Any]) -> SkillUsage:
    fields = dict(row)
    for name in ("p50", "p95"):
        bucket = fields.pop(f"{name}_bucket")
        fields[f"{name}_seconds"] = None if bucket is None else estimate_of(bucket)
    return SkillUsage(**fields)


def _baseline_row(skill: SkillUsage, percentile: float | None, at: datetime) -> dict[str, object]:
    return {
        "skill_name": skill.skill_name,
        "user_count": skill.user_count,
        "session_count": skill.session_count,
        "invocation_count": skill.invocation_count,
        "decided_count": skill.decided_count,
        "completed_count": skill.completed_count,
        "completion_rate": skill.completed_count / skill.decided_count if skill.decided_count else None,
        "mean_duration_seconds": skill.mean_duration_seconds,
        "p50_seconds": skill.p50_seconds,
        "p95_seconds": skill.p95_seconds,
        "mean_rating": skill.mean_rating,
        "percentile": percentile,
        "computed_at": rows.naive(at).isoformat(),
    }
