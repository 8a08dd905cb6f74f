"""Which shell commands are checks (tests, lint, types, build), and whether one passed.

A check is recognised by the first words of a simple command, behind what only prepares it: `cd x &&`,
`FOO=1`, `env`, `time`, `timeout 60`, `uv run`, `npx`, `python -m` and the like. The exit status that an
agent's shell reports is that of the whole command line, so it speaks for a check only if nothing after
the check can hide it (`check`, `check && more`, but not `check | tail` or `check; echo`). Where it is
hidden, the check's own output decides, if it says so in words that the common tools use.
"""

import re
import shlex
from dataclasses import dataclass
from typing import Final

from session_buddy.ingest.check_words import (
    BUILDERS,
    KEYWORDS,
    RUNNERS,
    SCRIPTED,
    TOOLS,
    VALUED,
    VERBS,
    CheckKind,
)

COMMAND_LIMIT: Final = 20_000  # characters of a command line that are looked at; a here-document may be long
OUTPUT_LIMIT: Final = 20_000  # last characters of an output; summaries stand at the end


@dataclass(frozen=True, slots=True)
class Check:
    """A recognised check.

    name: the tool and its verb, such as `pytest` or `npm test`; never arguments, which may hold secrets.
    hidden: the command line's exit status does not tell the check's.
    """

    kind: CheckKind
    name: str
    hidden: bool


_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_NUMBER: Final = re.compile(r"\d+(\.\d+)?[smhd]?$")
_HEREDOC: Final = re.compile(r"<<-?\s*(['\"]?)(\w+)\1.*?^\s*\2\s*$", re.DOTALL | re.MULTILINE)
_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)
_LOOKS_LIKE_CHECK: Final = re.compile(
    r"test|spec|lint|check|build|make|tox|nox|mypy|pyright|ruff|flake|tsc|vet|clippy|jest|mocha|rspec|unit|"
    r"gradle|mvn|verify|compile|cargo|go |just|task|pre-commit|black|isort|prettier|fmt|ty |bats|ava|pest|"
    r"phpcs|psalm"
)


def recognise(command: str) -> Check | None:
    """The last check that a shell command line runs; None if it runs none."""
    text = command[:COMMAND_LIMIT]
    if not _LOOKS_LIKE_CHECK.search(text):
        return None
    keeps_status = "pipefail" in text
    found: Check | None = None
    hidden = False
    for words, operator in reversed(_simple_commands(text)):
        hides = operator in {"||", ";", "&"} or (operator in {"|", "|&"} and not keeps_status)
        hidden = hidden or hides
        kind_and_name = _kind(words)
        if kind_and_name is not None:
            found = Check(*kind_and_name, hidden)
            break
    return found


def passed(check: Check, *, error: bool, output: str) -> bool | None:
    """Whether the check passed; None if nothing tells.

    error: the command line as a whole failed. output: what it printed.
    """
    if not check.hidden:
        return not error
    tail = output[-OUTPUT_LIMIT:]
    if _SAYS_FAILED.search(tail):
        return False
    return True if _SAYS_PASSED.search(tail) else None


_SAYS_FAILED: Final = re.compile(
    r"\b[1-9]\d* (?:failed|failing|failures?|errors?)\b|^FAILED?\b|^--- FAIL|test result: FAILED|error TS\d+|"
    r"Found [1-9]\d* errors?|error: could not compile|BUILD (?:FAILURE|FAILED)|npm ERR!|Command failed|"
    r"Tests:\s+[1-9]\d* failed|failures=[1-9]|errors=[1-9]|^error(?:\[E\d+\])?:|make: \*\*\*|"
    r"[Nn]o tests? (?:ran|found)",
    re.MULTILINE,
)
_SAYS_PASSED: Final = re.compile(
    r"\b\d+ pass(?:ed|ing)\b|^ok\s|^PASS\b|test result: ok|Success: no issues found|All checks passed|"
    r"Tests:\s+\d+ passed|BUILD SUCCESS|\b0 (?:errors|failures|failed)\b|no issues found|^OK\b|"
    r"Compiled successfully|Finished `?(?:dev|test|release)|Passed!",
    re.MULTILINE,
)


