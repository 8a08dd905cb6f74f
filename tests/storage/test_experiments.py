"""Experiments as every store keeps them: groups, what followed the suggestions, the trail, forgetting."""

from collections.abc import Sequence
from typing import Any

import pytest

from session_buddy.models.events import (
    ExperimentCreated,
    ExperimentEnded,
    JournalEvent,
    OutcomeTold,
    StrategyEvent,
    SuggestedEvent,
    SuggestedSkill,
)
from session_buddy.models.experiment_events import ABTestConfig
from session_buddy.models.experiments import GroupTotals
from session_buddy.models.ids import hashed_id
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.values import Batch, ForgetRequest
from tests.storage.conftest import keyed_hash
from tests.support.events import at, recorded, skill_event

HOUR = 3_600.0
METRICS = ("acceptance_rate", "completion_rate", "duration_seconds", "user_rating")


def created(**fields: Any) -> ExperimentCreated:
    values: dict[str, Any] = {
        "test_name": "trial",
        "control_strategy": "repeat_last",
        "treatment_strategy": "markov_blend",
        "start_date": at(0),
        "metrics": METRICS,
    }
    config = ABTestConfig(**values | fields)
    return ExperimentCreated(
        id=hashed_id("test", "created", config.test_name),
        occurred_at=at(0),
        kind="experiment_created",
        test_name=config.test_name,
        config=config,
        planned_sample_size=400,
    )


def exposed(
    session_id: str, group: str = "control", seconds: float = 0, *skills: str, test: str = "trial"
) -> SuggestedEvent:
    return SuggestedEvent(
        id=hashed_id("test", "suggested", session_id, str(seconds)),
        occurred_at=at(seconds),
        kind="suggested",
        session_id=session_id,
        strategy="repeat_last" if group == "control" else "markov_blend",
        skills=tuple(SuggestedSkill(skill_name=name, score=0.3, propensity=0.9) for name in skills),
        test_name=test,
        group_name=group,
        unit_id=session_id,
        assignment_propensity=0.5,
    )


def told(unit_id: str, value: float, seconds: float = 50, **fields: Any) -> OutcomeTold:
    return OutcomeTold(
        id=hashed_id("test", "told", unit_id, str(value), str(seconds)),
        occurred_at=at(seconds),
        kind="experiment_outcome",
        test_name="trial",
        unit_id=unit_id,
        metric="completion_rate",
        value=value,
        **fields,
    )


def fold(store: SkillsStorageProtocol, *events: JournalEvent) -> None:
    store.fold(Batch(events))


def values(store: SkillsStorageProtocol, metric: str) -> dict[str, tuple[int, float]]:
    """Group -> (outcomes, their sum)."""
    found: Sequence[GroupTotals] = store.experiments.totals("trial", metric, logarithms=False)
    return {sums.group_name: (sums.outcomes, sums.total) for sums in found}


def test_an_experiment_is_kept_as_it_was_created(store: SkillsStorageProtocol) -> None:
    event = created(
        description="is the blend better?",
        further_strategies=("popularity",),
        end_date=at(HOUR),
        assignment_ratio=0.4,
        min_sample_size=30,
        unit="user",
        minimum_detectable_effect=0.05,
        promote_winner=True,
    )
    fold(store, event, event)
    (kept,) = store.experiments.all()
    assert kept.config == event.config
    assert (kept.planned_sample_size, kept.created_at, kept.winner) == (400, at(0), None)


def test_the_first_end_counts(store: SkillsStorageProtocol) -> None:
    fold(store, created())
    for number, (status, winner) in enumerate((("completed", "treatment"), ("stopped", None))):
        end = ExperimentEnded(
            id=hashed_id("end", str(number)),
            occurred_at=at(10 + number),
            kind="experiment_ended",
            test_name="trial",
            status=status,
            reason=f"reason {number}",
            decision="treatment_better" if winner else "undecided",
            winner=winner,
        )
        fold(store, end)
    (kept,) = store.experiments.all()
    assert (kept.config.status, kept.winner, kept.reason) == ("completed", "treatment", "reason 0")
    assert (kept.decision, kept.status_at) == ("treatment_better", at(10))


