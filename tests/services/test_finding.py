"""What is found while it happens, what was found of history, and what is said of too little."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from bench.generators import months
from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.events import SkillEvent
from session_buddy.models.values import ForgetRequest
from session_buddy.services.comparing import Comparer
from session_buddy.services.finding import Finder
from tests.services.conftest import Home
from tests.support.events import at, recorded, session_event

HOUR = 3600.0
STEP = 72 * 60.0
"""Twenty uses a day."""


class Found:
    """A home with detectors; uses happen as the clock passes."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.comparer = Comparer(home.record, home.clock, "me")
        self.finder = Finder(home.record, home.journal, self.comparer, home.clock)
        self.count = 0

    def use(self, *outcomes: bool, skill: str = "deploy", seconds: float = 60.0, **fields: Any) -> None:
        """Uses one after the other; they become known together, when the last is over."""
        events: list[SkillEvent] = []
        for completed in outcomes:
            self.home.clock.pass_seconds(STEP)
            self.count += 1
            moment = (self.home.clock() - at(0)).total_seconds()
            outcome = "completed" if completed else "failed"
            took = seconds * (1 + self.count % 7 / 10)
            values = {
                "skill_name": skill,
                "outcome": outcome,
                "duration_seconds": took,
                "ended_at": at(moment),
            }
            events.append(
                recorded(f"use-{self.count}", moment, session_id=f"s{self.count // 4}", **values | fields)
            )
        now = self.home.clock()
        self.home.journal.append([event.model_copy(update={"occurred_at": now}) for event in events])
        self.finder.settle()

    def usual(self, count: int, **fields: Any) -> None:
        """Uses of which one in twenty fails."""
        self.use(*(number % 20 != 7 for number in range(count)), **fields)


@pytest.fixture
def found(home: Home) -> Found:
    return Found(home)


@pytest.mark.slow
def test_a_planted_drop_is_raised_within_the_bound_shown_and_resolved_after_recovery(found: Found) -> None:
    found.usual(100)
    assert found.finder.anomalies().anomalies == []
    found.use(*(number % 5 > 1 for number in range(25)))
    (anomaly,) = found.finder.anomalies().anomalies
    assert (anomaly.skill_name, anomaly.anomaly_type, anomaly.status) == (
        "deploy",
        "performance_drop",
        "active",
    )
    assert anomaly.baseline_value == pytest.approx(0.95, abs=0.03)
    assert anomaly.observed_value < 0.75
    assert anomaly.deviation_score < -2
    assert [active.skill_name for active in found.home.reporter.real_time_metrics().anomalies] == ["deploy"]
    found.usual(40)
    (anomaly,) = found.finder.anomalies(time_window_hours=24 * 7).anomalies
    assert (anomaly.status, anomaly.resolution) == ("resolved", "recovered")
    assert found.home.reporter.real_time_metrics().anomalies == []


@pytest.mark.slow
def test_a_rebuild_gives_the_same_findings(found: Found) -> None:
    found.usual(100)
    found.use(*(number % 5 > 1 for number in range(25)))
    found.usual(20, skill="lint")
    before = answers(found)
    assert [anomaly.status for anomaly in before[0].anomalies] == ["active"]
    found.home.keeper.rebuild(lambda _progress: None)
    assert answers(found) == before
    found.usual(40)
    history = answers(found)
    assert [anomaly.resolution for anomaly in history[0].anomalies] == ["recovered"]
    found.home.keeper.rebuild(lambda _progress: None)
    assert answers(found) == history


def answers(found: Found) -> list[Any]:
    return [
        found.finder.anomalies(time_window_hours=1000),
        found.finder.anomalies(time_window_hours=30, method="zscore").anomalies_total,
        found.comparer.trend("deploy"),
        found.comparer.dependencies("deploy", min_lift=0),
        found.comparer.baselines(),
        found.comparer.collaborative(),
    ]


@pytest.mark.slow
def test_a_new_leader_goes_on_where_the_last_one_ended(found: Found) -> None:
    found.usual(100)
    found.use(*(number % 5 > 1 for number in range(25)))
    second = Found(found.home)
    second.count = found.count
    assert [anomaly.status for anomaly in second.finder.anomalies().anomalies] == ["active"]
    second.usual(40)
    assert [anomaly.status for anomaly in second.finder.anomalies(time_window_hours=200).anomalies] == [
        "resolved"
    ]


@pytest.mark.slow
def test_an_import_raises_nothing_live_and_is_looked_at_when_asked(found: Found) -> None:
    found.usual(100, source="import")
    found.use(*(number % 5 > 1 for number in range(30)), source="import")
    report = found.finder.anomalies()
    assert [anomaly.status for anomaly in report.anomalies] == ["computed"]
    assert list(found.home.store.active_anomalies()) == []


