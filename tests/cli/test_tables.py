"""Tables and pages, as a person at 80 columns and as a pipe sees them."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from session_buddy.cli import tables
from session_buddy.errors import LeaderUnavailable
from session_buddy.models.answers import (
    Durations,
    Invocation,
    MetricsReport,
    Rate,
    SessionAnalytics,
    SkillDescription,
    SkillMetrics,
    ValueCount,
)
from session_buddy.models.events import Evidence

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG = "a-plugin-with-a-long-name:" + "and-a-skill-with-an-even-longer-one-" * 3


def _console(width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)


def _text(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def _metrics(name: str, **given: Any) -> SkillMetrics:
    values: dict[str, Any] = {
        "skill_name": name,
        "invocation_count": 1204,
        "completed_count": 950,
        "failed_count": 150,
        "abandoned_count": 100,
        "open_count": 4,
        "completion_rate": Rate(value=0.79, lower=0.77, upper=0.81, denominator=1200),
        "duration": Durations(
            p50_seconds=96, p95_seconds=539, mean_seconds=140, sample_count=1200, relative_error=0.01
        ),
        "reported_count": 304,
        "inferred_count": 896,
        "errors": [ValueCount(value="timeout", invocation_count=12)],
        "phases": [ValueCount(value="verification", invocation_count=1204)],
        "rating_mean": 4.25,
        "rating_count": 8,
        "first_invoked_at": NOW - timedelta(days=30),
        "last_invoked_at": NOW,
    }
    return SkillMetrics(**(values | given))


def _report(*skills: SkillMetrics, never_used: tuple[str, ...] = ()) -> MetricsReport:
    return MetricsReport(
        window="all time",
        since=None,
        until=None,
        skills=list(skills),
        skills_total=len(skills),
        never_used=list(never_used),
        message="Nothing was recorded in that window.",
    )


@pytest.mark.parametrize("width", [20, 40])
def test_a_narrow_terminal_still_gets_one_line_a_skill_with_whole_numbers(width: int) -> None:
    out = _console(width)
    tables.show_ranking(_report(_metrics("review-pr")), out)
    _heading, row, *_rest = _text(out).splitlines()
    assert row.startswith("review-pr ")
    assert "100 %" in row or "%" in row
    assert len(row.split("  ")) > 5, row


def _use(number: int, **given: Any) -> Invocation:
    values: dict[str, Any] = dict.fromkeys(Invocation.model_fields)
    values |= {
        "invocation_id": UUID(int=number),
        "skill_name": "review",
        "session_id": "s",
        "agent": "claude-code",
        "thread": "main",
        "origin": "agent",
        "source": "transcript",
        "invoked_at": NOW,
        "evidence": (),
        "workflow_phase": "unknown",
    }
    return Invocation(**(values | given))


def _session(*uses: Invocation) -> SessionAnalytics:
    return SessionAnalytics(
        session_id="3f2a91c0-0000-4000-8000-000000000000",
        agent="claude-code",
        project="/home/dev/shop",
        started_at=NOW,
        ended_at=None,
        invocation_count=len(uses),
        skill_count=1,
        completed_count=1,
        failed_count=1,
        abandoned_count=0,
        open_count=0,
        completion_rate=None,
        duration_seconds=42,
        effectiveness_score=None,
        workflow_path=["setup", "verification"],
        skill_path=[use.skill_name for use in uses],
        invocations=list(uses),
        message="",
    )


def test_the_ranking_shows_rates_with_intervals_and_where_outcomes_come_from() -> None:
    out = _console()
    tables.show_ranking(_report(_metrics("review")), out)
    (row,) = [line for line in _text(out).splitlines() if line.startswith("review")]
    assert "1,204" in row
    assert "79 % (77-81)" in row
    assert "304/896" in row
    assert "reported by the agent or a person / inferred" in _text(out).replace("\n", " ")


@pytest.mark.parametrize("width", [80, 100])
def test_no_line_is_wider_than_the_terminal_and_no_name_is_cut(width: int) -> None:
    out = _console(width)
    tables.show_ranking(_report(_metrics(LONG), _metrics("b")), out)
    tables.show_session(_session(_use(1, skill_name=LONG, thread="a1", origin="user")), out)
    lines = _text(out).splitlines()
    assert all(len(line) <= width for line in lines)
    assert "…" not in _text(out)


def test_without_colour_nothing_is_lost() -> None:
    out = _console()
    failed = _use(1, outcome="failed", outcome_source="inferred", evidence=(Evidence(kind="check_failed"),))
    tables.show_session(_session(failed), out)
    assert "\x1b" not in _text(out)
    assert "failed, inferred" in " ".join(_text(out).split())
    assert "check failed" in " ".join(_text(out).split())


def test_skills_that_were_never_used_are_named_but_not_by_the_hundred() -> None:
    out = _console()
    tables.show_ranking(_report(_metrics("a"), never_used=tuple(f"s{n}" for n in range(100))), out)
    assert "s0, s1" in _text(out)
    assert "and 92 more" in " ".join(_text(out).split())


def test_an_empty_ranking_says_so_instead_of_showing_an_empty_table() -> None:
    out = _console()
    tables.show_ranking(_report(), out)
    assert _text(out) == "Nothing was recorded in that window.\n"


def test_a_skill_s_page_tells_what_is_known_and_leaves_out_what_is_not() -> None:
    description = SkillDescription(
        skill_name="review",
        installed=True,
        description="Reviews a change.",
        scopes=["user"],
        category=None,
        modality=None,
        invocation_count=1204,
        completion_rate=None,
        last_invoked_at=NOW,
        often_before=[ValueCount(value="test-first", invocation_count=3)],
        often_after=[],
        message="",
    )
    out = _console()
    tables.show_skill(description, _report(_metrics("review", rating_mean=None)), out)
    text = _text(out)
    assert "950 completed, 150 failed, 100 abandoned, 4 open" in text
    assert "304 reported, 896 inferred" in text
    assert "usually before it  test-first (3)" in text
    assert "usually after" not in text
    assert "rating" not in text


@pytest.mark.slow
@given(st.text(max_size=60), st.text(max_size=60))
def test_recorded_text_is_shown_as_it_stands_and_cannot_steer_the_terminal(name: str, detail: str) -> None:
    out = _console()
    use = _use(1, skill_name=name, outcome="failed", evidence=(Evidence(kind="tool_errors", detail=detail),))
    tables.show_session(_session(use), out)
    assert "\x1b" not in _text(out)
    assert "\x07" not in _text(out)


def test_markup_in_a_name_is_not_interpreted() -> None:
    out = _console()
    tables.show_ranking(_report(_metrics("[red]x[/red]")), out)
    assert "[red]x[/red]" in _text(out)


def test_an_answer_of_a_newer_leader_is_read_and_one_that_cannot_be_is_explained() -> None:
    answer = _report(_metrics("a")).model_dump(mode="json")
    answer["newer"] = answer["skills"][0]["newer"] = 1
    del answer["since"], answer["skills"][0]["rating_mean"]
    assert tables.answer_of(MetricsReport, answer).skills[0].skill_name == "a"
    with pytest.raises(LeaderUnavailable, match="another version"):
        tables.answer_of(MetricsReport, {"skills": []})
