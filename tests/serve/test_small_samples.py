"""One user, one session, no more than three uses: what can be said is said, and nothing is guessed."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from session_buddy.models.values import Caller
from session_buddy.services import Services
from session_buddy.services.reports import InvocationReport
from tests.serve.clients import SESSION, answer
from tests.serve.conftest import Connect

pytestmark = pytest.mark.anyio
CALLER = Caller(connection_id="test", session_id=SESSION)

Told = tuple[bool | None, float | None]
RECORDS: dict[str, list[Told]] = {
    "one use, still open": [(None, None)],
    "one use that completed": [(True, 12.0)],
    "one use that failed in no time": [(False, 0.0)],
    "three uses that completed": [(True, 5.0), (True, 5.0), (True, 5.0)],
    "three uses that failed": [(False, None), (False, None), (False, None)],
    "three uses of all sorts": [(True, 1e-9), (False, 86_400.0), (None, None)],
}
ASKED: dict[str, dict[str, Any]] = {
    "get_skill_metrics": {},
    "get_real_time_metrics": {},
    "get_session_analytics": {},
    "describe_skill": {"skill_name": "lint"},
    "suggest_next_skill": {"query": "lint it"},
    "predict_skill_success": {"skill_name": "lint"},
    "detect_anomalies": {},
    "get_skill_trend": {"skill_name": "lint"},
    "get_skill_dependencies": {"skill_name": "lint", "min_lift": 0},
    "get_community_baselines": {},
    "get_collaborative_recommendations": {},
    "get_pipeline_analytics": {},
    "get_quality_workflow": {},
}


def record(services: Services, told: list[Told]) -> None:
    begin = datetime.now(UTC) - timedelta(minutes=30)
    for number, (completed, seconds) in enumerate(told):
        report = InvocationReport(
            skill_name="lint",
            completed=completed,
            duration_seconds=seconds,
            invoked_at=begin + timedelta(minutes=number),
        )
        services.recorder.record_invocation(report, CALLER)


def numbers(value: Any) -> Iterator[float]:
    """Every number in an answer."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, int | float):
        yield value


def rates(value: Any) -> Iterator[dict[str, Any]]:
    """Every rate with its interval in an answer."""
    if isinstance(value, dict):
        if {"lower", "upper", "denominator"} <= value.keys():
            yield value
        for inner in value.values():
            yield from rates(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from rates(inner)


@pytest.mark.slow
@pytest.mark.parametrize("told", RECORDS.values(), ids=RECORDS)
async def test_every_tool_says_what_it_can_and_guesses_nothing(
    services: Services, connect: Connect, told: list[Told]
) -> None:
    record(services, told)
    decided = sum(completed is not None for completed, _ in told)
    async with connect() as client:
        answers = {tool: await answer(client, tool, **given) for tool, given in ASKED.items()}
        zscore = await answer(client, "detect_anomalies", method="zscore")
    for tool, found in answers.items():
        assert all(math.isfinite(number) for number in numbers(found)), tool
        for rate in rates(found):
            assert 0 <= rate["lower"] <= rate["value"] <= rate["upper"] <= 1, tool
            assert rate["upper"] - rate["lower"] > 0.4, tool
    assert zscore["anomalies"] == answers["detect_anomalies"]["anomalies"] == []
    assert "insufficient_data" in answers["detect_anomalies"]["message"]
    trend = answers["get_skill_trend"]
    assert (trend["trend"], trend["confidence"]) == ("insufficient_data", 0)
    assert "insufficient_data" in trend["message"]
    assert answers["get_skill_dependencies"]["dependencies"] == []
    assert "insufficient_data" in answers["get_skill_dependencies"]["message"]
    assert answers["get_collaborative_recommendations"]["basis"] == "insufficient_data"
    baselines = answers["get_community_baselines"]
    assert [skill.get("percentile") for skill in baselines["baselines"]] == [None]
    assert "insufficient_data" in baselines["message"]
    prediction = answers["predict_skill_success"]
    assert "insufficient_data" in prediction["message"]
    assert prediction["decided_count"] == decided
    assert (prediction.get("probability") is None) == (decided == 0)
    assert 0.1 < prediction.get("probability", 0.5) < 0.9
    for suggestion in answers["suggest_next_skill"]["suggestions"]:
        assert 0.1 < suggestion.get("success_probability", 0.5) < 0.9


@pytest.mark.slow
async def test_an_empty_record_has_no_figures(services: Services, connect: Connect) -> None:
    async with connect() as client:
        for tool, given in ASKED.items():
            if "skill_name" in given or tool == "get_session_analytics":
                continue  # of what nobody knows there is nothing to tell but that
            found = await answer(client, tool, **given)
            assert all(math.isfinite(number) for number in numbers(found)), tool
            assert not list(rates(found)), tool
