"""The pack by the checkers of Prometheus and Alertmanager, and its alerts by our own rules."""

import re
import subprocess
from pathlib import Path

import pytest

from session_buddy.errors import UNAVAILABLE
from tests.docs.pages import DOCS, ROOT
from tests.support.monitoring import MONITORING, RULES, milliseconds

TEXT = RULES.read_text("utf-8")
GROUPS = {part.split("\n")[0]: part for part in re.split(r"^  - name: ", TEXT, flags=re.MULTILINE)[1:]}
ALERTS = {part.split("\n")[0]: part for part in re.split(r"^      - alert: ", TEXT, flags=re.MULTILINE)[1:]}
TESTS = [MONITORING / "rules-tests.yaml", MONITORING / "rules-tests-days.yaml"]
NAMED = """HighAnomalyRate SkillPerformanceDrop SkillCriticalFailure ServerDown WebSocketServerDown
DatabasePoolExhausted DatabasePoolCritical ActiveSessionsZero SlowSkillExecution VerySlowSkillExecution
HighInvocationRate StaleMetricsCache MissingSkillMetrics CrackerjackIntegrationFailing CICDPipelineFailure
PredictionAccuracyDrop ABTestSampleSizeInsufficient"""


def run(*words: str | Path) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_promtool_accepts_configuration_and_rules(promtool: Path) -> None:
    assert "SUCCESS" in run(promtool, "check", "config", MONITORING / "prometheus.yml")
    assert "SUCCESS" in run(promtool, "check", "rules", RULES)


def test_amtool_accepts_the_routes(amtool: Path) -> None:
    assert "SUCCESS" in run(amtool, "check-config", MONITORING / "alertmanager.yml")


@pytest.mark.parametrize(
    ("severity", "receiver"), [("info", "none"), ("warning", "notice"), ("critical", "page")]
)
def test_information_never_notifies(amtool: Path, severity: str, receiver: str) -> None:
    config = f"--config.file={MONITORING / 'alertmanager.yml'}"
    assert run(amtool, "config", "routes", "test", config, f"severity={severity}").strip() == receiver


@pytest.mark.slow
@pytest.mark.parametrize("tests", TESTS, ids=lambda path: path.name)
def test_every_alert_fires_when_it_should_and_else_is_silent(promtool: Path, tests: Path) -> None:
    assert "SUCCESS" in run(promtool, "test", "rules", tests)


def test_every_alert_has_a_case_in_which_it_fires_beside_one_in_which_it_does_not() -> None:
    fires, silent = set(), set()
    for path in TESTS:
        for case in re.split(r"^  - name: ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            subjects = {
                tuple(sorted(pair for pair in re.findall(r'(\w+)="([^"]*)"', series) if pair[0] in SUBJECTS))
                for series in re.findall(r"series: '(.*)'", case)
            }
            for block in re.split(r"eval_time: ", case)[1:]:
                name = re.search(r"alertname: (\w+)", block)
                assert name
                expected = block.count("exp_labels:")
                fires |= {name[1]} if expected else set()
                silent |= {name[1]} if expected < len(subjects) else set()
    assert fires == set(ALERTS)
    assert silent == set(ALERTS)


SUBJECTS = {"instance", "skill_name", "test_name", "pipeline", "reason"}
"""Labels that tell what an alert is about: a case has more subjects than it expects alerts."""


def test_the_groups_and_the_alerts_that_were_asked_for_are_there() -> None:
    watching = {name for name, text in GROUPS.items() if "alert:" in text}
    assert len(watching) == 6
    assert len(ALERTS) >= 26
    assert {f"SessionBuddy{name}" for name in NAMED.split()} <= set(ALERTS)
    assert all(name.startswith("SessionBuddy") for name in ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_and_leads_to_its_runbook(name: str) -> None:
    text = ALERTS[name]
    assert re.search(r"^          severity: (info|warning|critical)$", text, re.MULTILINE)
    assert re.search(r"^          component: \w+$", text, re.MULTILINE)
    assert re.search(r"^          summary: .+$", text, re.MULTILINE)
    assert re.search(r"^          description: .*\{\{ \$labels\..+$", text, re.MULTILINE)
    [url] = re.findall(r"runbook_url: (\S+)", text)
    assert url == f"docs/runbooks/{name}.md"
    page = (ROOT / url).read_text("utf-8")
    assert re.findall(r"^##? (.+)$", page, re.MULTILINE) == [
        name,
        "Meaning",
        "Impact",
        "Diagnosis",
        "Remedy",
    ]
    assert re.search(r"^session-buddy \w+", page, re.MULTILINE)
    severity = re.search(r"severity: (\w+)", text)
    assert severity
    assert f"Severity {severity[1]}," in page


def test_there_is_no_runbook_without_its_alert() -> None:
    pages = {path.stem for path in (DOCS / "runbooks").glob("SessionBuddy*.md")}
    assert pages == set(ALERTS)


def test_counters_are_looked_at_by_rate_and_increase_only() -> None:
    """They begin at 0 with every leader."""
    for match in re.finditer(r"(\w+)\(session_buddy_\w+_(?:total|count|bucket|sum)\b", TEXT):
        assert match[1] in {"rate", "increase"}, match[0]
    bare = re.findall(r"(?<![(\w:])session_buddy_\w+_(?:total|count|bucket)\b", TEXT)
    assert bare == []


def test_sums_of_windows_are_recorded_once_a_window() -> None:
    """Else a use would be in two sums, or in none."""
    for text in GROUPS.values():
        interval = re.search(r"^    interval: (\w+)$", text, re.MULTILINE)
        for window in re.findall(r"record: \S+increase(5m|1h)$", text, re.MULTILINE):
            assert interval
            assert milliseconds(interval[1]) == milliseconds(window)


def test_down_alerts_speak_of_services_only() -> None:
    for name in ("SessionBuddyServerDown", "SessionBuddyWebSocketServerDown"):
        assert 'session_buddy_build_info{mode="service"}' in ALERTS[name]


def test_every_reason_for_an_unavailable_database_has_its_line_in_the_runbook() -> None:
    page = (DOCS / "runbooks" / "SessionBuddyDatabaseUnavailable.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(UNAVAILABLE)
    metric = (DOCS / "reference" / "metrics.md").read_text("utf-8")
    line = next(line for line in metric.splitlines() if "`session_buddy_database_unavailable`" in line)
    assert [reason for reason in UNAVAILABLE if f"`{reason}`" not in line] == []
