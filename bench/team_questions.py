"""What the tools ask of a store, by the tool that asks it; and the plan of whatever PostgreSQL is asked."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from session_buddy.models.findings import HoursAsked
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.runs import RunFilter
from session_buddy.models.values import Dimensions, Window
from session_buddy.storage.postgres_database import PostgresConnection
from session_buddy.storage.queries import Statement, queries

SKILL, OTHERS = "skill-000", [f"skill-{number:03}" for number in range(0, 500, 10)]
SESSION = "session-77"
_USE = UUID("00000000-0000-4000-8000-000000000001")
Question = Callable[[SkillsStorageProtocol], object]


def questions(now: datetime | None = None) -> Mapping[str, Question]:
    """Each question by the tool that asks it."""
    now = now or datetime.now(UTC)
    hour, day, week, month, quarter = (
        Window(now - timedelta(hours=hours), None) for hours in (1, 24, 7 * 24, 30 * 24, 90 * 24)
    )
    return {
        **_of_record(),
        "get_skill_metrics, one": lambda store: store.totals(SKILL),
        "get_skill_metrics, all": lambda store: store.all_totals(),
        "get_skill_metrics, one, a week": lambda store: store.window_totals(week, SKILL),
        "get_skill_metrics, one, 90 days": lambda store: store.window_totals(quarter, SKILL),
        "get_skill_metrics, all, a day": lambda store: store.window_totals(day),
        "get_skill_metrics, all, a week": lambda store: store.window_totals(week),
        "get_skill_metrics, all, of a user, a week": lambda store: store.window_totals(
            week, None, Dimensions(user_id="user-1")
        ),
        "get_real_time_metrics, an hour": lambda store: _real_time(store, hour),
        "get_real_time_metrics, a day": lambda store: _real_time(store, day),
        "get_session_analytics": lambda store: (
            store.session_summary(SESSION),
            store.session_invocations(SESSION),
            store.runs.runs_of_session(SESSION),
        ),
        "sessions": lambda store: store.sessions(20),
        "describe_skill": lambda store: (
            store.catalogue(),
            store.neighbours(SKILL, 5),
            store.findings.categories(),
            store.findings.descriptions(),
        ),
        **_of_suggesting(),
        **_of_findings(now, week, quarter),
        **_of_experiments(now),
        "get_pipeline_analytics": lambda store: (
            store.runs.stage_totals(RunFilter(month)),
            store.runs.stage_days(RunFilter(month)),
        ),
        "get_quality_workflow": lambda store: (
            store.runs.gate_totals(RunFilter(month)),
            store.runs.fixes(),
            store.runs.failed_checks(RunFilter(month)),
        ),
        "start of a leader: the last day, live": lambda store: (
            store.superseded_since(now - timedelta(days=2)),
            list(store.invocations(day)),
            store.invocation_counts(),
            store.unfinished_sessions(now - timedelta(days=7)),
        ),
        "status": lambda store: store.counts(),
    }


def _of_record() -> Mapping[str, Question]:
    return {
        "record, rate: which use is meant": lambda store: (
            store.known_event(_USE),
            store.invocation(_USE),
            store.events_of([_USE]),
            store.latest_invocation(SKILL, SESSION),
            store.latest_invocation(SKILL, None),
        ),
        "record_pipeline_stage": lambda store: store.runs.is_known(_USE),
    }


def _real_time(store: SkillsStorageProtocol, window: Window) -> object:
    assert window.since is not None
    return (store.top_skills(window, 10), store.active_anomalies(), store.active_sessions(window.since))


def _of_suggesting() -> Mapping[str, Question]:
    return {
        "suggest_next_skill, a session": lambda store: store.session_invocations(SESSION),
        "suggest_next_skill, what it learns from": lambda store: (
            store.past_uses(20_000),
            store.catalogue(),
        ),
        "suggest_next_skill, how it did": lambda store: store.acceptance(),
        "suggest_next_skill, of another agent": lambda store: store.skills_of_agent("claude-code"),
        "suggest_skills_for_code": lambda store: (store.runs.fixes(), store.runs.open_failures()),
    }


def _of_findings(now: datetime, week: Window, quarter: Window) -> Mapping[str, Question]:
    since = now - timedelta(days=1)

    def like(store: SkillsStorageProtocol) -> object:
        found = store.findings
        near = [user.user_id for user in found.users_like("user-1", 20)]
        return (
            found.skills_of_users(["user-1"]),
            found.count_users(),
            found.skills_of_users(near, ["user-1"]),
        )

    return {
        "detect_anomalies": lambda store: (
            store.findings.skills_used_since(since),
            store.findings.anomalies(since),
        ),
        "detect_anomalies, histories of 50 skills": lambda store: store.findings.latest_uses(OTHERS, 600),
        "detect_anomalies, zscore": lambda store: store.findings.deviating_hours(
            HoursAsked(since, since - timedelta(days=7), 2.0, 24, 50)
        ),
        "get_skill_trend": lambda store: (
            store.findings.count_decided(SKILL, week),
            store.findings.periods(SKILL, week, 12),
        ),
        "get_skill_trend of 90 days": lambda store: (
            store.findings.count_decided(SKILL, quarter),
            store.findings.periods(SKILL, quarter, 12),
        ),
        "get_skill_dependencies": lambda store: (
            store.findings.count_sessions(),
            store.findings.partners(SKILL),
            store.findings.count_sessions(SKILL),
        ),
        "get_collaborative_recommendations": like,
        "the same where nobody is alike": lambda store: store.findings.popular(),
        "get_community_baselines": lambda store: store.findings.usage(20),
        "baselines and clusters, each five minutes": lambda store: (
            store.findings.usage(10_000),
            store.findings.pair_similarities(3),
        ),
    }


def _of_experiments(now: datetime) -> Mapping[str, Question]:
    return {
        "run_ab_test": lambda store: (
            store.experiments.all(),
            store.experiments.totals("order", "completion_rate", logarithms=False),
            store.experiments.assigned("order"),
            store.experiments.group_of("order", SESSION),
            store.experiments.strategy_changes(),
        ),
        "run_ab_test, a new one": lambda store: store.experiments.past(
            "completion_rate", "session", now - timedelta(days=30), now
        ),
        "strategies compared": lambda store: store.experiments.shown(5_000),
        "settle, each minute": lambda store: store.experiments.settle(now - timedelta(hours=1)),
    }


_PLANNED = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE|CREATE TEMPORARY TABLE)\b")
_INDEX = re.compile(r"(?:Index(?: Only)? Scan(?: Backward)? using|Bitmap Index Scan on) (\w+)")
_WHOLE = re.compile(r"Seq Scan on (\w+)")


class Explained:
    """While it lasts, notes the plan of every statement that is run, with its parameters.

    plans: statement name -> its plan, of the last time.
    """

    def __init__(self) -> None:
        self.plans: dict[str, str] = {}
        self._plain = PostgresConnection.execute
        self._names = {query.sql: name for name, query in queries("postgres/queries").items()}

    def __enter__(self) -> Self:
        plain, plans, names = self._plain, self.plans, self._names

        def execute(connection: PostgresConnection, query: str, parameters: object = None) -> object:
            name = query.name if isinstance(query, Statement) else names.get(query)
            if name is not None:
                text = connection.text(name)
                if _PLANNED.match(text):
                    found = plain(connection, f"EXPLAIN {text}", parameters)  # type: ignore[arg-type]
                    plans[name] = "\n".join(row[0] for row in found.fetchall())
            return plain(connection, query, parameters)  # type: ignore[arg-type]

        PostgresConnection.execute = execute  # type: ignore[method-assign,assignment]
        return self

    def __exit__(self, *_: object) -> None:
        PostgresConnection.execute = self._plain  # type: ignore[method-assign]


def indexes_of(plan: str) -> list[str]:
    """The indexes that a plan uses."""
    return sorted(set(_INDEX.findall(plan)))


def whole_tables_of(plan: str, rows: Mapping[str, int]) -> list[str]:
    """The tables that a plan reads in full, of those whose rows are given."""
    return sorted(set(_WHOLE.findall(plan)) & set(rows))
