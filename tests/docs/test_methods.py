"""Every method is on the page of the methods, with its paper and what it was held against."""

import ast
import re
from pathlib import Path

import pytest

from bench.methods import PARTS
from tests.docs.pages import ROOT

FOLDER = ROOT / "session_buddy" / "analytics"
PAGE = (ROOT / "docs" / "reference" / "methods.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in row.split("|")[1:-1]] for row in PAGE.splitlines() if row.startswith("| `")]
NO_METHOD = {  # values that are passed on, words, and what scores the methods
    "signals.py",
    "slowdown_evaluation.py",
    "experiments/metrics.py",
    "experiments/rules.py",
    "experiments/wording.py",
    "success/evaluation.py",
    "success/uses.py",
    "suggesting/context.py",
    "suggesting/counts.py",
    "suggesting/evaluation.py",
    "suggesting/strategies.py",
    "suggesting/vocabulary.py",
}
LIBRARY_OF_ITS_OWN = {"isolation_forest.py", "success/forest.py"}  # without it there is no example to run


def files_of(row: list[str]) -> list[str]:
    return re.findall(r"`([^`]+)`", row[0])


def documented(file: str) -> str:
    tree = ast.parse((FOLDER / file).read_text(encoding="utf-8"))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return "\n".join(ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, kinds))


def test_the_page_lists_every_method_and_no_file_that_is_not_there() -> None:
    files = {path.relative_to(FOLDER).as_posix() for path in Path(FOLDER).rglob("*.py")}
    methods = {file for file in files if not file.endswith("__init__.py")} - NO_METHOD
    listed = [file for row in ROWS for file in files_of(row)]
    assert sorted(listed) == sorted(methods)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_method_has_the_papers_that_the_page_names_and_an_example(row: list[str]) -> None:
    of_all = "\n".join(documented(file) for file in files_of(row))
    for year in re.findall(r"\b(?:18|19|20)\d\d\b", row[2]):
        assert year in of_all, f"{row[0]} does not cite a work of {year}"
    for file in set(files_of(row)) - LIBRARY_OF_ITS_OWN:
        assert ">>>" in documented(file), f"{file} has no example"
    assert row[3], "it was held against something"


def test_the_parts_of_the_bench_that_the_page_names_are_there() -> None:
    assert set(re.findall(r"bench\.methods ([a-z_]+)", PAGE)) <= set(PARTS)
