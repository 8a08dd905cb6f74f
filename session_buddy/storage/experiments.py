"""Experiments in the tables: folding their events, seeing what followed, and `ExperimentsStorageProtocol`."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from session_buddy.models.events import (
    ExperimentCreated,
    ExperimentEnded,
    JournalEvent,
    OutcomeTold,
    StrategyEvent,
    SuggestedEvent,
)
from session_buddy.models.experiment_events import ABTestConfig
from session_buddy.models.experiments import GroupTotals, KeptExperiment, PastUnits, Shown, StrategyChange
from session_buddy.models.vocabulary import ExperimentMetric, ExperimentUnit
from session_buddy.storage import rows
from session_buddy.storage.connections import Connection, OpenDatabase
from session_buddy.storage.learning import know
from session_buddy.storage.queries import sql


def fold_configs(connection: Connection, events: Sequence[JournalEvent]) -> int:
    """Apply what began, before the suggestions of the same batch that name it; how many events those were."""
    created = [event for event in events if isinstance(event, ExperimentCreated)]
    for event in created:
        connection.execute(sql("insert_experiment"), {"rows": json.dumps(_config_row(event))})
    return len(created)


def fold_experiments(
    connection: Connection, events: Sequence[JournalEvent], session_ids: Sequence[str]
) -> int:
    """Apply exposures, outcomes, ends and promotions, after the suggestions of the same batch.

    session_ids: sessions of which the batch tells. Returns how many events those were.
    """
    exposed = [event for event in events if isinstance(event, SuggestedEvent) and event.unit_id is not None]
    if exposed:
        lines = "\n".join(_exposure_rows(exposed))
        connection.execute(sql("insert_exposures"), {"rows": lines})
        connection.execute(sql("insert_assignments"), {"rows": lines})
    count = 0
    for event in events:
        if isinstance(event, OutcomeTold):
            _fold_told(connection, event)
        elif isinstance(event, ExperimentEnded):
            _fold_end(connection, event)
        elif isinstance(event, StrategyEvent):
            _fold_strategy(connection, event)
        else:
            continue
        count += 1
    observe(connection, session_ids)
    return count


def observe(connection: Connection, session_ids: Sequence[str]) -> None:
    """Bring the outcomes of these sessions up to their uses; suggestions must be attributed already."""
    touched = {"session_ids": "\n".join(session_ids)}
    if not session_ids or not connection.execute(sql("has_exposures"), touched).fetchall():
        return
    result = connection.execute(sql("observed_outcomes"), touched)
    names = [column[0] for column in result.description or ()]
    rows_found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    # Two users may have been given suggestions in one session; a use that followed both counts for one.
    ordered = sorted(rows_found, key=lambda row: str(row["exposure_id"]), reverse=True)
    observed = list({row["outcome_id"]: row for row in ordered}.values())
    now = {row["outcome_id"] for row in observed}
    answered = {row["exposure_id"] for row in observed if row["metric"] == "acceptance_rate"}
    known = connection.execute(sql("known_observed_outcomes"), touched).fetchall()
    for outcome_id, exposure_id, invocation_id in known:
        # A suggestion that nobody took in time stays not taken, unless a use turns up that followed it.
        if outcome_id not in now and (invocation_id is not None or exposure_id in answered):
            connection.execute(sql("delete_outcome"), {"outcome_id": outcome_id})
            connection.execute(sql("unsettle_exposure"), {"exposure_id": exposure_id})
    if observed:
        lines = (json.dumps({**row, "source": "observed"}, default=str) for row in observed)
        connection.execute(sql("insert_observed_outcomes"), {"rows": "\n".join(lines)})


def forget_outcomes(connection: Connection, covered: Mapping[str, object]) -> None:
    """Delete what a request covers, once its exposures and uses are gone, and derive the rest again."""
    connection.execute(sql("delete_unexposed_assignments"))
    connection.execute(sql("delete_matching_outcomes"), covered)
    connection.execute(sql("delete_unassigned_outcomes"))
    sessions = [row[0] for row in connection.execute(sql("exposed_sessions")).fetchall()]
    if sessions:
        connection.execute(sql("attribute_suggestions"), {"session_ids": "\n".join(sessions)})
        observe(connection, sessions)
        connection.execute(sql("unsettle_exposures"))


class StoredExperiments:
    """The tables of experiments. Thread-safe."""

    def __init__(
        self,
        database: OpenDatabase,
        writing: threading.RLock,
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        """writing: the lock under which anybody writes to the database. may_write: whether this user may."""
        self._may_write = may_write
        self._database = database
        self._writing = writing

    def all(self) -> Sequence[KeptExperiment]:
        """Every experiment, the newest first."""
        return [_kept(rows.aware(row)) for row in self._database.records(sql("experiments"))]

    def assigned(self, test_name: str) -> Mapping[str, int]:
        """Group -> its units."""
        return dict(self._database.rows(sql("units_of_groups"), {"test_name": test_name}))

    def group_of(self, test_name: str, unit_id: str) -> str | None:
        """The group of a unit."""
        found = self._database.rows(sql("group_of_unit"), {"test_name": test_name, "unit_id": unit_id})
        return found[0][0] if found else None

    def totals(self, test_name: str, metric: ExperimentMetric, *, logarithms: bool) -> Sequence[GroupTotals]:
        """The outcomes of each group."""
        asked = {"test_name": test_name, "metric": metric, "logarithms": logarithms}
        return [GroupTotals(*row) for row in self._database.rows(sql("sums_of_groups"), asked)]

    def settle(self, until: datetime) -> int:
        """Count what nobody took in time as not taken; who may only read leaves that to others."""
        if not self._may_write():
            return 0
        asked = {"until": rows.naive(until)}
        # Asked often, and seldom so: it would take the turn of a fold away for nothing.
        if not self._database.rows(sql("has_unsettled_exposures"), asked):
            return 0
        with self._writing, self._database.transaction() as connection:
            found: list[tuple[int]] = connection.execute(sql("settle_exposures"), asked).fetchall()
            connection.execute(sql("mark_settled"), asked)
        return found[0][0]

    def strategy_changes(self) -> Sequence[StrategyChange]:
        """The trail, the latest first."""
        return [
            StrategyChange(strategy, replaced, test_name, reason, reverts, _utc(at))
            for strategy, replaced, test_name, reason, reverts, at in self._database.rows(
                sql("strategy_changes")
            )
        ]

    def shown(self, limit: int) -> Sequence[Shown]:
        """The latest suggestions, the oldest first."""
        found = self._database.rows(sql("latest_suggestions"), {"limit": limit})
        return [
            Shown(_utc(at), session_id, user_id, strategy, tuple(skills.split("\n")), propensity, used)
            for at, session_id, user_id, strategy, skills, propensity, used in found
        ]

    def past(
        self, metric: ExperimentMetric, unit: ExperimentUnit, since: datetime, until: datetime
    ) -> PastUnits:
        """The outcomes of a range of time, and when the first came."""
        asked = {"metric": metric, "unit": unit, "since": rows.naive(since), "until": rows.naive(until)}
        *sums, began_at = self._database.rows(sql("sums_of_past"), asked)[0]
        return PastUnits(GroupTotals("", *(value or 0 for value in sums)), rows.utc(began_at))


def _fold_told(connection: Connection, event: OutcomeTold) -> None:
    if event.skill_name is not None:
        know(connection, event.skill_name)
    connection.execute(
        sql("insert_told_outcome"),
        {
            "outcome_id": event.id,
            "test_name": event.test_name,
            "unit_id": event.unit_id,
            "session_id": event.session_id,
            "skill_name": event.skill_name,
            "metric": event.metric,
            "value": event.value,
            "occurred_at": rows.naive(event.occurred_at),
        },
    )


def _fold_end(connection: Connection, event: ExperimentEnded) -> None:
    connection.execute(
        sql("end_experiment"),
        {
            "test_name": event.test_name,
            "status": event.status,
            "reason": event.reason,
            "decision": event.decision,
            "winner": event.winner,
            "at": rows.naive(event.occurred_at),
        },
    )


def _fold_strategy(connection: Connection, event: StrategyEvent) -> None:
    connection.execute(
        sql("insert_strategy_change"),
        {
            "promotion_id": event.id,
            "strategy": event.strategy,
            "replaced_strategy": event.replaced_strategy,
            "test_name": event.test_name,
            "reason": event.reason,
            "reverts": event.kind == "strategy_reverted",
            "promoted_at": rows.naive(event.occurred_at),
        },
    )


def _config_row(event: ExperimentCreated) -> dict[str, Any]:
    config = event.config
    started, ended = config.start_date, config.end_date
    return {
        **config.model_dump(mode="json", exclude={"status", "start_date", "end_date"}),
        "metric": config.metric,
        "planned_sample_size": event.planned_sample_size,
        "start_date": rows.naive(started).isoformat(),
        "end_date": rows.naive(ended).isoformat() if ended is not None else None,
        "created_at": rows.naive(event.occurred_at).isoformat(),
        "status": "running",
        "status_at": rows.naive(event.occurred_at).isoformat(),
    }


def _exposure_rows(events: Sequence[SuggestedEvent]) -> Iterator[str]:
    for event in events:
        at = rows.naive(event.occurred_at).isoformat()
        yield json.dumps(
            {
                "exposure_id": str(event.id),
                "test_name": event.test_name,
                "unit_id": event.unit_id,
                "group_name": event.group_name,
                "session_id": event.session_id,
                "exposed_at": at,
                "strategy": event.strategy,
                "propensity": event.assignment_propensity,
                "assigned_at": at,
            }
        )


def _kept(row: Mapping[str, Any]) -> KeptExperiment:
    config = {
        name: value
        for name, value in row.items()
        if name in ABTestConfig.model_fields and name not in ("metrics", "further_strategies")
    }
    return KeptExperiment(
        config=ABTestConfig(
            **config,
            metrics=tuple(json.loads(row["metrics"])),
            further_strategies=tuple(json.loads(row["further_strategies"])),
        ),
        planned_sample_size=row["planned_sample_size"],
        created_at=row["created_at"],
        status_at=row["status_at"],
        reason=row["status_reason"],
        decision=row["decision"],
        winner=row["winner"],
    )


def _utc(value: datetime) -> datetime:
    found = rows.utc(value)
    assert found is not None  # noqa: S101 - the column is NOT NULL
    return found
