"""Habits of this project (CONTRIBUTING.md) that a machine can see."""

import ast
import re
import tokenize
from pathlib import Path

import pytest

from tests.architecture.sources import functions, modules, name_of, project_files, tree

MODULE_LINES = 320
FUNCTION_LINES = 60
LONGER_MODULES = {
    "session_buddy/ingest/hook.py": 470,  # runs where nothing of ours can be imported, so it is one file
}

CATCHES_EVERYTHING = {
    "session_buddy/opening.py: _run": "the top of a thread; whoever waits for the services is told",
    "session_buddy/cli/app.py: run": "the top of a command; a fault of ours is told in one line",
    "session_buddy/ingest/ci.py: main": "the wrapped command has ended, and only its exit status counts",
    "session_buddy/ingest/hook.py: run": "a hook that fails would disturb the agent; its log has a line",
    "session_buddy/relay/leading.py: _run": "the top of the leader's thread; the relay tells the client why",
    "session_buddy/serve/command_calls.py: serve_calls": "the top of one command's call",
    "session_buddy/serve/command_calls.py: _work": "the top of a thread; its future carries the error on",
    "session_buddy/serve/service_tool.py: run": "the top of one tool call",
    "session_buddy/serve/workers.py: _serve": "what work raises goes to who awaits it",
}
"""Tops of a process or connection: what goes wrong in one must not end the others. It is logged."""

# Written with classes of one character, so that this file does not hold what it looks for.
MACHINE_PATHS = re.compile(r"(?<![\w.~])/(?:work|farm)/|/tmp/[w]/|/root/[.\w]")
REGISTRY_HOSTS = re.compile(r"pythonhosted[.]org|pypi[.]org|npmjs[.](?:com|org)|deb[.]debian[.]org")
UNFINISHED = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b")
BANNER = re.compile(r"^\s*#\s*[-=#*]{4,}", re.MULTILINE)
BARE_SUPPRESSION = re.compile(r"#\s*(?:noqa(?!: ?[A-Z]+\d+)|type: ignore(?!\[))")


def text_files() -> list[Path]:
    kinds = {".py", ".md", ".toml", ".sql", ".yaml", ".yml", ".json", ".sh", ".js", ".html", ".example", ""}
    return [file for file in project_files() if file.suffix in kinds]


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [MACHINE_PATHS, REGISTRY_HOSTS], ids=["machine paths", "registry hosts"])
def test_no_file_names_the_machine_it_was_written_on(pattern: re.Pattern[str]) -> None:
    found = [
        f"{name_of(file)}:{number}: {line.strip()[:100]}"
        for file in text_files()
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("module", modules(), ids=name_of)
def test_a_module_is_one_idea(module: Path) -> None:
    lines = len(module.read_text("utf-8").splitlines())
    assert lines <= LONGER_MODULES.get(name_of(module), MODULE_LINES)


@pytest.mark.slow
def test_a_function_is_one_sentence() -> None:
    long = [
        f"{name_of(module)}:{function.lineno}: {function.name}"
        for module in modules()
        for function in functions(module)
        if (function.end_lineno or 0) - function.lineno > FUNCTION_LINES
    ]
    assert long == []


@pytest.mark.slow
def test_only_the_top_of_a_process_or_connection_catches_everything() -> None:
    found = set()
    for module in modules():
        for function in functions(module):
            for node in ast.walk(function):
                if isinstance(node, ast.ExceptHandler) and catches_everything(node):
                    found.add(f"{name_of(module)}: {function.name}")
    assert found == set(CATCHES_EVERYTHING)


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether the handler survives any exception; one that ends in a bare `raise` only cleans up."""
    if isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None:
        return False
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"})
        for kind in kinds
    )


@pytest.mark.slow
def test_nothing_is_swallowed_by_suppress() -> None:
    found = [
        f"{name_of(module)}:{node.lineno}"
        for module in modules()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("suppress")
        and any(ast.unparse(kind) in {"Exception", "BaseException"} for kind in node.args)
    ]
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", [module for module in modules() if module.parent.name in {"analytics", "live"}], ids=name_of
)
def test_pure_layers_read_no_clock_and_open_nothing(module: Path) -> None:
    impure = {"now", "utcnow", "today", "open", "print", "input", "uuid4", "time_ordered_id", "default_rng"}
    called = [
        f"{name_of(module)}:{node.lineno}: {ast.unparse(node.func)}"
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in impure
    ]
    assert called == []


def test_nothing_is_left_unfinished_or_marked_off() -> None:
    found = [
        f"{name_of(file)}: {match[0].strip()}"
        for file in project_files()
        if file.suffix in {".py", ".sql", ".sh"}
        for said in (comments(file),)
        for pattern in (UNFINISHED, BANNER)
        for match in pattern.finditer(said)
    ]
    assert found == []


def comments(file: Path) -> str:
    """The comments of a Python file, a line each; the whole of another file."""
    if file.suffix != ".py":
        return file.read_text("utf-8")
    with file.open("rb") as source:
        tokens = tokenize.tokenize(source.readline)
        return "\n".join(token.string for token in tokens if token.type == tokenize.COMMENT)


def test_every_suppression_names_what_it_suppresses() -> None:
    found = [
        f"{name_of(file)}:{number}: {line.strip()}"
        for file in project_files()
        if file.suffix == ".py" and file != Path(__file__)
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if BARE_SUPPRESSION.search(line)
    ]
    assert found == []


@pytest.mark.slow
def test_a_fixed_statement_is_written_in_a_sql_file() -> None:
    """One whose table is a variable cannot be; it is quoted where it is made."""
    verbs = r"^\s*(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|ALTER TABLE)\s.+"
    statement = re.compile(verbs, re.DOTALL)
    found = []
    for module in modules():
        made = {
            id(part)
            for node in ast.walk(tree(module))
            if isinstance(node, ast.JoinedStr)
            for part in node.values
        }
        found += [
            f"{name_of(module)}:{node.lineno}: {node.value.strip()[:60]}"
            for node in ast.walk(tree(module))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in made
            and statement.match(node.value)
        ]
    assert found == []


def claims(node: ast.AST) -> bool:
    """Whether a node says what must be so: `assert`, an error that must come, or a call of `assert_...`."""
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        return called in {"pytest.raises", "pytest.warns"} or called.rpartition(".")[2].startswith("assert_")
    return isinstance(node, ast.Assert)


def test_a_test_asserts_something_and_never_sleeps() -> None:
    found = []
    for file in project_files():
        if file.suffix != ".py" or not name_of(file).startswith("tests/"):
            continue
        may_sleep = "sleep(" in file.read_text("utf-8")
        for function in functions(file):
            if not function.name.startswith("test_"):
                continue
            if not any(map(claims, ast.walk(function))):
                found.append(f"{name_of(file)}:{function.lineno}: {function.name} asserts nothing")
            if may_sleep and re.search(
                r"(?<![a-mo-z])(?:time|asyncio|anyio)\.sleep\(", ast.unparse(function)
            ):
                found.append(f"{name_of(file)}:{function.lineno}: {function.name} sleeps")
    assert found == []
