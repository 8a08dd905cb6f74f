"""Where in CI a command ran, and which workflow phase that is."""

import pytest

from session_buddy.ingest.ci import FLAGS, stage_line
from session_buddy.ingest.ci_context import ENVIRONMENTS, context_of, environment_of
from session_buddy.models import stages
from session_buddy.models.events import StageEvent, parse_event
from session_buddy.models.runs import GATE_PHASES, phase_of_gate, phase_of_stage
from session_buddy.models.vocabulary import WORKFLOW_PHASES

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_WORKFLOW": "CI",
    "GITHUB_JOB": "unit-tests",
    "GITHUB_RUN_NUMBER": "42",
    "GITHUB_SHA": "abc",
    "GITHUB_HEAD_REF": "feature/cart",
    "GITHUB_REF_NAME": "12/merge",
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_ACTOR": "ada",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_PATH": "shop/web",
    "CI_JOB_STAGE": "deploy",
    "CI_PIPELINE_IID": "7",
    "CI_COMMIT_SHA": "def",
    "CI_COMMIT_REF_NAME": "main",
    "CI_ENVIRONMENT_NAME": "prod/eu",
    "CI_PIPELINE_SOURCE": "push",
    "GITLAB_USER_LOGIN": "ada",
}
JENKINS = {
    "JENKINS_URL": "http://jenkins/",
    "JOB_NAME": "shop/main",
    "STAGE_NAME": "Lint",
    "BUILD_NUMBER": "9",
    "GIT_COMMIT": "123",
    "GIT_BRANCH": "origin/main",
    "BUILD_USER": "ada",
}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            GITHUB,
            ("github", "CI", "unit-tests", "execution", "42", "abc", "feature/cart", None, "pull_request"),
        ),
        (GITLAB, ("gitlab", "shop/web", "deploy", "deployment", "7", "def", "main", "production", "push")),
        (JENKINS, ("jenkins", "shop/main", "Lint", "verification", "9", "123", "main", None, None)),
    ],
    ids=["GitHub Actions", "GitLab CI", "Jenkins"],
)
def test_the_context_comes_from_the_environment_of_each_system(
    environ: dict[str, str], expected: tuple[str | None, ...]
) -> None:
    stage = parse_event(stage_line({}, ["make"], 0, None, (0, 1.0), environ))
    assert isinstance(stage, StageEvent)
    found = (
        stage.ci_system,
        stage.pipeline_name,
        stage.stage,
        stage.workflow_phase,
        stage.build_number,
        stage.git_commit,
        stage.git_branch,
        stage.environment,
        stage.triggered_by,
    )
    assert found == expected
    assert "ada" not in str(stage)


def test_flags_stand_over_the_environment() -> None:
    stage = parse_event(
        stage_line({"stage": "publish", "git_branch": "x"}, ["make"], 0, None, (0, 1.0), GITHUB)
    )
    assert isinstance(stage, StageEvent)
    assert (stage.stage, stage.git_branch, stage.git_commit) == ("publish", "x", "abc")


def test_outside_ci_there_is_no_context() -> None:
    assert context_of({"PATH": "/bin", "BUILD_NUMBER": "9"}) == {}


@pytest.mark.parametrize(
    ("stage", "phase"),
    [
        ("build", "setup"),
        ("test", "execution"),
        ("lint", "verification"),
        ("security", "verification"),
        ("deploy", "deployment"),
        ("publish", "deployment"),
        ("Deploy", "deployment"),
        ("integration tests", "execution"),
        ("build-and-deploy", "unknown"),
        ("coffee", "unknown"),
        ("", "unknown"),
    ],
)
def test_each_stage_is_a_workflow_phase(stage: str, phase: str) -> None:
    assert phase_of_stage(stage) == phase


@pytest.mark.parametrize(
    ("gate", "phase"),
    [
        ("fast_hooks", "setup"),
        ("tests", "execution"),
        ("ai_fix", "execution"),
        ("comprehensive_hooks", "verification"),
    ],
)
def test_each_phase_of_crackerjack_is_a_workflow_phase(gate: str, phase: str) -> None:
    assert phase_of_gate(gate) == phase  # type: ignore[arg-type]


def test_the_tables_hold_nothing_else() -> None:
    assert set(stages.GATES) == set(GATE_PHASES)
    assert {*stages.STAGES.values(), *stages.GATES.values()} <= set(WORKFLOW_PHASES)
    assert set(stages.STAGES) == {"build", "test", "lint", "security", "deploy", "publish"}
    assert set(stages.OTHER_WORDS.values()) <= set(stages.STAGES)


@pytest.mark.parametrize(("name", "known"), [("PROD", "production"), ("qa", "testing"), ("review/x", None)])
def test_names_of_environments_are_told_apart(name: str, known: str | None) -> None:
    assert environment_of(name) == known
    assert set(ENVIRONMENTS.values()) == {"production", "staging", "development", "testing"}


def test_help_and_the_wrapper_know_the_same_options() -> None:
    from session_buddy.cli.runs import ci

    shown = {option for parameter in ci.params for option in parameter.opts if option.startswith("--")}
    assert shown - {"--help"} == set(FLAGS)
