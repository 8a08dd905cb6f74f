"""What a file's name and a selection say about the work at hand, in words that skills are described with."""

import re
from typing import Final, NamedTuple

from session_buddy.models.vocabulary import WorkflowPhase

LOOKED_AT: Final = 16_384
"""Characters of a selection that are searched: its first and its last half of so many."""


class CodeSignals(NamedTuple):
    """names: what was seen. words: to match skills with. binary: no text. cut: not all was looked at."""

    language: str | None
    names: tuple[str, ...]
    words: tuple[str, ...]
    phase: WorkflowPhase
    binary: bool
    cut: bool


class _Signal(NamedTuple):
    name: str
    pattern: re.Pattern[str]
    words: str
    phase: WorkflowPhase


_ENDINGS: Final = {
    "python": "py pyi",
    "javascript": "js mjs cjs jsx",
    "typescript": "ts tsx",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "kotlin": "kt",
    "ruby": "rb",
    "php": "php",
    "csharp": "cs",
    "c": "c h",
    "cpp": "cc cpp hpp",
    "swift": "swift",
    "scala": "scala",
    "shell": "sh bash zsh",
    "sql": "sql",
    "html": "html",
    "css": "css scss",
    "vue": "vue",
    "markdown": "md",
    "restructuredtext": "rst",
    "yaml": "yaml yml",
    "json": "json",
    "toml": "toml",
    "terraform": "tf",
    "jupyter": "ipynb",
    "lua": "lua",
    "r": "r",
    "dart": "dart",
    "elixir": "ex exs",
    "haskell": "hs",
}
_LANGUAGES: Final = {ending: name for name, endings in _ENDINGS.items() for ending in endings.split()}
_BINARY: Final = frozenset(
    """png jpg jpeg gif webp ico bmp pdf zip gz tar xz 7z jar whl so dll dylib exe bin o a class pyc wasm db
    duckdb sqlite mp3 mp4 mov avi ogg wav ttf otf woff woff2 psd xlsx docx pptx parquet""".split()  # noqa: SIM905
)


def _file(name: str, pattern: str, words: str, phase: WorkflowPhase = "unknown") -> _Signal:
    return _Signal(name, re.compile(pattern, re.IGNORECASE), words, phase)


def _code(name: str, pattern: str, words: str, phase: WorkflowPhase = "unknown") -> _Signal:
    return _Signal(name, re.compile(pattern, re.MULTILINE), words, phase)


FILES: Final = (
    _file(
        "test file",
        r"(?:^|[/\\])(?:tests?|specs?|__tests__)[/\\]|(?:^|[/\\])test_[^/\\]*$"
        r"|[._](?:test|spec)s?\.\w+$",
        "test testing tests",
        "verification",
    ),
    _file("migration", r"migrations?[/\\]|\.sql$", "migration migrate database schema sql", "execution"),
    _file(
        "CI",
        r"\.github[/\\]workflows|\.gitlab-ci|jenkinsfile|azure-pipelines|\.circleci",
        "ci pipeline workflow build",
        "deployment",
    ),
    _file(
        "container",
        r"dockerfile|docker-compose|\.dockerignore|helm|k8s|kubernetes",
        "docker container image deploy",
        "deployment",
    ),
    _file(
        "infrastructure",
        r"\.tf$|ansible|pulumi|cloudformation",
        "infrastructure terraform deploy cloud",
        "deployment",
    ),
    _file(
        "documentation",
        r"(?:^|[/\\])(?:docs?[/\\]|readme|changelog|contributing)|\.(?:md|rst|adoc)$",
        "documentation docs write readme",
        "execution",
    ),
    _file(
        "dependencies",
        r"(?:^|[/\\])(?:package\.json|pyproject\.toml|requirements[^/\\]*\.txt|go\.mod|cargo\.toml|gemfile"
        r"|pom\.xml|build\.gradle)",
        "dependencies packages upgrade install",
        "setup",
    ),
    _file("page", r"\.(?:html|css|scss|vue|jsx|tsx)$", "frontend ui page component design", "execution"),
    _file("notebook", r"\.ipynb$", "notebook data analysis", "execution"),
)
CODE: Final = (
    _code(
        "a test",
        r"^\s*(?:def test_|(?:async )?(?:it|describe|test)\(|func Test|#\[test\]|@Test\b)",
        "test testing assert",
        "verification",
    ),
    _code(
        "a traceback",
        r"Traceback \(most recent call last\)|^\s+at [\w.$<>]+\(|panic:|Segmentation fault",
        "debug error fix bug",
        "execution",
    ),
    _code(
        "an unfinished note", r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HACK)\b", "fix refactor cleanup", "execution"
    ),
    _code(
        "error handling",
        r"^\s*(?:except\b|} ?catch|catch\s*\(|rescue\b)|if err != nil",
        "error exception handling debug",
        "execution",
    ),
    _code(
        "SQL",
        r"\b(?:SELECT\b[^;]{1,500}\bFROM|INSERT INTO|CREATE TABLE|ALTER TABLE|UPDATE\s+\w+\s+SET)\b",
        "sql database query migration",
        "execution",
    ),
    _code(
        "a secret",
        r"(?i)\b(?:password|secret|api_?key|token)\b\s{0,5}[:=]",
        "security secrets audit",
        "verification",
    ),
    _code(
        "concurrency",
        r"\b(?:async def|await|threading|asyncio|goroutine|Promise|Mutex|synchronized)\b",
        "async concurrency performance",
        "execution",
    ),
    _code("a conflict", r"^(?:<{7} |>{7} )", "merge conflict git rebase", "execution"),
    _code(
        "a network call",
        r"\b(?:fetch|axios|requests|httpx|http)\b\.?(?:get|post|put|\()",
        "api http client",
        "execution",
    ),
    _code(
        "a definition",
        r"^\s*(?:def |class |function |func |fn |public |export (?:default )?(?:function|class))",
        "review refactor documentation",
        "execution",
    ),
)


def signals_of(file_path: str, selected_code: str, language: str | None) -> CodeSignals:
    """What stands out, file first. Linear in the first and last `LOOKED_AT` / 2 characters of the selection.

    >>> signals_of("shop/tests/test_cart.py", "def test_total(): ...", None).names
    ('test file', 'a test', 'a definition')
    """
    ending = file_path.rpartition(".")[2].lower() if "." in file_path else ""
    code, cut = _looked_at(selected_code)
    binary = "\0" in code or (ending in _BINARY and not code)
    told = (language or "").strip().lower() or _LANGUAGES.get(ending)
    found = [signal for signal in FILES if signal.pattern.search(file_path[-500:])]
    if not binary:
        found += [signal for signal in CODE if signal.pattern.search(code)]
    words = [word for signal in found for word in signal.words.split()]
    phases = [signal.phase for signal in found if signal.phase != "unknown"]
    return CodeSignals(
        language=told,
        names=tuple(signal.name for signal in found),
        words=tuple(dict.fromkeys([*words, *([told] if told else ())])),
        phase=phases[0] if phases else "unknown",
        binary=binary,
        cut=cut,
    )


def _looked_at(code: str) -> tuple[str, bool]:
    if len(code) <= LOOKED_AT:
        return code, False
    half = LOOKED_AT // 2
    return f"{code[:half]}\n{code[-half:]}", True
