"""Answers include every acknowledged event at once, and equal what SQL says after the fold."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from session_buddy.models.events import SkillEvent
from tests.services.conftest import Home
from tests.support.events import recorded, skill_event, skill_events


def test_what_another_process_acknowledged_is_in_the_next_answer(home: Home) -> None:
    home.journal.append([recorded("a")])
    assert home.reporter.skill_metrics("review").skills[0].invocation_count == 1
    home.journal.append([recorded("b", 5, outcome="failed")])
    after = home.reporter.skill_metrics("review").skills[0]
    assert (after.invocation_count, after.completed_count, after.failed_count) == (2, 1, 1)


def test_an_answer_is_at_hand_only_while_nothing_has_to_be_read(home: Home) -> None:
    home.journal.append([recorded("a")])
    assert home.reporter.metrics_at_hand("review") is None
    asked = home.reporter.skill_metrics("review")
    assert home.reporter.metrics_at_hand("review") == asked
    home.journal.append([recorded("b", 5, outcome="failed")])
    assert home.reporter.metrics_at_hand("review") is None
    assert home.reporter.metrics_at_hand("never used") is None


def test_an_event_about_a_use_that_is_folded_already_changes_the_next_answer(home: Home) -> None:
    home.journal.append([skill_event("a", "started", invoked_at=recorded("a").invoked_at)])
    home.folder.fold_all()
    assert home.reporter.skill_metrics("review").skills[0].open_count == 1
    home.journal.append([recorded("a", 1)])
    after = home.reporter.skill_metrics("review").skills[0]
    assert (after.invocation_count, after.open_count, after.completed_count) == (1, 0, 1)


def test_a_superseded_report_leaves_the_answer_at_once(home: Home) -> None:
    home.journal.append([recorded("a"), recorded("b", 9)])
    home.folder.fold_all()
    home.journal.append([skill_event("b", "superseded", 10)])
    assert home.reporter.skill_metrics("review").skills[0].invocation_count == 1


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(skill_events(), max_size=12, unique_by=lambda event: event.id), st.integers(0, 12))
def test_an_answer_before_the_fold_equals_the_one_after_it(events: list[SkillEvent], folded: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.journal.append(events[:folded])
        home.folder.fold_all()
        for use in {event.invocation_id for event in events} - {
            event.invocation_id for event in events[:folded]
        }:
            home.record.expect(use)
        home.journal.append(events[folded:])
        before = {event.skill_name: home.record.totals(event.skill_name) for event in events}
        home.folder.fold_all()
        after = {event.skill_name: home.record.totals(event.skill_name) for event in events}
        home.journal.close()
        home.store.close()
    assert {name: _counted(totals) for name, totals in before.items()} == {
        name: _counted(totals) for name, totals in after.items()
    }


def _counted(totals: object) -> object:
    """Totals for comparison: a skill whose every use was superseded may be a row of zeros or none."""
    counts = getattr(totals, "invocation_count", 0)
    if not counts:
        return None
    shown = {name: getattr(totals, name) for name in totals.__slots__}  # type: ignore[attr-defined]
    for name in ("duration_buckets", "errors", "phases"):
        shown[name] = {value: count for value, count in shown[name].items() if count}
    return shown | {"duration_sum": round(shown["duration_sum"], 4)}
