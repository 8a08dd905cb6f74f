"""With nothing recorded, or next to nothing, every command says what it can, in numbers that are numbers."""

import json
from pathlib import Path
from typing import NoReturn

import pytest

from tests.cli.conftest import DOCS, Run, acknowledge, use
from tests.cli.test_findings import uses_until_now

COMMANDS = (
    "status",
    "top",
    "show deploy",
    "session",
    f"session {DOCS}",
    "anomalies",
    "anomalies --hours 8000",
    "anomalies --hours 8000 --method zscore",
    "trend deploy",
    "trend deploy --days 3650",
    "suggest",
    "suggest deploy",
    "deps deploy",
    "baselines",
    "ab list",
    "export",
)
ABOUT_A_SKILL_OR_SESSION = ("show deploy", f"session {DOCS}", "trend deploy", "deps deploy")
OUTCOMES = {"nothing": "", "three uses": "cfc"}


def not_a_number(said: str) -> NoReturn:
    raise AssertionError(f"{said} is not JSON")


@pytest.mark.slow
@pytest.mark.parametrize("outcomes", OUTCOMES.values(), ids=OUTCOMES)
def test_every_reading_command_answers_whatever_little_there_is(run: Run, home: Path, outcomes: str) -> None:
    assert run("migrate", "up").returncode == 0, "there is a home"
    named = {"c": "completed", "f": "failed"}
    acknowledge(
        home,
        [use(number, "deploy", DOCS, outcome=named[letter]) for number, letter in enumerate(outcomes)],
    )
    for command in COMMANDS:
        unknown = not outcomes and command.startswith(ABOUT_A_SKILL_OR_SESSION)
        shown, told = run(*command.split()), run(*command.split(), "--json")
        for result in (shown, told):
            assert result.returncode == unknown, (command, result.stderr)
            assert len(result.stderr.splitlines()) <= 1, "an error is one line"
            assert "Traceback" not in result.stderr
        assert shown.stdout.strip() or unknown or command == "export", f"{command} says something"
        for words in ("nan", "inf "):
            assert words not in shown.stdout.lower().split(), command
        lines = told.stdout.splitlines() if command == "export" else filter(None, [told.stdout])
        for line in lines:
            json.loads(line, parse_constant=not_a_number)


@pytest.mark.slow
def test_one_use_is_no_ground_for_certainty(run: Run, home: Path) -> None:
    acknowledge(home, uses_until_now(1))
    for command in ("anomalies --hours 48", "trend deploy", "deps deploy", "baselines"):
        assert "insufficient_data" in run(*command.split()).stdout, command
    [shown] = json.loads(run("show", "deploy", "--json").stdout)["metrics"]["skills"]
    rate = shown["completion_rate"]
    assert rate["upper"] - rate["lower"] > 0.6