def test_a_unit_is_assigned_by_its_first_suggestion_and_counts_once(store: SkillsStorageProtocol) -> None:
    fold(store, created(), exposed("s1"), exposed("s1", "control", 5), exposed("s2", "treatment"))
    fold(store, exposed("s1", "control", 9), exposed("s3", "treatment"))
    assert store.experiments.assigned("trial") == {"control": 1, "treatment": 2}
    assert store.experiments.group_of("trial", "s1") == "control"
    assert store.experiments.group_of("trial", "s9") is None


def test_an_exposure_to_an_unknown_experiment_is_no_assignment(store: SkillsStorageProtocol) -> None:
    fold(store, exposed("s1", "control", 0, "plan", test="never created"))
    assert store.experiments.assigned("never created") == {}


@pytest.mark.slow
def test_the_next_use_gives_every_outcome_by_itself(store: SkillsStorageProtocol) -> None:
    fold(store, created(), exposed("s1", "control", 0, "plan", "test"), exposed("s2", "treatment", 0, "plan"))
    fold(store, recorded("a", 10, session_id="s1", skill_name="test", duration_seconds=30.0))
    fold(store, recorded("b", 10, session_id="s2", skill_name="draw", outcome="failed"))
    fold(store, recorded("later", 20, session_id="s2", skill_name="plan"))
    fold(store, skill_event("b", "rated", 30, session_id="s2", skill_name="draw", rating=2))
    assert values(store, "acceptance_rate") == {"control": (1, 1.0), "treatment": (1, 0.0)}
    assert values(store, "completion_rate") == {"control": (1, 1.0), "treatment": (1, 0.0)}
    assert values(store, "duration_seconds") == {"control": (1, 30.0), "treatment": (1, 60.0)}
    assert values(store, "user_rating") == {"treatment": (1, 2.0)}


def test_only_the_metrics_of_the_experiment_are_kept(store: SkillsStorageProtocol) -> None:
    fold(store, created(metrics=("completion_rate",)), exposed("s1"), recorded("a", 10, session_id="s1"))
    store.experiments.settle(at(10 * HOUR))
    assert values(store, "completion_rate") == {"control": (1, 1.0)}
    assert values(store, "acceptance_rate") == {}


@pytest.mark.slow
def test_a_correction_moves_the_outcome_and_a_repetition_does_not(store: SkillsStorageProtocol) -> None:
    fold(store, created(), exposed("s1"), recorded("a", 10, session_id="s1"))
    fold(
        store, skill_event("a", "reported", 20, session_id="s1", outcome="failed", outcome_source="reported")
    )
    fold(store, exposed("s1"), recorded("a", 10, session_id="s1"))
    assert values(store, "completion_rate") == {"control": (1, 0.0)}


@pytest.mark.slow
def test_a_use_that_turns_up_before_another_takes_its_place(store: SkillsStorageProtocol) -> None:
    fold(store, created(), exposed("s1", "control", 0, "plan"), recorded("b", 20, session_id="s1"))
    fold(store, recorded("a", 10, session_id="s1", skill_name="plan", duration_seconds=5.0))
    assert values(store, "duration_seconds") == {"control": (1, 5.0)}
    assert values(store, "acceptance_rate") == {"control": (1, 1.0)}


def test_a_use_after_two_suggestions_went_one_way_and_answers_both(store: SkillsStorageProtocol) -> None:
    fold(store, created(), exposed("s1", "control", 0, "plan"), exposed("s1", "control", 5, "review"))
    fold(store, recorded("a", 10, session_id="s1", skill_name="review"))
    assert values(store, "completion_rate") == {"control": (1, 1.0)}
    assert values(store, "acceptance_rate") == {"control": (2, 1.0)}


