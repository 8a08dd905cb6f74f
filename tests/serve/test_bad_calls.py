"""A call that cannot be served is answered with a sentence that says what to do, and changes nothing."""

import logging
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.client.client import Client
from mcp.server.mcpserver.exceptions import ToolError

from session_buddy.errors import StorageError
from session_buddy.models.values import Caller
from session_buddy.serve.callers import CALLER
from session_buddy.serve.mcp_server import make_server
from session_buddy.serve.service_tool import ServiceTool
from session_buddy.serve.tools import TOOLS
from session_buddy.serve.tools.recording import record_skill_invocation
from session_buddy.services import Services
from tests.serve.clients import answer, both_eras, refusal, text_of
from tests.serve.conftest import Connect
from tests.support.services import open_services

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """One empty record for all: no call here may add to it."""
    with open_services(tmp_path_factory.mktemp("bad-calls") / "home") as opened:
        yield opened


TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
BAD_REPORTS: list[tuple[dict[str, Any], str]] = [
    ({}, "skill_name is missing; give it."),
    ({"skill_name": ""}, "skill_name is empty; give it, or leave it out if it is optional (got '')."),
    ({"skill_name": "x" * 10_240}, "skill_name is too long; shorten it to 200 characters"),
    ({"skill_name": "a\nb"}, "skill_name has a control character or a line break; remove it (got 'a\\nb')."),
    ({"skill_name": "a\x00b"}, "skill_name has a control character"),
    ({"skill_name": 7}, "skill_name must be text (got 7)."),
    ({"duration_seconds": -3}, "duration_seconds must be 0 or more (got -3)."),
    ({"duration_seconds": "NaN"}, "duration_seconds must be a finite number"),
    ({"duration_seconds": "Infinity"}, "duration_seconds must be a finite number"),
    ({"duration_seconds": 1e308}, "duration_seconds must be at most 31622400 (got 1e+308)."),
    ({"duration_seconds": "soon"}, "duration_seconds must be a number (got 'soon')."),
    ({"completed": "perhaps"}, "completed must be true or false (got 'perhaps')."),
    ({"completed": True, "outcome": "failed"}, "completed=true contradicts outcome='failed'"),
    ({"outcome": "won"}, "outcome must be one of 'completed', 'failed' or 'abandoned' (got 'won')."),
    ({"workflow_phase": "later"}, "workflow_phase must be one of 'setup', 'execution'"),
    ({"invoked_at": "2026-01-31T09:30:00"}, "invoked_at has no time zone; add Z or an offset"),
    ({"invoked_at": "yesterday"}, "invoked_at is no instant; give ISO 8601 with a zone"),
    ({"invoked_at": TOMORROW}, "lies in the future"),
    ({"invoked_at": "0001-01-01T00:00:00+14:00"}, "calendar"),
    ({"rating": 6}, "rating must be at most 5 (got 6)."),
    ({"rating": 1.5}, "rating must be a whole number"),
    ({"note": "n" * 1_048_576}, "note is too long; shorten it to 500 characters"),
    ({"query": "q" * 1_048_576}, "query is too long; shorten it to 100000 characters"),
    ({"invocation_id": "42"}, "invocation_id is no UUID; copy it from an earlier answer"),
    ({"invocation_id": "00000000-0000-8000-8000-000000000000"}, "There is no invocation"),
    ({"request_key": ""}, "request_key is empty"),
    (
        {"skil": "lint"},
        "record_skill_invocation has no argument 'skil'; leave it out or use: skill_name, completed",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("report", "sentence"), BAD_REPORTS, ids=[said[:40] for _, said in BAD_REPORTS])
async def test_a_bad_report_is_refused_with_what_to_do(
    connect: Connect, report: dict[str, Any], sentence: str
) -> None:
    given_name = {} if not report else {"skill_name": "lint"}
    async with connect() as client:
        said = await refusal(client, "record_skill_invocation", **given_name | report)
        everything = await answer(client, "get_skill_metrics")
    assert sentence in said
    assert len(said) < 400
    assert "\n" not in said
    assert everything["skills"] == []


@both_eras
async def test_several_bad_arguments_are_told_at_once(connect: Connect) -> None:
    async with connect() as client:
        said = await refusal(client, "record_skill_invocation", skill_name="", rating=9)
    assert "skill_name is empty" in said
    assert "rating must be at most 5" in said


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("get_skill_metrics", {"days": 0}, "days must be more than 0 (got 0)."),
        ("get_skill_metrics", {"days": "NaN"}, "days must be a finite number"),
        ("get_skill_metrics", {"since": "2026-01-31"}, "since has no time zone"),
        ("get_skill_metrics", {"limit": 0}, "limit must be 1 or more (got 0)."),
        ("get_skill_metrics", {"limit": 10**30}, "limit must be at most 200"),
        ("get_session_analytics", {"session_id": "\x1b[31m"}, "session_id has a control character"),
        ("get_real_time_metrics", {"time_window_hours": -1}, "time_window_hours must be more than 0"),
        ("rate_skill", {"rating": 3}, "skill_name"),
        ("rate_skill", {"rating": 3, "skill_name": "never-used"}, "never-used"),
        ("describe_skill", {}, "skill_name is missing; give it."),
        ("ingest_tool_calls", {"session": "", "calls": "[]"}, "session"),
        ("ingest_tool_calls", {"session": "s", "calls": "no json"}, "calls"),
        ("ingest_tool_calls", {"session": "s", "calls": [1]}, "calls.0 must be an object (got 1)."),
        ("get_skill_metrics", {"skill_name": "x", "agent": 1}, "agent must be text (got 1)."),
    ],
)
async def test_bad_arguments_are_refused_by_every_tool(
    connect: Connect, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    async with connect() as client:
        said = await refusal(client, tool, **arguments)
    assert sentence in said
    assert len(said) < 400


@both_eras
async def test_an_unknown_tool_is_answered_with_the_known_ones(connect: Connect) -> None:
    async with connect() as client:
        said = await refusal(client, "get_skill_metric" + "s" * 5000)
    assert said.startswith("There is no tool 'get_skill_metric")
    assert all(spec.name in said for spec in TOOLS)
    assert len(said) < 600


@pytest.mark.slow
@both_eras
async def test_an_error_of_the_store_reaches_the_caller_as_it_is(era: str) -> None:
    async def broken() -> Services:
        raise StorageError("The database is of a newer version; update session-buddy.")

    CALLER.set(Caller(connection_id="c"))
    async with Client(make_server(broken), mode=era) as client:
        tools = await client.list_tools()
        said = await refusal(client, "get_skill_metrics")
    assert len(tools.tools) == len(TOOLS)
    assert said == "The database is of a newer version; update session-buddy."


@both_eras
async def test_a_fault_of_our_own_is_logged_in_full_and_told_in_a_sentence(
    era: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def faulty() -> Services:
        raise ZeroDivisionError("a secret detail")

    CALLER.set(Caller(connection_id="c"))
    with caplog.at_level(logging.ERROR):
        async with Client(make_server(faulty), mode=era) as client:
            call = await client.call_tool("get_skill_metrics", {})
            again = await client.call_tool("get_skill_metrics", {})
    assert call.is_error
    assert again.is_error
    assert text_of(call) == (
        "get_skill_metrics failed by a fault of session-buddy itself (ZeroDivisionError), not of the call. "
        "The cause is in the server's log; `session-buddy doctor` looks for known causes."
    )
    assert "a secret detail" in caplog.text
    assert "Traceback" in caplog.text


def tool_of(function: Any) -> ServiceTool:
    async def unused() -> Services:
        raise AssertionError

    return ServiceTool.of(function, TOOLS[0].annotations, unused)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_write_is_refused_where_a_client_writes_it(value: float) -> None:
    tool = tool_of(record_skill_invocation)
    assert explanation(tool, {"skill_name": "lint", "duration_seconds": value}) == (
        f"duration_seconds must be a finite number; leave it out if it is not known (got {value})."
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "function", [spec.function for spec in TOOLS], ids=lambda function: function.__name__
)
@settings(max_examples=50)
@given(data=st.data())
def test_whatever_is_given_as_an_argument_is_accepted_or_explained(
    function: Any, data: st.DataObject
) -> None:
    tool = tool_of(function)
    names = st.sampled_from([*tool.parameters["properties"], "unknown"])
    arguments = data.draw(st.dictionaries(names, JSON, max_size=4))
    said = explanation(tool, arguments)
    assert said is None or (len(said) < 1000 and "\n" not in said)


def explanation(tool: ServiceTool, arguments: dict[str, Any]) -> str | None:
    """Why a tool refuses arguments; None if it takes them."""
    try:
        tool.checked(arguments)
    except ToolError as error:
        return str(error)
    return None
