"""Reading what quality gates leave behind: crackerjack's output, and JUnit XML as pytest writes it."""

import re
from collections.abc import Sequence
from typing import Final
from xml.parsers import expat

from session_buddy.errors import InvalidInput
from session_buddy.models.runs import CHECKS_KEPT, GatePhase, GateReading
from session_buddy.models.vocabulary import Outcome

REPORT_LIMIT: Final = 20_000_000
"""Characters of a report that are read; more is refused."""
_TEXT: Final = 500
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SECTION = re.compile(r"^\S* ?(?P<suite>Fast|Comprehensive) Hooks - ")
_CHECK = re.compile(r"^(?P<name>[A-Za-z0-9][\w .:+-]*?)\.{3,} *(?P<mark>\S+)\s*$")
_ATTEMPT = re.compile(
    r"(?P<suite>Fast|Comprehensive) hooks attempt \d+: "
    r"(?P<passed>\d+)/(?P<total>\d+) passed in (?P<seconds>[\d.]+)s"
)
_TESTS_BEGIN = re.compile(r"TESTS Running test suite")
_TESTS_PASSED = re.compile(r"Tests passed in (?P<seconds>[\d.]+)s")
_TESTS_FAILED = re.compile(r"Test environment validation failed|Test execution error|Task tests failed")
_TEST_NAME = re.compile(r"(?P<name>\S+\.py(?:::[^\s\u2502|]+)+)")
_TEST_SECONDS = re.compile(r"Duration[:\s\u2502|]+(?P<seconds>[\d.]+)s")
_AI_FIX = re.compile(r"AI-fix run \S+ finished \(success=(?P<success>True|False)")
_SUITES: Final[dict[str, GatePhase]] = {"Fast": "fast_hooks", "Comprehensive": "comprehensive_hooks"}
_PASSED = "\u2705"
_TOOL = "crackerjack"


def read_gate_report(text: str) -> Sequence[GateReading]:
    """The phases that a report shows, in the order in which they ended.

    A phase that was tried again counts once, as it ended, with the time of all its tries.

    Raises:
        InvalidInput: it is neither crackerjack's output nor JUnit XML, or is longer than `REPORT_LIMIT`.
    """
    if len(text) > REPORT_LIMIT:
        raise InvalidInput(f"The report has {len(text):,} characters; at most {REPORT_LIMIT:,} are read.")
    if text.lstrip("\ufeff \r\n\t").startswith("<"):
        return [_JUnit().read(text)]
    readings = _Crackerjack().read(_COLOURS.sub("", text))
    if not readings:
        raise InvalidInput(
            "The report is neither crackerjack's output nor JUnit XML (pytest --junitxml); "
            "give phase and outcome instead."
        )
    return readings


