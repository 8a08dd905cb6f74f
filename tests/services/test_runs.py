"""Recording runs of stages and gates, what they tell of skills, and what is suggested after a failure."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.ide import IDEContext
from session_buddy.models.runs import CIPipelineContext
from session_buddy.models.values import Caller
from session_buddy.services import Services
from session_buddy.services.reports import InvocationReport
from session_buddy.services.run_recording import GateReport, StageReport
from tests.support.services import open_services

CALLER = Caller(connection_id="c1", session_id="s1", project="/shop")
SHOP = CIPipelineContext(pipeline_name="shop")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with open_services(tmp_path / "home") as opened:
        yield opened


def gate(services: Services, *failed: str, **fields: object) -> object:
    report = GateReport(
        phase="tests", outcome="failed" if failed else "completed", failed_checks=failed, **fields
    )
    return services.run_recorder.record_gate(report, CALLER)


def use(services: Services, skill_name: str, **fields: object) -> object:
    report = InvocationReport(skill_name=skill_name, completed=True, duration_seconds=0, **fields)
    return services.recorder.record_invocation(report, CALLER)


@pytest.mark.slow
def test_a_failure_is_answered_with_the_skill_that_fixed_it_before(services: Services) -> None:
    first = gate(services, "test_cart")
    assert first.recommended_skills == []
    assert "No skill is known yet" in first.message
    use(services, "mend")
    gate(services)
    again = gate(services, "test_cart")
    assert [skill.skill_name for skill in again.recommended_skills] == ["mend"]
    assert (again.recommended_skills[0].fixed_count, again.recommended_skills[0].tried_count) == (1, 1)
    assert again.message == "tests failed. Try mend: used after test_cart 1 time, fixed 1."
    place = IDEContext(file_path="/shop/cart.py")
    first_of_all = services.code_suggester.suggest(place, 5, CALLER).suggestions[0]
    assert (first_of_all.skill_name, first_of_all.workflow_phase) == ("mend", "execution")
    assert first_of_all.description.startswith("test_cart fails now")
    workflow = services.run_reporter.quality("s1")
    assert [(step.kind, step.workflow_phase, step.outcome) for step in workflow.steps] == [
        ("gate", "execution", "failed"),
        ("skill", "unknown", "completed"),
        ("gate", "execution", "completed"),
        ("gate", "execution", "failed"),
    ]
    assert workflow.phases[0].common_failures[0].recommended_skills == ["mend"]
    assert "tests" in workflow.diagram


@pytest.mark.slow
def test_the_same_request_is_recorded_once_and_its_skill_once(services: Services) -> None:
    for duplicate in (False, True):
        answer = gate(services, "a", request_key="key-1", skill_name="check", duration_seconds=4)
        assert answer.duplicate is duplicate
        stage = StageReport(
            context=SHOP, stage="deploy", outcome="failed", request_key="key-2", skill_name="ship"
        )
        assert services.run_recorder.record_stage(stage, CALLER).duplicate is duplicate
    metrics = {skill.skill_name: skill for skill in services.reporter.skill_metrics().skills}
    assert {name: found.invocation_count for name, found in metrics.items()} == {"check": 1, "ship": 1}
    assert metrics["check"].failed_count == 1
    session = services.reporter.session_analytics("s1", CALLER)
    assert {(one.skill_name, one.source, one.workflow_phase) for one in session.invocations} == {
        ("check", "gate", "execution"),
        ("ship", "ci", "deployment"),
    }


def test_a_gate_and_an_agent_that_tell_of_one_use_count_it_once(services: Services) -> None:
    calls = [
        {
            "tool_name": "Skill",
            "tool_input": {"skill": "check"},
            "tool_use_id": "toolu_1",
            "tool_response": "Launching skill: check",
        }
    ]
    services.recorder.ingest_tool_calls("s1", calls, CALLER)
    gate(services, "a", skill_name="check")
    (skill,) = services.reporter.skill_metrics("check").skills
    assert (skill.invocation_count, skill.failed_count) == (1, 1)


@pytest.mark.parametrize(
    ("report", "complaint"),
    [
        (GateReport(), "Give phase and outcome"),
        (GateReport(phase="tests"), "Give phase and outcome"),
        (GateReport(report="nothing of ours"), "neither crackerjack's output"),
    ],
)
def test_a_gate_that_says_nothing_is_refused(services: Services, report: GateReport, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        services.run_recorder.record_gate(report, CALLER)


@pytest.mark.slow
def test_bottlenecks_are_told_by_how_often_a_stage_completes(services: Services) -> None:
    for stage, outcomes in (("build", "ccccc"), ("test", "cccff"), ("deploy", "cffff"), ("lint", "ffff")):
        for letter in outcomes:
            outcome = "completed" if letter == "c" else "failed"
            report = StageReport(context=SHOP, stage=stage, outcome=outcome, duration_seconds=10)
            services.run_recorder.record_stage(report, CALLER)
    answer = services.run_reporter.pipelines("shop")
    assert [(found.stage, found.severity) for found in answer.bottlenecks] == [
        ("deploy", "high"),
        ("test", "medium"),
    ]
    assert [(stage.stage, stage.success_rate.value) for stage in answer.stages] == [
        ("build", 1.0),
        ("test", 0.6),
        ("deploy", 0.2),
        ("lint", 0.0),
    ]
    assert answer.message.endswith(
        "2 bottlenecks; shop: deploy, 1 of 5 runs completed, 20%. 1 stage under 5 runs: too few to judge."
    )
    assert [day.run_count for day in answer.days] == [5, 5, 5, 4]
    assert services.run_counts.stages()["shop", "deploy", "failed"] == 4
    with pytest.raises(NotFound, match="Known are: shop"):
        services.run_reporter.pipelines("web")


def test_of_a_stage_that_ran_once_no_verdict_is_given(services: Services) -> None:
    services.run_recorder.record_stage(StageReport(context=SHOP, stage="deploy", outcome="failed"), CALLER)
    answer = services.run_reporter.pipelines("shop")
    assert answer.bottlenecks == []
    assert "Too few to name bottlenecks: a stage is judged from 5 runs on." in answer.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "selection", "said"),
    [
        ("/shop/logo.png", "", "This is no text"),
        ("/shop/a.py", "x\0y", "This is no text"),
        ("/shop/a.weird", "???", ""),
        ("/shop/a\n\x1b[31m; rm -rf ~.py" + "x" * 4000, "", ""),
        ("/shop/big.py", "def test_x(): pass\n" * 55_000, "Of this long selection"),
    ],
    ids=["binary by name", "binary by content", "unknown language", "hostile name", "a megabyte"],
)
def test_odd_places_in_code_get_a_clear_answer(
    services: Services, path: str, selection: str, said: str
) -> None:
    use(services, "test-first")
    answer = services.code_suggester.suggest(IDEContext(file_path=path, selected_code=selection), 5, CALLER)
    assert said in answer.message
    assert answer.message
    assert all(0 <= found.confidence <= 1 for found in answer.suggestions)


def test_of_many_skills_the_likeliest_few_are_suggested_for_code_each_once(services: Services) -> None:
    for number in range(20):
        use(services, f"skill-{number}")
    place = IDEContext(file_path="/shop/tests/test_a.py", selected_code="def test_x(): pass\n" * 500)
    found = services.code_suggester.suggest(place, 5, CALLER).suggestions
    assert len({each.skill_name for each in found}) == len(found) == 5
    assert [each.confidence for each in found] == sorted((each.confidence for each in found), reverse=True)
