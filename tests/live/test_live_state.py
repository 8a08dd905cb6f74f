"""The live state against counting anew from the same invocations, and against SQL over them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from session_buddy.live.merge import merge
from session_buddy.live.moments import microseconds, moment_of
from session_buddy.live.selections import SELECTIONS_KEPT, Selection
from session_buddy.live.state import Change, LiveState
from session_buddy.live.tallies import quantile
from session_buddy.live.windows import DAY, HOUR, P95_FROM, WINDOW_HOURS, Windows
from session_buddy.models.answers import ActiveAnomaly, Invocation, TopSkill
from session_buddy.models.events import SkillEvent
from session_buddy.models.values import Batch, Window
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.support.events import START, invocation_id
from tests.support.live import ended_now, keyed_hash

SKILLS = ["review", "test", "plugin:deploy"]
_EDGES = st.sampled_from([0, 1, 59, 60, 61, 119, 1439, 1440, 1441, 1500])
MINUTES = st.integers(0, 1600) | _EDGES


@st.composite
def events(draw: st.DrawFn) -> SkillEvent:
    """An event of one of a few uses that began, and happened, some time in a day and a bit."""
    kind = draw(st.sampled_from(["started", "ended", "recorded", "reported", "rated", "superseded"]))
    outcome = draw(st.none() | st.sampled_from(["completed", "failed", "abandoned"]))
    report = kind in ("reported", "rated")
    return SkillEvent(
        id=UUID(int=draw(st.integers(0, 2**128 - 1))),
        occurred_at=START + timedelta(minutes=draw(MINUTES)),
        kind=kind,
        invocation_id=invocation_id(draw(st.sampled_from("abcdefgh"))),
        skill_name=draw(st.sampled_from(SKILLS)),
        session_id=draw(st.sampled_from(["morning", "evening"])),
        project=draw(st.sampled_from([None, "/shop", "/bank"])),
        agent=draw(st.sampled_from(["claude-code", "codex"])),
        user_id=draw(st.sampled_from([None, "u", "v"])),
        source="mcp" if report else draw(st.sampled_from(["hook", "transcript"])),
        authority=30 if report else draw(st.sampled_from([10, 20])),
        invoked_at=draw(st.none() | MINUTES.map(lambda minutes: START + timedelta(minutes=minutes))),
        duration_seconds=draw(st.none() | st.floats(0, 1e5, allow_nan=False)),
        outcome=outcome,
        outcome_source="inferred" if outcome else None,
        rating=draw(st.integers(1, 5)) if kind == "rated" else None,
    )


class Follower:
    """Merges events, as `LiveRecord` does, without queue, threads or database."""

    def __init__(self) -> None:
        self.state = LiveState()
        self.known: dict[UUID, list[SkillEvent]] = {}

    def take(self, event: SkillEvent) -> None:
        before = merge(self.known.get(event.invocation_id, ()))
        self.known.setdefault(event.invocation_id, []).append(event)
        after = merge(self.known[event.invocation_id])
        self.state.note_session(event)
        self.state.apply(Change(event.invocation_id, before, after, live=True))

    def uses(self) -> list[Invocation]:
        merged = (merge(of_use) for of_use in self.known.values())
        return [use for use in merged if use is not None]


def counted_anew(uses: Sequence[Invocation], since: datetime) -> dict[str, TopSkill]:
    """The figures of a window, from all its invocations."""
    found = {}
    for name in {use.skill_name for use in uses if use.invoked_at >= since}:
        within = [use for use in uses if use.skill_name == name and use.invoked_at >= since]
        completed = [use.completed for use in within if use.completed is not None]
        durations = [use.duration_seconds for use in within if use.duration_seconds is not None]
        found[name] = TopSkill(
            skill_name=name,
            invocation_count=len(within),
            completed_count=sum(completed),
            completion_rate=sum(completed) / len(completed) if completed else None,
            avg_duration=float(np.mean(durations)) if durations else None,
            p95_duration=float(np.quantile(durations, 0.95)) if durations else None,
            last_invocation_at=max(use.invoked_at for use in within),
        )
    return found


def shown(windows: Windows, window: int) -> list[TopSkill]:
    """What the live state says of a window."""
    rows = [windows.figures(window, name) for name in windows.top(window, 100)]
    return [
        TopSkill(
            skill_name=row.skill_name,
            invocation_count=row.invocation_count,
            completed_count=row.completed_count,
            completion_rate=row.completion_rate,
            avg_duration=row.avg_duration,
            p95_duration=row.p95_duration,
            last_invocation_at=moment_of(row.last_at),
        )
        for row in rows
        if row is not None
    ]


def assert_same(found: Sequence[TopSkill], expected: Sequence[TopSkill]) -> None:
    assert [row.skill_name for row in found] == [row.skill_name for row in expected]
    for one, other in zip(found, expected, strict=True):
        inexact = {"avg_duration", "p95_duration"}
        assert one.model_dump(exclude=inexact) == other.model_dump(exclude=inexact)
        measured = [(one.avg_duration, other.avg_duration), (one.p95_duration, other.p95_duration)]
        for value, expected_value in measured:
            if expected_value is None:
                assert value is None
            else:
                assert value == pytest.approx(expected_value, rel=1e-9, abs=1e-8)


def ranked(rows: dict[str, TopSkill]) -> list[TopSkill]:
    return sorted(rows.values(), key=lambda row: (-row.invocation_count, row.skill_name))


steps = st.lists(st.tuples(events(), st.integers(0, 120)), max_size=12, unique_by=lambda step: step[0].id)


@pytest.mark.slow
@settings(max_examples=40)
@given(steps)
def test_after_every_event_the_windows_equal_counting_anew(script: list[tuple[SkillEvent, int]]) -> None:
    follower, now = Follower(), START
    for event, minutes in script:
        now += timedelta(minutes=minutes)
        follower.state.advance(microseconds(now))
        follower.take(event)
        for window, hours in enumerate(WINDOW_HOURS):
            expected = counted_anew(follower.uses(), now - timedelta(hours=hours))
            assert_same(shown(follower.state.windows, window), ranked(expected))


@pytest.mark.slow
@settings(max_examples=40)
@given(steps, st.integers(0, 12), st.integers(0, 12))
def test_the_windows_of_a_project_equal_counting_its_uses_whenever_they_are_asked_for(
    script: list[tuple[SkillEvent, int]], asked_at: int, filled_until: int
) -> None:
    follower, now = Follower(), START
    selections, shop = follower.state.selections, Selection("/shop")
    filling = selections.fill(shop)
    for place, (event, minutes) in enumerate(script):
        if asked_at <= place < filled_until:
            next(filling, None)
        now += timedelta(minutes=minutes)
        follower.state.advance(microseconds(now))
        follower.take(event)
    uses = follower.uses()
    others = (
        Selection("/bank"),
        Selection("/nowhere"),
        Selection(agent="codex"),
        Selection("/shop", "codex", "u"),
    )
    for selection in (shop, *others, Selection(user_id="u"), Selection()):
        for window, hours in enumerate(WINDOW_HOURS):
            expected = counted_anew(
                [use for use in uses if selection.holds(use)], now - timedelta(hours=hours)
            )
            assert_same(shown(selections.of(selection).windows, window), ranked(expected))
    day = [use for use in uses if use.invoked_at >= now - timedelta(hours=24)]
    assert set(follower.state.windows.projects(10)) == {use.project for use in day} - {None}
    assert set(follower.state.windows.agents(10)) == {use.agent for use in day}
    assert set(follower.state.windows.users(10)) == {use.user_id for use in day} - {None}


def test_projects_that_nobody_asks_for_any_more_are_let_go_and_come_back() -> None:
    state = LiveState()
    state.advance(microseconds(START))
    use = merge([ended_now("review", now=START, project="/shop")])
    assert use is not None
    state.load(use)
    first = state.selections.of(Selection("/shop"))
    assert state.selections.of(Selection("/shop")) is first
    for number in range(SELECTIONS_KEPT):
        state.selections.of(Selection(f"/{number}"))
    again = state.selections.of(Selection("/shop"))
    assert again is not first
    assert shown(again.windows, HOUR) == shown(first.windows, HOUR) != []


@pytest.mark.slow
@settings(max_examples=12)
@given(steps)
def test_the_windows_and_the_sessions_equal_sql_over_the_same_events(
    script: list[tuple[SkillEvent, int]],
) -> None:
    follower, now = Follower(), START
    for event, minutes in script:
        now += timedelta(minutes=minutes)
        follower.state.advance(microseconds(now))
        follower.take(event)
    store = DuckDBStore(":memory:", keyed_hash)
    store.open()
    try:
        store.fold(Batch(tuple(event for event, _ in script)))
        for window, hours in enumerate(WINDOW_HOURS):
            since = now - timedelta(hours=hours)
            assert_same(shown(follower.state.windows, window), store.top_skills(Window(since, None), 100))
        assert follower.state.active_sessions() == store.active_sessions(now - timedelta(hours=1))
    finally:
        store.close()


@pytest.mark.slow
@settings(max_examples=40)
@given(steps)
def test_a_use_is_counted_once_with_what_was_known_when_its_outcome_became_known(
    script: list[tuple[SkillEvent, int]],
) -> None:
    follower = Follower()
    follower.state.advance(microseconds(START))
    expected: dict[tuple[str, str, str], int] = {}
    decided: set[UUID] = set()
    measured: dict[UUID, float] = {}
    for event, _ in script:
        follower.take(event)
        use = merge(follower.known[event.invocation_id])
        if use is None:
            continue
        if use.outcome is not None and use.invocation_id not in decided:
            decided.add(use.invocation_id)
            key = (use.skill_name, use.workflow_phase, use.outcome)
            expected[key] = expected.get(key, 0) + 1
        if use.duration_seconds is not None:
            measured.setdefault(use.invocation_id, use.duration_seconds)
    counted = follower.state.snapshot().counted
    assert counted.invocations == expected
    assert sum(sum(histogram.counts) for histogram in counted.durations.values()) == len(measured)
    total = sum(histogram.total for histogram in counted.durations.values())
    assert total == pytest.approx(sum(measured.values()), abs=1e-6)


@pytest.mark.slow
@settings(max_examples=40)
@given(steps, st.integers(0, 3000))
def test_the_series_of_a_day_holds_every_use_of_the_day_once(
    script: list[tuple[SkillEvent, int]], minutes: int
) -> None:
    follower = Follower()
    for event, _ in script:
        follower.take(event)
    now = START + timedelta(minutes=minutes)
    follower.state.advance(microseconds(now))
    within = [use for use in follower.uses() if use.invoked_at >= now - timedelta(hours=24)]
    series = follower.state.windows.series(None)
    assert sum(step.invocation_count for step in series) == len(within) == len(follower.state.windows)
    assert sum(step.completed_count for step in series) == sum(use.outcome == "completed" for use in within)
    assert [step.began_at for step in series] == sorted(step.began_at for step in series)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
@example([3.0], 0.95)
def test_quantiles_are_those_of_numpy(values: list[float], q: float) -> None:
    assert quantile(sorted(values), q) == pytest.approx(float(np.quantile(values, q)), rel=1e-9, abs=1e-9)


def test_a_use_leaves_a_window_one_moment_after_its_length() -> None:
    state = LiveState()
    state.advance(microseconds(START))
    state.load(one_use("a", START))
    for window, hours in ((HOUR, 1), (DAY, 24)):
        state.advance(microseconds(START + timedelta(hours=hours)))
        assert state.windows.figures(window, "review") is not None
        state.advance(microseconds(START + timedelta(hours=hours, microseconds=1)))
        assert state.windows.figures(window, "review") is None
    assert len(state.windows) == 0


def test_time_that_goes_back_changes_nothing() -> None:
    state = LiveState()
    state.advance(microseconds(START))
    state.load(one_use("a", START))
    state.advance(microseconds(START - timedelta(days=3)))
    assert state.windows.figures(HOUR, "review") is not None


def test_what_is_loaded_is_in_the_windows_and_not_counted() -> None:
    state = LiveState()
    state.advance(microseconds(START))
    use = one_use("a", START)
    state.load(use)
    state.apply(Change(use.invocation_id, use, use.model_copy(update={"rating": 5}), live=True))
    assert state.windows.figures(DAY, "review") is not None
    assert state.snapshot().counted.invocations == {}


def test_an_import_is_in_the_windows_and_not_counted() -> None:
    state = LiveState()
    state.advance(microseconds(START))
    use = one_use("a", START)
    state.apply(Change(use.invocation_id, None, use, live=False))
    assert state.windows.figures(DAY, "review") is not None
    assert state.snapshot().counted.invocations == {}


def test_a_p95_is_told_from_20_durations_of_a_day_on_and_of_skills_with_a_label_only() -> None:
    state = LiveState(label_limit=1)
    state.advance(microseconds(START))
    for number in range(P95_FROM):
        assert state.snapshot().p95_durations == {}
        for name in ("review", "without-a-label"):
            use = one_use(f"{name}-{number}", START, skill_name=name, seconds=float(number))
            state.apply(Change(use.invocation_id, None, use, live=True))
    assert state.snapshot().p95_durations == {"review": pytest.approx(np.quantile(range(P95_FROM), 0.95))}
    state.advance(microseconds(START + timedelta(days=1, microseconds=1)))
    assert state.snapshot().p95_durations == {}


def test_only_the_most_used_skills_have_a_label_and_no_series_ever_goes_down() -> None:
    state = LiveState(label_limit=2)
    state.advance(microseconds(START))
    state.counters.rank({"a": 9, "b": 5, "c": 1})
    for number, name in enumerate(["a", "c", "d", "c"]):
        use = one_use(str(number), START, skill_name=name)
        state.apply(Change(use.invocation_id, None, use, live=True))
    before = state.snapshot().counted
    assert before.invocations == {("a", "unknown", "completed"): 1, ("_other", "unknown", "completed"): 3}
    assert before.dropped_labels == 3
    state.counters.rank({"c": 99, "a": 9, "b": 5})
    use = one_use("again", START, skill_name="c")
    state.apply(Change(use.invocation_id, None, use, live=True))
    after = state.snapshot().counted.invocations
    assert after == before.invocations | {("c", "unknown", "completed"): 1}


def test_an_anomaly_is_counted_when_it_begins_and_shown_until_it_ends() -> None:
    state = LiveState()
    anomaly = ActiveAnomaly(
        skill_name="review",
        anomaly_type="performance_drop",
        baseline_value=0.9,
        observed_value=0.5,
        deviation_score=4.0,
        detected_at=START,
    )
    state.raise_anomaly(anomaly, live=True)
    state.raise_anomaly(anomaly.model_copy(update={"observed_value": 0.4}), live=True)
    assert state.snapshot().counted.anomalies == {("review", "performance_drop"): 1}
    assert [found.observed_value for found in state.anomalies(["review"])] == [0.4]
    assert state.anomalies(["test"]) == []
    state.resolve_anomaly(anomaly)
    assert state.anomalies() == []


def one_use(name: str, at: datetime, skill_name: str = "review", seconds: float = 1.0) -> Invocation:
    event = SkillEvent(
        id=invocation_id(f"event {name}"),
        occurred_at=at,
        kind="recorded",
        invocation_id=invocation_id(name),
        skill_name=skill_name,
        session_id="morning",
        source="hook",
        authority=10,
        invoked_at=at,
        duration_seconds=seconds,
        outcome="completed",
        outcome_source="inferred",
    )
    use = merge([event])
    assert use is not None
    return use
