"""Stages, gates and places in code over MCP: what is recorded and answered, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from session_buddy.models.stages import GATES, STAGES
from session_buddy.services import Services
from tests.serve.clients import answer, both_eras, refusal
from tests.serve.conftest import Connect
from tests.support.services import open_services

pytestmark = pytest.mark.anyio
JUNIT = Path(__file__).parents[1] / "fixtures" / "gates" / "junit.xml"
PLACE = "suggest_skills_for_code"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """One record for all; each test has pipelines, projects and sessions of its own."""
    with open_services(tmp_path_factory.mktemp("run-tools") / "home") as opened:
        yield opened


@pytest.mark.slow
@both_eras
async def test_stages_are_recorded_and_analysed(connect: Connect, era: str) -> None:
    pipeline = f"shop of {era}"
    stage = {"pipeline_name": pipeline, "stage": "deploy", "duration_seconds": 10}
    async with connect() as client:
        for number in range(5):
            outcome = "completed" if number == 0 else "failed"
            made = await answer(client, "record_pipeline_stage", **stage, outcome=outcome)
        again = {**stage, "outcome": "abandoned", "request_key": f"once {era}"}
        first = await answer(client, "record_pipeline_stage", **again)
        second = await answer(client, "record_pipeline_stage", **again)
        told = await answer(client, "get_pipeline_analytics", pipeline_name=pipeline)
    assert (made["workflow_phase"], made["outcome"]) == ("deployment", "failed")
    assert (first["duplicate"], second["duplicate"], first["run_id"]) == (False, True, second["run_id"])
    (kept,) = told["stages"]
    assert (kept["run_count"], kept["failed_count"], kept["abandoned_count"]) == (6, 4, 1)
    assert kept["p50_seconds"] == 10
    assert [(found["stage"], found["severity"]) for found in told["bottlenecks"]] == [("deploy", "high")]


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "phase"), list(STAGES.items()))
async def test_each_stage_is_recorded_under_its_phase(connect: Connect, stage: str, phase: str) -> None:
    context = {"environment": "production", "git_branch": "main", "build_number": "7", "triggered_by": "push"}
    async with connect() as client:
        given = {"pipeline_name": "phases", "stage": stage, "outcome": "completed", **context}
        assert (await answer(client, "record_pipeline_stage", **given))["workflow_phase"] == phase


@pytest.mark.slow
@pytest.mark.parametrize(("gate", "phase"), list(GATES.items()))
async def test_each_gate_is_recorded_under_its_phase(connect: Connect, gate: str, phase: str) -> None:
    async with connect() as client:
        made = await answer(client, "record_quality_gate", phase=gate, outcome="completed")
    assert [(run["phase"], run["workflow_phase"]) for run in made["runs"]] == [(gate, phase)]


@pytest.mark.slow
@both_eras
async def test_a_gate_that_fails_again_is_answered_with_what_fixed_it(connect: Connect, era: str) -> None:
    session = f"mending {era}"
    where = {"session_id": session, "project": f"/{era}"}
    failing = {"phase": "tests", "failed_checks": [f"test_{era}"], **where}
    async with connect(session_id=session) as client:
        first = await answer(client, "record_quality_gate", **failing)
        await answer(client, "record_skill_invocation", skill_name="mend", completed=True, **where)
        passed = await answer(client, "record_quality_gate", phase="tests", outcome="completed", **where)
        again = await answer(client, "record_quality_gate", **failing)
        told = await answer(client, "get_quality_workflow", session_id=session)
        place = await answer(client, PLACE, file_path=f"/{era}/cart.py")
    assert (first["runs"][0]["outcome"], passed["recommended_skills"]) == ("failed", [])
    assert [skill["skill_name"] for skill in again["recommended_skills"]] == ["mend"]
    (phase,) = told["phases"]
    assert (phase["run_count"], phase["failed_count"], phase["last_outcome"]) == (3, 2, "failed")
    assert phase["common_failures"][0]["recommended_skills"] == ["mend"]
    assert [step["kind"] for step in told["steps"]] == ["gate", "skill", "gate", "gate"]
    assert "tests" in told["diagram"]
    assert place["suggestions"][0]["skill_name"] == "mend"
    assert "fails now" in place["suggestions"][0]["description"]


@pytest.mark.slow
async def test_a_report_is_read_as_it_stands(connect: Connect) -> None:
    async with connect() as client:
        made = await answer(client, "record_quality_gate", report=JUNIT.read_text())
    (run,) = made["runs"]
    assert (run["phase"], run["outcome"]) == ("tests", "failed")
    assert run["failed_checks"]


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("record_pipeline_stage", {}, "pipeline_name is missing; give it. stage is missing"),
    ("record_pipeline_stage", {"outcome": "great"}, "outcome must be one of 'completed', 'failed'"),
    ("record_pipeline_stage", {"environment": "mars"}, "environment must be one of 'staging'"),
    ("record_pipeline_stage", {"duration_seconds": -1}, "duration_seconds must be 0 or more"),
    ("record_pipeline_stage", {"started_at": "2100-01-01T00:00:00Z"}, "lies in the future"),
    ("record_pipeline_stage", {"started_at": "noon"}, "started_at is no instant"),
    ("record_pipeline_stage", {"pipeline": "x"}, "has no argument 'pipeline'; leave it out or use"),
    ("record_pipeline_stage", {"stage": ""}, "stage is empty"),
    ("record_quality_gate", {}, "Give phase and outcome, or report"),
    ("record_quality_gate", {"phase": "tests"}, "Give phase and outcome, or report"),
    ("record_quality_gate", {"phase": "breakfast"}, "phase must be one of 'fast_hooks', 'tests'"),
    ("record_quality_gate", {"report": "all well"}, "neither crackerjack's output nor JUnit XML"),
    ("record_quality_gate", {"report": "<testsuites><testsuite>"}, "JUnit XML"),
    ("record_quality_gate", {"failed_checks": ["x"] * 1_001}, "failed_checks"),
    ("record_quality_gate", {"failed_checks": "test_cart"}, "failed_checks"),
    ("get_pipeline_analytics", {"pipeline_name": "nowhere"}, "No pipeline 'nowhere' ran"),
    ("get_pipeline_analytics", {"days": 0}, "days must be more than 0"),
    ("get_pipeline_analytics", {"days": "week"}, "days must be a number"),
    ("get_quality_workflow", {"days": 1e9}, "days must be at most 36500"),
    ("get_quality_workflow", {"session_id": ""}, "session_id is empty"),
    (PLACE, {}, "file_path is missing; give it."),
    (PLACE, {"file_path": "a", "line_number": 0}, "line_number must be 1 or more (got 0)."),
    (PLACE, {"file_path": "a", "cursor_position": {"row": 0, "col": 0}}, "cursor_position.row must be 1"),
    (PLACE, {"file_path": "a", "limit": 21}, "limit must be at most 20"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("tool", "given", "said"), WRONG)
async def test_what_cannot_be_used_is_refused_with_what_to_do(
    connect: Connect, tool: str, given: dict[str, Any], said: str
) -> None:
    needed = {"pipeline_name": "shop", "stage": "test", "outcome": "failed"}
    more = needed if tool == "record_pipeline_stage" and given else {}
    async with connect() as client:
        assert said in await refusal(client, tool, **more | given)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"file_path": "/shop/big.py", "selected_code": "def test_x(): pass\n" * 55_000}, "Of this long"),
        ({"file_path": "/shop/logo.png"}, "This is no text"),
        ({"file_path": "/shop/a.py", "selected_code": "x\0y"}, "This is no text"),
        ({"file_path": "/shop/a\n\x1b[31m$(rm -rf ~)'\";--.py" + "x" * 4_000}, ""),
        ({"file_path": "../../../../etc/passwd"}, ""),
        ({"file_path": "/shop/a.zzz", "language": "klingon"}, ""),
    ],
    ids=[
        "a megabyte",
        "binary by name",
        "binary by content",
        "hostile name",
        "a path upwards",
        "unknown language",
    ],
)
async def test_odd_places_get_a_clear_answer(connect: Connect, place: dict[str, Any], said: str) -> None:
    async with connect() as client:
        told = await answer(client, PLACE, **place, project_name="nobody's")
    assert told["message"]
    assert said in told["message"]
    assert all(0 <= found["confidence"] <= 1 for found in told["suggestions"])