class _Crackerjack:
    """Follows the output line by line; a phase is what was read of it last."""

    def __init__(self) -> None:
        self._found: dict[GatePhase, GateReading] = {}
        self._suite: GatePhase | None = None
        self._failed: list[str] = []
        self._failed_tests: list[str] = []
        self._in_tests = False
        self._test_seconds: float | None = None

    def read(self, text: str) -> list[GateReading]:
        for line in text.splitlines():
            self._line(line.strip())
        if self._in_tests and "tests" not in self._found and self._failed_tests:
            self._tests("failed", self._test_seconds)
        return list(self._found.values())

    def _line(self, line: str) -> None:
        if section := _SECTION.match(line):
            self._suite, self._failed = _SUITES[section["suite"]], []
        elif attempt := _ATTEMPT.search(line):
            self._attempt(attempt)
        elif self._suite is not None and (check := _CHECK.match(line)):
            if check["mark"] != _PASSED:
                self._failed.append(check["name"].strip())
        elif _TESTS_BEGIN.search(line):
            self._in_tests, self._suite = True, None
        elif fixed := _AI_FIX.search(line):
            outcome: Outcome = "completed" if fixed["success"] == "True" else "failed"
            self._keep(GateReading(_TOOL, "ai_fix", outcome, None))
        elif self._in_tests:
            self._test_line(line)

    def _attempt(self, attempt: re.Match[str]) -> None:
        phase = _SUITES[attempt["suite"]]
        total, passed = int(attempt["total"]), int(attempt["passed"])
        failed = max(0, total - passed)
        self._keep(
            GateReading(
                _TOOL,
                phase,
                "failed" if failed else "completed",
                float(attempt["seconds"]),
                tuple(self._failed[:CHECKS_KEPT]),
                total,
                failed,
            )
        )
        self._suite, self._failed = None, []

    def _test_line(self, line: str) -> None:
        if passed := _TESTS_PASSED.search(line):
            self._tests("completed", float(passed["seconds"]))
        elif _TESTS_FAILED.search(line):
            self._tests("failed", self._test_seconds, line)
        else:
            if seconds := _TEST_SECONDS.search(line):
                self._test_seconds = float(seconds["seconds"])
            if name := _TEST_NAME.search(line):
                self._failed_tests.append(name["name"][:_TEXT])

    def _tests(self, outcome: Outcome, seconds: float | None, error: str | None = None) -> None:
        if "tests" in self._found:
            return
        failed = tuple(dict.fromkeys(self._failed_tests))[:CHECKS_KEPT] if outcome == "failed" else ()
        told = None if failed else error
        self._keep(GateReading(_TOOL, "tests", outcome, seconds, failed, None, len(failed) or None, told))

    def _keep(self, reading: GateReading) -> None:
        before = self._found.pop(reading.phase, None)
        if (
            before is not None
            and before.duration_seconds is not None
            and reading.duration_seconds is not None
        ):
            seconds = before.duration_seconds + reading.duration_seconds
            reading = GateReading(
                reading.tool,
                reading.phase,
                reading.outcome,
                round(seconds, 6),
                reading.failed_checks,
                reading.check_count,
                reading.failed_count,
                reading.error,
            )
        self._found[reading.phase] = reading


class _JUnit:
    """One `<testsuite>` or several. A document type is refused: what it declares can grow without end."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._tests = 0
        self._failed: list[str] = []
        self._case: str | None = None
        self._case_failed = False
        self._depth = 0
        self._is_junit = False

    def read(self, text: str) -> GateReading:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = _refuse_doctype
        try:
            parser.Parse(text.encode("utf-8", "replace").decode(), True)
        except expat.ExpatError as error:
            raise InvalidInput(f"The report is no whole JUnit XML: {error}.") from error
        if not self._is_junit:
            raise InvalidInput("The report is XML, but has no <testsuite>; give pytest's --junitxml file.")
        failed = tuple(dict.fromkeys(self._failed))
        return GateReading(
            "pytest",
            "tests",
            "failed" if failed else "completed",
            self._seconds,
            failed[:CHECKS_KEPT],
            self._tests,
            len(failed),
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if name == "testsuite":
            self._is_junit = True
            self._seconds += _number(attributes.get("time"))
        elif name == "testcase":
            self._tests += 1
            self._case_failed = False
            self._case = _case_name(attributes)
        elif name in ("failure", "error") and self._case and not self._case_failed:
            self._case_failed = True
            self._failed.append(self._case)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == "testcase":
            self._case = None


def _case_name(attributes: dict[str, str]) -> str:
    parts = [attributes.get("classname", ""), attributes.get("name", "")]
    joined = ".".join(part for part in parts if part) or "unnamed"
    return "".join(letter if letter.isprintable() else " " for letter in joined)[:_TEXT]


def _number(text: str | None) -> float:
    """Seconds as JUnit writes them; 0 for what is no number, or none that can be a duration."""
    try:
        value = float((text or "0").replace(",", ""))
    except ValueError:
        return 0.0
    return value if 0.0 <= value < float("inf") else 0.0


def _refuse_doctype(*_parts: object) -> None:
    raise InvalidInput("The report declares a document type, which no JUnit XML needs; it was not read.")