@pytest.mark.slow
def test_slow_uses_are_raised_and_one_hanging_use_is_told_apart(found: Found) -> None:
    found.usual(80)
    found.use(True, seconds=60_000.0)
    (spike,) = found.finder.anomalies().anomalies
    assert (spike.anomaly_type, spike.measure, spike.method) == ("performance_spike", "duration", "robust")
    found.usual(3)
    assert found.finder.anomalies().anomalies[0].status == "resolved"
    found.usual(25, seconds=180.0)
    kinds = [(found_.anomaly_type, found_.measure) for found_ in found.finder.anomalies().anomalies]
    assert ("performance_drop", "duration") in kinds


@pytest.mark.slow
def test_what_nothing_confirms_is_over_by_itself(found: Found) -> None:
    found.usual(100)
    found.use(*(number % 5 > 1 for number in range(25)))
    found.home.clock.pass_seconds(60 * HOUR)
    (anomaly,) = found.finder.anomalies(time_window_hours=100).anomalies
    assert (anomaly.status, anomaly.resolution) == ("resolved", "not_seen_again")


@pytest.mark.slow
def test_a_correction_of_an_old_use_is_not_counted_twice(found: Found) -> None:
    found.usual(70)
    known = found.finder._watches._watches["deploy"]._completion.window.count
    found.home.journal.append(
        [
            recorded(
                "use-70",
                70 * STEP,
                outcome="failed",
                authority=30,
                source="mcp",
                skill_name="deploy",
                session_id="s17",
                occurred_at=found.home.clock(),
            )
        ]
    )
    found.finder.settle()
    assert found.finder._watches._watches["deploy"]._completion.window.count == known


@pytest.mark.slow
def test_forgetting_a_skill_forgets_its_anomalies(found: Found) -> None:
    found.usual(100)
    found.use(*(number % 5 > 1 for number in range(25)))
    found.usual(2, skill="lint")
    assert found.finder.anomalies().anomalies
    found.home.clock.pass_seconds(1)
    found.home.keeper.forget(ForgetRequest(skill_name="deploy"))
    assert found.finder.anomalies().anomalies == []
    assert not [event for event in found.home.archive.events() if "deploy" in event.model_dump_json()]


@pytest.mark.slow
def test_a_first_answer_does_not_wait_for_the_history_of_every_skill(found: Found) -> None:
    for number in range(7):
        found.usual(2, skill=f"skill-{number}")
    begun = Finder(found.home.record, found.home.journal, found.comparer, found.home.clock)
    first = begun.anomalies(patience=0.0)
    assert first.skills_checked == 5
    assert "The history of 2 more is being looked through" in first.message
    whole = begun.anomalies()
    assert whole.skills_checked == 7
    assert "looked through" not in whole.message
    assert begun.anomalies(patience=0.0) == whole


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_quiet_month_raises_at_most_nine_and_all_are_over_within_two_days(found: Found) -> None:
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    uses = months.quiet(np.random.default_rng(20), begin)
    day = begin.date()
    events: list[SkillEvent] = []
    for number, use in enumerate([*uses, None]):
        if use is None or use.invoked_at.date() != day:
            found.home.clock.at = events[-1].occurred_at
            fold_day(found, events)
            events.clear()
        if use is not None:
            day = use.invoked_at.date()
            moment = (use.invoked_at - at(0)).total_seconds()
            events.append(
                recorded(
                    f"month-{number}",
                    moment,
                    skill_name=use.skill_name,
                    session_id=f"s{number // 5}",
                    outcome="completed" if use.completed else "failed",
                    duration_seconds=use.seconds,
                    ended_at=use.invoked_at,
                )
            )
    found.home.clock.at = begin + timedelta(days=33)
    report = found.finder.anomalies(time_window_hours=24 * 40)
    assert report.anomalies_total <= 9
    assert {anomaly.status for anomaly in report.anomalies} <= {"resolved"}
    for anomaly in report.anomalies:
        assert anomaly.resolved_at is not None
        assert anomaly.resolved_at - anomaly.detected_at <= timedelta(hours=48)


def fold_day(found: Found, events: list[SkillEvent]) -> None:
    """A day's uses, an hour's worth at a time, so that each is live when it is folded."""
    for start in range(0, len(events), 40):
        part = events[start : start + 40]
        found.home.clock.at = part[-1].occurred_at
        told = [event.model_copy(update={"occurred_at": found.home.clock()}) for event in part]
        found.home.journal.append(told)
        found.finder.settle()


def every_answer(found: Found, skill: str) -> Iterator[Any]:
    yield found.finder.anomalies()
    yield found.finder.anomalies(method="zscore")
    yield found.comparer.trend(skill)
    yield found.comparer.dependencies(skill, min_lift=0)
    yield found.comparer.baselines()
    yield found.comparer.collaborative()


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for child in value.values():
            yield from numbers(child)
    elif isinstance(value, list):
        for child in value:
            yield from numbers(child)
    elif isinstance(value, float):
        yield value