@pytest.mark.slow
def test_a_suggestion_that_no_use_follows_in_time_was_not_taken(store: SkillsStorageProtocol) -> None:
    fold(store, created(), exposed("s1", "control", 0), exposed("s2", "treatment", 0, "plan"))
    assert store.experiments.settle(at(-1)) == 0
    assert store.experiments.settle(at(1)) == 2
    assert store.experiments.settle(at(1)) == 0
    fold(store, recorded("too late", HOUR + 1, session_id="s1"))
    assert values(store, "acceptance_rate") == {"control": (1, 0.0), "treatment": (1, 0.0)}
    fold(store, recorded("told late", 30, session_id="s2", skill_name="plan"))
    assert values(store, "acceptance_rate") == {"control": (1, 0.0), "treatment": (1, 1.0)}


@pytest.mark.slow
def test_what_is_settled_is_looked_at_again_when_its_outcome_goes(store: SkillsStorageProtocol) -> None:
    fold(store, created(), exposed("s1", "control", 0, "plan"), exposed("s2", "treatment", 0, "plan"))
    fold(store, recorded("a", 10, session_id="s1", skill_name="plan"), recorded("b", 10, session_id="s2"))
    assert store.experiments.settle(at(1)) == 0
    assert values(store, "acceptance_rate") == {"control": (1, 1.0), "treatment": (1, 0.0)}
    fold(store, skill_event("a", "superseded", 20, session_id="s1", skill_name="plan"))
    assert values(store, "acceptance_rate") == {"treatment": (1, 0.0)}
    assert (store.experiments.settle(at(1)), store.experiments.settle(at(1))) == (1, 0)
    assert values(store, "acceptance_rate") == {"control": (1, 0.0), "treatment": (1, 0.0)}
    store.forget(ForgetRequest(skill_name="review"), keyed_hash("review"), at(100))
    assert values(store, "acceptance_rate") == {"control": (1, 0.0)}
    assert (store.experiments.settle(at(1)), store.experiments.settle(at(1))) == (1, 0)
    assert values(store, "acceptance_rate") == {"control": (1, 0.0), "treatment": (1, 0.0)}


def test_a_told_outcome_counts_for_units_that_are_in_a_group(store: SkillsStorageProtocol) -> None:
    fold(store, created(), exposed("s1"))
    fold(store, told("s1", 1.0), told("s1", 1.0), told("stranger", 1.0), told("s1", 0.0, 51))
    assert values(store, "completion_rate") == {"control": (2, 1.0)}


@pytest.mark.slow
def test_sums_are_over_units_and_of_logarithms_where_asked(store: SkillsStorageProtocol) -> None:
    fold(store, created(), *(exposed("s1", "control", s) for s in (0, 100)), exposed("s2"))
    for number, (session_id, seconds, took) in enumerate(
        (("s1", 1, 1.0), ("s1", 101, 0.0), ("s2", 1, 100.0))
    ):
        fold(store, recorded(f"u{number}", seconds, session_id=session_id, duration_seconds=took))
    (plain,) = store.experiments.totals("trial", "duration_seconds", logarithms=False)
    assert plain == GroupTotals("control", 2, 3, 101.0, 10_001.0, 5.0, 10_001.0, 102.0)
    (logs,) = store.experiments.totals("trial", "duration_seconds", logarithms=True)
    assert logs.total == pytest.approx(-6.907755 + 4.605170)


def test_the_trail_of_the_default_is_kept_the_latest_first(store: SkillsStorageProtocol) -> None:
    fold(store, created())
    for seconds, kind, strategy, replaced in (
        (1, "strategy_promoted", "markov", "markov_blend"),
        (2, "strategy_reverted", "markov_blend", "markov"),
    ):
        change = StrategyEvent(
            id=hashed_id("change", kind),
            occurred_at=at(seconds),
            kind=kind,
            strategy=strategy,
            replaced_strategy=replaced,
            test_name="trial",
            reason="because",
        )
        fold(store, change, change)
    latest, first = store.experiments.strategy_changes()
    assert (latest.strategy, latest.reverts, latest.at) == ("markov_blend", True, at(2))
    assert (first.strategy, first.test_name, first.reverts) == ("markov", "trial", False)


