"""What an agent can ask of the record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mcp.client.client import Client

from tests.serve.clients import SESSION, answer, both_eras, refusal
from tests.serve.conftest import Connect

pytestmark = pytest.mark.anyio


async def record(client: Client, skill_name: str, *, days_ago: float = 0.0, **fields: Any) -> None:
    began = datetime.now(UTC) - timedelta(days=days_ago, minutes=1)
    await answer(
        client, "record_skill_invocation", skill_name=skill_name, invoked_at=began.isoformat(), **fields
    )


@both_eras
async def test_metrics_count_outcomes_and_give_the_rate_with_its_interval(connect: Connect) -> None:
    async with connect() as client:
        for outcome in ("completed", "completed", "failed", "abandoned"):
            await record(
                client, "lint", outcome=outcome, error_type="timeout" if outcome == "failed" else None
            )
        report = await answer(client, "get_skill_metrics", skill_name="lint")
    (skill,) = report["skills"]
    counts = [skill[f"{outcome}_count"] for outcome in ("completed", "failed", "abandoned", "open")]
    assert counts == [2, 1, 1, 0]
    rate = skill["completion_rate"]
    assert (rate["value"], rate["denominator"]) == (0.5, 4)
    assert 0 < rate["lower"] < 0.5 < rate["upper"] < 1
    assert skill["errors"] == [{"value": "timeout", "invocation_count": 1}]
    assert report["window"] == "all time"


@pytest.mark.slow
async def test_without_a_name_the_most_used_skills_come_first(connect: Connect) -> None:
    async with connect() as client:
        for skill_name in ("a", "b", "b", "c", "c", "c"):
            await record(client, skill_name, completed=True)
        report = await answer(client, "get_skill_metrics", limit=2)
    assert [skill["skill_name"] for skill in report["skills"]] == ["c", "b"]
    assert report["skills_total"] == 3


async def test_a_window_of_days_leaves_out_what_is_older(connect: Connect) -> None:
    async with connect() as client:
        await record(client, "lint", days_ago=3, completed=False)
        await record(client, "lint", completed=True)
        report = await answer(client, "get_skill_metrics", skill_name="lint", days=1)
    (skill,) = report["skills"]
    assert (skill["invocation_count"], skill["completed_count"]) == (1, 1)


@pytest.mark.slow
async def test_a_window_between_two_instants_includes_the_first_alone(connect: Connect) -> None:
    since, until = "2026-03-01T00:00:00Z", "2026-03-02T01:00:00+01:00"
    async with connect() as client:
        for moment in ("2026-02-28T23:59:59Z", since, "2026-03-01T12:00:00Z", "2026-03-02T00:00:00Z"):
            await answer(
                client, "record_skill_invocation", skill_name="lint", completed=True, invoked_at=moment
            )
        report = await answer(client, "get_skill_metrics", skill_name="lint", since=since, until=until)
    assert report["skills"][0]["invocation_count"] == 2


async def test_days_count_back_from_until(connect: Connect) -> None:
    async with connect() as client:
        await answer(
            client,
            "record_skill_invocation",
            skill_name="lint",
            completed=True,
            invoked_at="2026-03-01T12:00:00Z",
        )
        report = await answer(
            client, "get_skill_metrics", skill_name="lint", days=1, until="2026-03-02T00:00:00Z"
        )
    assert report["skills"][0]["invocation_count"] == 1
    assert report["since"] == "2026-03-01T00:00:00Z"


@pytest.mark.parametrize("until", ["0001-01-02T00:00:00Z", None])
async def test_a_window_may_begin_before_the_calendar_does(connect: Connect, until: str | None) -> None:
    async with connect() as client:
        await record(client, "lint", completed=True)
        report = await answer(client, "get_skill_metrics", days=36_500, until=until)
    assert [skill["skill_name"] for skill in report["skills"]] == ([] if until else ["lint"])


async def test_two_beginnings_of_a_window_are_refused(connect: Connect) -> None:
    async with connect() as client:
        said = await refusal(client, "get_skill_metrics", days=1, since="2026-03-01T00:00:00Z")
    assert said == "days and since both say where the window begins; give one of them."


async def test_an_empty_window_is_refused(connect: Connect) -> None:
    async with connect() as client:
        await record(client, "lint", completed=True)
        said = await refusal(
            client, "get_skill_metrics", since="2026-03-02T00:00:00Z", until="2026-03-01T00:00:00Z"
        )
    assert "empty" in said


@both_eras
async def test_an_unknown_skill_is_told_with_those_that_are_known(connect: Connect) -> None:
    async with connect() as client:
        await record(client, "lint", completed=True)
        said = [
            await refusal(client, tool, skill_name="lnt") for tool in ("get_skill_metrics", "describe_skill")
        ]
    assert all("'lnt'" in sentence and "lint" in sentence for sentence in said)


@pytest.mark.slow
@both_eras
async def test_a_session_is_told_with_its_path_and_score(connect: Connect) -> None:
    async with connect() as client:
        for skill_name, phase in (("plan", "setup"), ("build", "execution"), ("check", "execution")):
            await record(client, skill_name, completed=True, workflow_phase=phase, duration_seconds=10)
        session = await answer(client, "get_session_analytics")
    assert session["session_id"] == SESSION
    assert session["workflow_path"] == ["setup", "execution"]
    assert session["skill_path"] == ["plan", "build", "check"]
    assert session["effectiveness_score"] == 100
    assert session["duration_seconds"] == 30


@pytest.mark.slow
async def test_a_long_session_is_told_by_its_latest_invocations(connect: Connect) -> None:
    async with connect() as client:
        for number in range(5):
            await record(client, f"step-{number}", days_ago=(5 - number) / 1000, completed=True)
        session = await answer(client, "get_session_analytics", limit=2)
    assert [use["skill_name"] for use in session["invocations"]] == ["step-3", "step-4"]
    assert session["invocation_count"] == 5
    assert session["message"].endswith("Listed are the latest 2 of 5 invocations.")


async def test_an_unknown_session_is_refused(connect: Connect) -> None:
    async with connect() as client:
        said = await refusal(client, "get_session_analytics", session_id="nobody")
    assert "'nobody'" in said


@pytest.mark.slow
@both_eras
async def test_real_time_metrics_look_at_the_last_hours(connect: Connect) -> None:
    async with connect() as client:
        await record(client, "old", days_ago=1, completed=True)
        await record(client, "new", completed=True)
        now = await answer(client, "get_real_time_metrics")
        day = await answer(client, "get_real_time_metrics", limit=1, time_window_hours=48)
    assert [skill["skill_name"] for skill in now["top_skills"]] == ["new"]
    assert now["time_window_hours"] == 1
    assert len(day["top_skills"]) == 1
    assert now["active_sessions"] == 1


@pytest.mark.slow
async def test_real_time_metrics_of_one_project_or_agent_leave_the_others_out(connect: Connect) -> None:
    async with connect() as client:
        await record(client, "lint", completed=True, project="/shop", session_id="s1")
        await record(client, "draft", completed=True, project="/docs", session_id="s2")
        shop = await answer(client, "get_real_time_metrics", project="/shop")
        ours = await answer(client, "get_real_time_metrics", agent="claude-code", limit=1)
        codex = await answer(client, "get_real_time_metrics", agent="codex")
        nobody = await answer(client, "get_real_time_metrics", user_id="nobody")
    assert ([skill["skill_name"] for skill in shop["top_skills"]], shop["active_sessions"]) == (["lint"], 1)
    assert (len(ours["top_skills"]), ours["active_sessions"]) == (1, 2)
    for empty, asked in ((codex, "agent 'codex'"), (nobody, "user 'nobody'")):
        assert (empty["top_skills"], empty["active_sessions"]) == ([], 0)
        assert f"No skill was used ({asked}) in the last 1 h." in empty["message"]


@pytest.mark.slow
@both_eras
async def test_a_skill_is_described_with_what_surrounds_it(connect: Connect) -> None:
    async with connect() as client:
        for number, skill_name in enumerate(("plan", "build", "check")):
            await record(client, skill_name, days_ago=(3 - number) / 1000, completed=True)
        described = await answer(client, "describe_skill", skill_name="build")
    assert described["often_before"] == [{"value": "plan", "invocation_count": 1}]
    assert described["often_after"] == [{"value": "check", "invocation_count": 1}]
    assert described["invocation_count"] == 1


async def test_what_is_not_known_is_left_out_of_an_answer(connect: Connect) -> None:
    async with connect() as client:
        await answer(client, "record_skill_invocation", skill_name="lint")
        report = await answer(client, "get_skill_metrics", skill_name="lint")
    assert {"completion_rate", "duration", "rating_mean"}.isdisjoint(report["skills"][0])