def _simple_commands(text: str) -> list[tuple[list[str], str]]:
    """The command line's simple commands as words, each with the operator that follows it, "" at the end."""
    one_line = _COMMENT.sub("", _HEREDOC.sub("", text)).replace("\\\n", " ").replace("\n", ";")
    lexer = shlex.shlex(one_line, posix=True, punctuation_chars=";|&<>()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    commands: list[tuple[list[str], str]] = []
    words: list[str] = []
    redirected = False
    try:
        for token in lexer:
            if token[0] in "<>" or token in {"&>", "&>>", ">&"}:
                redirected = True
            elif token[0] in ";|&()" and not set(token) - set(";|&()"):
                _finish(commands, words, token)
                words = []
            elif redirected:
                redirected = False
            else:
                words.append(token)
    except ValueError:  # an unclosed quotation: what stands before it is still a command
        pass
    if words:
        commands.append((words, ""))
    return commands


def _finish(commands: list[tuple[list[str], str]], words: list[str], token: str) -> None:
    operator = token.strip("()") or ""
    if words:
        commands.append((words, operator[:2] if operator[:2] in {"||", "&&", "|&"} else operator[:1]))
    elif operator and commands:
        commands[-1] = (commands[-1][0], operator[:2] if operator[:2] in {"||", "&&"} else operator[:1])


def _kind(words: list[str]) -> tuple[CheckKind, str] | None:
    rest = _behind_runners(words)
    if not rest:
        return None
    tool = _base(rest[0])
    arguments = [word for word in rest[1:] if word[0:1] not in {"-", "+"}]
    if tool.startswith("python") and "-m" in rest:
        rest = rest[rest.index("-m") + 1 :]
        return _kind(rest) if rest else None
    if tool.startswith("python") and arguments and _base(arguments[0]) == "manage.py":
        return _kind(arguments)
    if tool in SCRIPTED:
        return _script(tool, arguments)
    if tool in BUILDERS:
        return _target(tool, arguments)
    if tool in VERBS:
        verb = rest[1] if tool == "cmake" and len(rest) > 1 else next(iter(arguments), "")
        kind = VERBS[tool].get(verb)
        return (kind, f"{tool} {verb}") if kind else None
    if tool == "ruff" and arguments[:1] == ["format"] and "--check" not in rest:
        return None
    return (TOOLS[tool], tool) if tool in TOOLS else None


def _behind_runners(words: list[str]) -> list[str]:
    """The words from the command that is really run: behind assignments, runners and their options."""
    rest = words
    while rest:
        word = _base(rest[0])
        if _ASSIGNMENT.match(rest[0]):
            rest = rest[1:]
        elif word in RUNNERS and (not RUNNERS[word] or RUNNERS[word] & set(rest[1:4])):
            follow = RUNNERS[word]
            rest = rest[1:]
            while rest and follow and rest[0] not in follow:
                rest = rest[1:]
            rest = _behind_options(rest[1:] if follow else rest)
        else:
            return rest
    return rest


def _behind_options(words: list[str]) -> list[str]:
    rest = words
    while rest and (rest[0].startswith("-") or _NUMBER.match(rest[0])):
        rest = rest[2:] if rest[0] in VALUED else rest[1:]
    return rest


def _script(tool: str, arguments: list[str]) -> tuple[CheckKind, str] | None:
    """`npm test`, `npm run lint`, `yarn typecheck`..."""
    words = arguments[1:] if arguments[:1] in (["run"], ["run-script"]) else arguments
    if not words or (tool == "npm" and words is arguments and words[0] not in {"test", "t", "tst"}):
        return None
    script = "test" if words[0] in {"t", "tst"} else words[0]
    kind = TOOLS.get(script) or _by_keyword(script, without=("install", "ci", "all", "package"))
    return (kind, f"{tool} {script}"[:60]) if kind else None


def _target(tool: str, arguments: list[str]) -> tuple[CheckKind, str] | None:
    """`make test`, `./gradlew :app:check`, `mvn -q verify`; `make` alone builds."""
    if not arguments:
        return ("build", tool) if tool in {"make", "gmake"} else None
    for target in reversed(arguments):
        kind = _by_keyword(target)
        if kind:
            return (kind, f"{tool} {target}"[:60])
    return None


def _by_keyword(name: str, without: tuple[str, ...] = ()) -> CheckKind | None:
    lowered = name.lower()
    parts = re.split(r"[^a-z0-9]+", lowered)
    for kind, keywords in KEYWORDS:
        for keyword in keywords:
            if keyword not in without and (keyword in parts or (len(keyword) > 3 and keyword in lowered)):
                return kind
    return None


def _base(word: str) -> str:
    """The program's name without its folder."""
    return word.rsplit("/", 1)[-1]