@pytest.mark.slow
def test_with_one_user_one_session_and_three_uses_every_answer_says_what_it_cannot(found: Found) -> None:
    found.use(True, True, False, user_id="me")
    for answer in every_answer(found, "deploy"):
        text = answer.model_dump_json()
        assert "NaN" not in text
        assert all(math.isfinite(number) for number in numbers(json.loads(text)))
    assert "insufficient_data" in found.finder.anomalies().message
    trend = found.comparer.trend("deploy")
    assert (trend.trend, trend.confidence, trend.slope) == ("insufficient_data", 0.0, None)
    assert trend.completion_rate is not None
    assert trend.completion_rate.upper - trend.completion_rate.lower > 0.5
    assert "insufficient_data" in found.comparer.dependencies("deploy").message
    assert found.comparer.collaborative().basis == "insufficient_data"
    baselines = found.comparer.baselines()
    assert "insufficient_data" in baselines.message
    assert baselines.baselines[0].percentile is None


def test_with_nothing_recorded_every_answer_says_so(found: Found) -> None:
    found.home.journal.append([session_event("session_started", "morning", 0)])
    assert found.finder.anomalies().anomalies == []
    assert found.comparer.baselines().baselines == []
    assert found.comparer.collaborative().basis == "insufficient_data"
    for ask in (found.comparer.trend, found.comparer.dependencies):
        with pytest.raises(NotFound, match="Nothing has been recorded"):
            ask("deploy")


@pytest.mark.slow
def test_uses_at_one_instant_have_no_trend_and_divide_by_nothing(found: Found) -> None:
    found.home.journal.append(
        [recorded(f"u{n}", 5, outcome="failed" if n % 3 else "completed") for n in range(40)]
    )
    found.home.clock.pass_seconds(60)
    trend = found.comparer.trend("review")
    assert trend.completion.trend == "insufficient_data"
    assert trend.duration.trend == "insufficient_data"


@pytest.mark.slow
def test_a_trend_of_both_measures_is_told(found: Found) -> None:
    found.use(*(number < 50 or number % 3 > 0 for number in range(100)))
    trend = found.comparer.trend("deploy", days=10)
    assert trend.trend == "declining"
    assert trend.slope is not None
    assert trend.slope < 0
    assert trend.confidence > 0.95


@pytest.mark.slow
def test_similar_users_recommend_what_this_one_does_not_use(found: Found) -> None:
    for user, skills in {"me": "ab", "ann": "abc", "bob": "abcd", "eve": "xyz"}.items():
        for skill in skills:
            found.use(True, True, skill=skill, user_id=user)
    answer = found.comparer.collaborative()
    assert (answer.basis, answer.similar_user_count, answer.user_count) == ("similar_users", 2, 4)
    assert [skill.skill_name for skill in answer.recommendations] == ["c", "d"]
    alone = found.comparer.collaborative("eve")
    assert alone.basis == "popularity"
    assert alone.recommendations[0].skill_name in "ab"


@pytest.mark.slow
def test_what_another_machine_learned_just_now_is_left_as_it_is(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    found.use(True, True)
    findings = found.home.store.findings
    asked = "SELECT count(*) FROM skill_community_baselines"
    for due, kept in ((False, 0), (True, 1)):
        monkeypatch.setattr(findings, "baselines_due", lambda _at, _age, due=due: due)
        found.comparer.refresh()
        assert found.home.store._database.rows(asked) == [(kept,)]


@pytest.mark.slow
def test_the_tables_of_what_is_learned_are_kept_up(found: Found) -> None:
    for _ in range(4):
        found.use(True, True, skill="lint-files")
        found.use(True, True, skill="write-docs")
    found.comparer.refresh(at_once=True)
    findings = found.home.store.findings
    assert {one.skill_name: one.value for one in findings.categories()} == {
        "lint-files": "quality",
        "write-docs": "documentation",
    }
    assert [set(cluster.strengths) for cluster in findings.clusters()] == [{"lint-files", "write-docs"}]
    rows = found.home.store._database.rows(
        "SELECT skill_name, completion_rate FROM skill_community_baselines"
    )
    assert sorted(rows) == [("lint-files", 1.0), ("write-docs", 1.0)]


@pytest.mark.parametrize(
    "arguments",
    [{"threshold": 0.0}, {"threshold": math.inf}, {"time_window_hours": 0.0}, {"time_window_hours": 1e9}],
)
def test_arguments_that_make_no_sense_are_refused(found: Found, arguments: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        found.finder.anomalies(**arguments)
    with pytest.raises(InvalidInput):
        found.comparer.trend("deploy", days=0)
    with pytest.raises(InvalidInput):
        found.comparer.dependencies("deploy", limit=0)