@pytest.mark.slow
def test_what_was_suggested_comes_with_what_was_used_next(store: SkillsStorageProtocol) -> None:
    fold(store, created(), exposed("s1", "control", 0, "plan", "test"), exposed("s2", "control", 5, "plan"))
    fold(store, recorded("a", 10, session_id="s1", skill_name="test"))
    first, second = store.experiments.shown(10)
    assert (first.possible, first.used, first.propensity) == (("plan", "test"), "test", 0.9)
    assert (second.session_id, second.possible, second.used) == ("s2", ("plan",), None)
    assert store.experiments.shown(1) == [second]


@pytest.mark.slow
def test_the_past_is_summed_over_users_or_sessions(store: SkillsStorageProtocol) -> None:
    outcomes = ("completed", "failed", "completed", None)
    for number, outcome in enumerate(outcomes):
        use = recorded(
            f"u{number}",
            number * 60,
            session_id=f"s{number % 2}",
            user_id="me",
            outcome=outcome,
            outcome_source=outcome and "inferred",
        )
        fold(store, use)
    past = store.experiments.past("completion_rate", "session", at(0), at(HOUR))
    assert past.totals == GroupTotals("", 2, 3, 2.0, 2.0, 5.0, 4.0, 4.0)
    assert past.began_at == at(0)
    assert store.experiments.past("completion_rate", "user", at(0), at(HOUR)).totals.units == 1
    assert store.experiments.past("duration_seconds", "session", at(0), at(HOUR)).totals.outcomes == 4
    assert store.experiments.past("user_rating", "session", at(0), at(HOUR)).totals.units == 0


@pytest.mark.slow
def test_past_suggestions_were_taken_or_not(store: SkillsStorageProtocol) -> None:
    fold(store, created(), exposed("s1", "control", 0, "plan", "test"), exposed("s2", "control", 5, "plan"))
    fold(store, recorded("a", 10, session_id="s1", skill_name="test"))
    assert store.experiments.past("acceptance_rate", "session", at(0), at(HOUR)).totals == GroupTotals(
        "", 2, 2, 1.0, 1.0, 2.0, 1.0, 1.0
    )


@pytest.mark.slow
def test_a_forgotten_session_leaves_no_trace_in_an_experiment(store: SkillsStorageProtocol) -> None:
    fold(store, created(), exposed("s1", "control", 0, "review"), exposed("s2", "treatment", 0, "review"))
    fold(store, recorded("a", 10, session_id="s1"), recorded("b", 10, session_id="s2"))
    fold(store, told("s1", 1.0, session_id="s1"))
    store.forget(ForgetRequest(session_id="s1"), keyed_hash("s1"), at(100))
    fold(store, exposed("s1", "control", 0, "review"), told("s1", 1.0, session_id="s1"))
    assert store.experiments.assigned("trial") == {"treatment": 1}
    assert values(store, "completion_rate") == {"treatment": (1, 1.0)}
    assert len(store.experiments.all()) == 1


@pytest.mark.slow
def test_forgetting_by_time_takes_the_outcomes_before_it_and_no_experiment(
    store: SkillsStorageProtocol,
) -> None:
    fold(store, created(), exposed("s1", "control", 0, "review"), exposed("s2", "control", 500, "review"))
    fold(store, recorded("a", 10, session_id="s1"), recorded("b", 510, session_id="s2"))
    store.forget(ForgetRequest(before=at(400)), "", at(1_000))
    assert store.experiments.assigned("trial") == {"control": 1}
    assert values(store, "acceptance_rate") == {"control": (1, 1.0)}
    assert len(store.experiments.all()) == 1


@pytest.mark.slow
def test_a_forgotten_skill_takes_the_suggestions_that_named_it(store: SkillsStorageProtocol) -> None:
    fold(store, created(), exposed("s1", "control", 0, "review"), exposed("s2", "control", 0, "plan"))
    fold(store, recorded("a", 10, session_id="s1"), recorded("b", 10, session_id="s2"))
    fold(store, recorded("c", 20, session_id="s2", skill_name="plan"))
    store.forget(ForgetRequest(skill_name="review"), keyed_hash("review"), at(100))
    assert store.experiments.assigned("trial") == {"control": 1}
    assert values(store, "acceptance_rate") == {"control": (1, 1.0)}
