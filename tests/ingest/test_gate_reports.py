"""What crackerjack 0.74.4 printed on a small project, and JUnit XML as pytest writes it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.errors import InvalidInput
from session_buddy.ingest.gate_reports import REPORT_LIMIT, read_gate_report

FIXTURES = Path(__file__).parents[1] / "fixtures" / "gates"


def fixture(name: str) -> str:
    return (FIXTURES / name).read_text("utf-8")


def test_hooks_that_were_tried_twice_count_once_with_the_time_of_both() -> None:
    (reading,) = read_gate_report(fixture("crackerjack-fast.txt"))
    assert (reading.tool, reading.phase, reading.outcome) == ("crackerjack", "fast_hooks", "failed")
    assert reading.duration_seconds == 86.87
    assert set(reading.failed_checks) == {"ruff-check", "uv-lock", "pip-audit"}
    assert (reading.check_count, reading.failed_count) == (16, 3)


def test_comprehensive_hooks_are_a_phase_of_their_own() -> None:
    (reading,) = read_gate_report(fixture("crackerjack-comp.txt"))
    assert (reading.phase, reading.outcome, reading.duration_seconds) == (
        "comprehensive_hooks",
        "failed",
        10.09,
    )
    assert reading.failed_checks == ("semgrep", "betterleaks", "lychee", "ty", "refurb")


def test_tests_that_could_not_run_failed_with_what_was_said_of_them() -> None:
    (reading,) = read_gate_report(fixture("crackerjack-tests-error.txt"))
    assert (reading.phase, reading.outcome) == ("tests", "failed")
    assert reading.error is not None
    assert "Test execution error" in reading.error


def test_several_phases_in_one_output_stand_in_the_order_in_which_they_ended() -> None:
    passed = """\x1b[36m\U0001f50d Fast Hooks - Formatters\x1b[0m
        ruff-check........................ \u2705
        \u2705 Fast hooks attempt 1: 1/1 passed in 0.50s
        \U0001f9ea TESTS Running test suite
        \u2705 Tests passed in 3.5s
        AI-fix run 7f finished (success=True, iterations=2)"""
    found = read_gate_report(passed + "\n" + fixture("crackerjack-comp.txt"))
    assert [(reading.phase, reading.outcome) for reading in found] == [
        ("fast_hooks", "completed"),
        ("tests", "completed"),
        ("ai_fix", "completed"),
        ("comprehensive_hooks", "failed"),
    ]
    assert [reading.duration_seconds for reading in found] == [0.5, 3.5, None, 10.09]


def test_the_names_of_failed_tests_are_read_from_the_output() -> None:
    (reading,) = read_gate_report(
        "TESTS Running test suite\n Key Test Failures\n FAILED tests/test_cart.py::test_total - assert 3\n"
        "Workflow failed: Task tests failed after 1 attempt(s)"
    )
    assert (reading.outcome, reading.failed_checks) == ("failed", ("tests/test_cart.py::test_total",))


def test_junit_names_what_failed_and_what_could_not_be_set_up() -> None:
    (reading,) = read_gate_report(fixture("junit.xml"))
    assert (reading.tool, reading.phase, reading.outcome) == ("pytest", "tests", "failed")
    assert reading.failed_checks == ("tests.test_cart.test_total", "tests.test_stock.test_left[0]")
    assert (reading.check_count, reading.failed_count, reading.duration_seconds) == (4, 2, 0.125)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("all good", "neither crackerjack's output nor JUnit XML"),
        ("", "neither"),
        ("<html></html>", "no <testsuite>"),
        ("<testsuite><testcase", "no whole JUnit XML"),
        ('<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite/>', "document type"),
        ("x" * (REPORT_LIMIT + 1), "at most"),
    ],
)
def test_what_is_no_report_is_refused_with_what_to_do(text: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        read_gate_report(text)


@given(st.text(), st.sampled_from(["", "<testsuite time='", "Fast hooks attempt 1: "]))
def test_no_text_breaks_the_reader(text: str, beginning: str) -> None:
    try:
        found = read_gate_report(beginning + text)
    except InvalidInput:
        found = []
    assert all(0 <= (reading.duration_seconds or 0) < float("inf") for reading in found)
