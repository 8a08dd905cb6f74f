"""The tools that tell what was learned, as a client sees them."""

from datetime import UTC, datetime, timedelta

import pytest

from session_buddy.models.values import Caller
from session_buddy.services import Services
from session_buddy.services.reports import InvocationReport
from tests.serve.clients import SESSION, answer, refusal
from tests.serve.conftest import Connect

pytestmark = pytest.mark.anyio
CALLER = Caller(connection_id="test", session_id=SESSION)


def record(services: Services, skill: str, outcomes: list[bool], begin: datetime) -> None:
    for number, completed in enumerate(outcomes):
        services.recorder.record_invocation(
            InvocationReport(
                skill_name=skill,
                completed=completed,
                duration_seconds=30.0 + number % 5,
                session_id=f"{SESSION}-{number // 3}",
                invoked_at=begin + timedelta(minutes=number),
            ),
            CALLER,
        )


@pytest.mark.slow
async def test_a_planted_drop_is_shown_by_every_tool_that_tells_of_it(
    services: Services, connect: Connect
) -> None:
    begin = datetime.now(UTC) - timedelta(hours=6)
    record(services, "deploy", [number % 20 != 7 for number in range(100)], begin)
    record(services, "deploy", [number % 5 > 1 for number in range(40)], begin + timedelta(minutes=100))
    async with connect() as client:
        found = await answer(client, "detect_anomalies")
        assert [anomaly["anomaly_type"] for anomaly in found["anomalies"]] == ["performance_drop"]
        live = await answer(client, "get_real_time_metrics", time_window_hours=12)
        assert [anomaly["skill_name"] for anomaly in live["anomalies"]] == ["deploy"]
        trend = await answer(client, "get_skill_trend", skill_name="deploy")
        assert trend["trend"] == "declining"
        record(services, "deploy", [True] * 40, begin + timedelta(minutes=145))
        over = await answer(client, "detect_anomalies")
        assert [anomaly["status"] for anomaly in over["anomalies"]] == ["resolved"]


@pytest.mark.slow
async def test_every_tool_answers_on_three_uses(services: Services, connect: Connect) -> None:
    record(services, "lint", [True, True, False], datetime.now(UTC) - timedelta(hours=1))
    async with connect() as client:
        assert (await answer(client, "detect_anomalies"))["anomalies"] == []
        assert (await answer(client, "detect_anomalies", method="zscore"))["method"] == "zscore"
        assert (await answer(client, "get_skill_trend", skill_name="lint"))["trend"] == "insufficient_data"
        dependencies = await answer(client, "get_skill_dependencies", skill_name="lint", min_lift=0)
        assert dependencies["dependencies"] == []
        baselines = await answer(client, "get_community_baselines")
        assert [skill["skill_name"] for skill in baselines["baselines"]] == ["lint"]
        recommended = await answer(client, "get_collaborative_recommendations")
        assert recommended["basis"] == "insufficient_data"


async def test_bad_arguments_are_refused_with_a_remedy(connect: Connect) -> None:
    async with connect() as client:
        assert "threshold must be more than 0" in await refusal(client, "detect_anomalies", threshold=0)
        assert "must be one of" in await refusal(client, "detect_anomalies", method="guess")
        assert "No skill 'x'" in await refusal(client, "get_skill_trend", skill_name="x")
        assert "No skill 'x'" in await refusal(client, "get_skill_dependencies", skill_name="x")
