"""What an agent can add to the record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mcp.client.client import Client

from session_buddy.serve.clients import CLAUDE_CODE_KEY
from session_buddy.wire import REQUEST_KEY
from tests.serve.clients import SESSION, answer, both_eras
from tests.serve.conftest import Connect

pytestmark = pytest.mark.anyio


async def only_metrics(client: Client, skill_name: str) -> dict[str, Any]:
    (skill,) = (await answer(client, "get_skill_metrics", skill_name=skill_name))["skills"]
    return dict(skill)


@both_eras
async def test_the_legacy_form_is_recorded(connect: Connect) -> None:
    async with connect() as client:
        recorded = await answer(
            client, "record_skill_invocation", skill_name="pytest", completed=True, duration_seconds=12.5
        )
        skill = await only_metrics(client, "pytest")
    assert (recorded["duplicate"], recorded["attached"]) == (False, False)
    assert (skill["invocation_count"], skill["completed_count"], skill["reported_count"]) == (1, 1, 1)
    assert skill["duration"]["p50_seconds"] == pytest.approx(12.5, rel=0.02)


@pytest.mark.slow
async def test_every_field_of_a_report_is_kept(connect: Connect) -> None:
    began = datetime.now(UTC) - timedelta(minutes=5)
    report = {
        "skill_name": "plugin:deploy",
        "outcome": "failed",
        "duration_seconds": 40,
        "error_type": "timeout",
        "workflow_phase": "deployment",
        "workflow_step": "push",
        "note": "the registry was down",
        "rating": 2,
        "session_id": "another-session",
        "project": "/home/u/other",
        "invoked_at": began.isoformat(),
    }
    async with connect() as client:
        recorded = await answer(client, "record_skill_invocation", **report)
        session = await answer(client, "get_session_analytics", session_id="another-session")
    (kept,) = session["invocations"]
    assert kept["invocation_id"] == recorded["invocation_id"]
    assert datetime.fromisoformat(kept["invoked_at"]) == began
    same = set(report) - {"invoked_at"}
    assert {name: kept[name] for name in same} == {name: report[name] for name in same}


@pytest.mark.slow
@both_eras
async def test_a_report_belongs_to_the_session_of_its_connection(connect: Connect) -> None:
    async with connect() as client:
        await answer(client, "record_skill_invocation", skill_name="lint", completed=True)
        session = await answer(client, "get_session_analytics")
    assert session["session_id"] == SESSION
    assert session["skill_path"] == ["lint"]


async def test_null_stands_for_an_argument_that_is_not_given(connect: Connect) -> None:
    async with connect() as client:
        await answer(
            client, "record_skill_invocation", skill_name="lint", outcome=None, note=None, rating=None
        )
        skill = await only_metrics(client, "lint")
    assert skill["open_count"] == 1


@pytest.mark.slow
async def test_a_rating_reaches_the_newest_use_of_the_skill(connect: Connect) -> None:
    async with connect() as client:
        await answer(client, "record_skill_invocation", skill_name="lint", completed=True)
        newest = await answer(client, "record_skill_invocation", skill_name="lint", completed=True)
        rated = await answer(client, "rate_skill", skill_name="lint", rating=4, comment="good")
        skill = await only_metrics(client, "lint")
    assert rated["invocation_id"] == newest["invocation_id"]
    assert (skill["rating_mean"], skill["rating_count"]) == (4.0, 1)


@pytest.mark.slow
async def test_a_use_can_be_rated_by_its_id(connect: Connect) -> None:
    async with connect() as client:
        first = await answer(client, "record_skill_invocation", skill_name="lint", completed=True)
        await answer(client, "record_skill_invocation", skill_name="lint", completed=True)
        rated = await answer(client, "rate_skill", invocation_id=first["invocation_id"], rating=1)
    assert rated["invocation_id"] == first["invocation_id"]


@both_eras
async def test_a_request_key_in_the_arguments_makes_a_retry_harmless(connect: Connect) -> None:
    async with connect() as client:
        report = {"skill_name": "lint", "completed": True, "request_key": "retry-1"}
        first = await answer(client, "record_skill_invocation", **report)
        second = await answer(client, "record_skill_invocation", **report)
        skill = await only_metrics(client, "lint")
    assert (first["duplicate"], second["duplicate"]) == (False, True)
    assert first["invocation_id"] == second["invocation_id"]
    assert skill["invocation_count"] == 1


@pytest.mark.slow
@both_eras
@pytest.mark.parametrize("name", [REQUEST_KEY, CLAUDE_CODE_KEY])
async def test_a_key_in_the_metadata_makes_a_repeated_delivery_harmless(connect: Connect, name: str) -> None:
    meta: Any = {name: "toolu_01A8"}
    async with connect() as client:
        for _ in range(2):
            call = await client.call_tool(
                "record_skill_invocation", {"skill_name": "lint", "completed": True}, meta=meta
            )
            assert not call.is_error
        skill = await only_metrics(client, "lint")
    assert skill["invocation_count"] == 1


@both_eras
async def test_the_key_in_the_arguments_is_stronger_than_the_one_in_the_metadata(connect: Connect) -> None:
    async with connect() as client:
        for key in ("first", "second"):
            report = {"skill_name": "lint", "completed": True, "request_key": key}
            call = await client.call_tool("record_skill_invocation", report, meta={REQUEST_KEY: "same"})
            assert not call.is_error
        skill = await only_metrics(client, "lint")
    assert skill["invocation_count"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("key", [17, "", "x" * 10_000, "two\nlines", None, {"a": 1}])
async def test_a_key_that_cannot_be_one_is_passed_over(connect: Connect, key: Any) -> None:
    async with connect() as client:
        call = await client.call_tool(
            "record_skill_invocation", {"skill_name": "lint", "completed": True}, meta={REQUEST_KEY: key}
        )
    assert not call.is_error


async def test_a_report_and_a_rating_in_one_request_share_its_key_without_clashing(connect: Connect) -> None:
    async with connect() as client:
        await answer(client, "record_skill_invocation", skill_name="lint", completed=True, request_key="k")
        rated = await answer(client, "rate_skill", skill_name="lint", rating=5, request_key="k")
        again = await answer(client, "rate_skill", skill_name="lint", rating=5, request_key="k")
    assert (rated["duplicate"], again["duplicate"]) == (False, True)


@both_eras
async def test_tool_calls_from_a_hook_are_taken_as_text_and_as_a_list(connect: Connect) -> None:
    async with connect() as client:
        as_text = await answer(client, "ingest_tool_calls", session=SESSION, calls="[]")
        as_list = await answer(client, "ingest_tool_calls", session=SESSION, calls=[])
    assert as_text == as_list == {"skill_calls": 0, "events_recorded": 0}
