"""What an agent gets when it asks what to do next, in both protocol eras."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.serve.clients import SESSION, answer, both_eras, refusal
from tests.serve.conftest import Connect

pytestmark = pytest.mark.anyio


@pytest.mark.slow
@both_eras
async def test_an_agent_is_told_what_usually_comes_next_and_why(connect: Connect) -> None:
    async with connect() as client:
        for number in range(5):
            for place, skill in enumerate(("plan", "test")):
                began = datetime.now(UTC) - timedelta(minutes=30 - 2 * number - place)
                await answer(
                    client,
                    "record_skill_invocation",
                    skill_name=skill,
                    completed=True,
                    session_id=f"s{number}",
                    invoked_at=began.isoformat(),
                )
        told = await answer(client, "suggest_next_skill", recent_skills=["plan"], limit=1)
    assert told["session_id"] == SESSION
    assert told["strategy"] == "markov_blend"
    (found,) = told["suggestions"]
    assert found["skill_name"] == "test"
    assert (found["followed_count"], found["followed_of"]) == (5, 5)
    assert "came next 5 of 5 times after plan" in found["reason"]


@pytest.mark.slow
@pytest.mark.slow
async def test_suggestions_for_an_agent_leave_out_what_only_others_use(connect: Connect) -> None:
    async with connect() as client:
        for name in ("plan", "test"):
            await answer(client, "record_skill_invocation", skill_name=name, completed=True)
        ours = await answer(client, "suggest_next_skill", agent="claude-code")
        codex = await answer(client, "suggest_next_skill", agent="codex")
    assert {found["skill_name"] for found in ours["suggestions"]} == {"plan", "test"}
    assert codex["suggestions"] == []


async def test_an_empty_record_gives_no_suggestion_and_says_so(connect: Connect) -> None:
    async with connect() as client:
        told = await answer(client, "suggest_next_skill", query="anything")
    assert told["suggestions"] == []
    assert "Nothing to suggest" in told["message"]


async def test_a_probability_comes_with_its_features(connect: Connect) -> None:
    async with connect() as client:
        await answer(client, "record_skill_invocation", skill_name="lint", completed=True)
        told = await answer(client, "predict_skill_success", skill_name="lint", workflow_phase="verification")
    assert 0.5 < told["probability"] < 0.95
    assert told["features"]["workflow_phase_encoded"] == 2
    assert told["features"]["invocation_count_24h"] == 1
    assert told["message"].startswith("insufficient_data")


async def test_what_cannot_be_answered_is_refused_with_a_remedy(connect: Connect) -> None:
    async with connect() as client:
        assert "use one of: markov_blend" in await refusal(client, "suggest_next_skill", strategy="luck")
        assert "No skill 'nobody'" in await refusal(client, "predict_skill_success", skill_name="nobody")
        assert "limit" in await refusal(client, "suggest_next_skill", limit=0)
