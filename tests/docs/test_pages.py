"""Links lead somewhere, and commands that a page tells to type exist."""

import re
from pathlib import Path

import pytest

from tests.docs.commands import commands
from tests.docs.pages import ROOT, anchors, code_words, links, pages


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_internal_links_resolve(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_commands_on_a_page_exist(page: Path) -> None:
    known = {name.split()[0] for name, _ in commands()}
    named = {
        match[1]
        for word in code_words(page)
        if (match := re.match(r"(?:\$ )?session-buddy (?:--home \S+ )?([a-z][a-z-]*)", word))
    }
    assert named - known == set()


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_make_targets_on_a_page_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {match[1] for word in code_words(page) if (match := re.match(r"(?:\$ )?make ([a-z-]+)", word))}
    assert named - targets == set()


def test_readme_begins_with_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert readme.index("make demo") < readme.index("make test") < len(readme) // 2


def test_every_document_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    reached, todo = set(), [index]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        todo += [
            target
            for link in links(page)
            if not re.match(r"[a-z]+:", link)
            and (target := (page.parent / link.partition("#")[0]).resolve()).suffix == ".md"
        ]
    assert sorted(page_name(page) for page in pages() if "docs" in page.parts and page not in reached) == []


@pytest.mark.parametrize("folder", ["tutorial", "how-to", "reference", "explanation", "adr"])
def test_the_index_lists_every_page(folder: str) -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    there = {f"{folder}/{page.name}" for page in (ROOT / "docs" / folder).glob("*.md")}
    assert {page for page in there if f"]({page})" not in index} == set()


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_no_row_of_a_table_stands_apart_from_it(page: Path) -> None:
    """After a blank line a row is shown as text."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"^\|.*\|\n\n\|(?!.*\n\|[-: |]+\|$)", text, re.MULTILINE) == []


def test_nothing_tells_to_install_the_name_from_the_public_index() -> None:
    """The name there belongs to someone else."""
    installers = r"(?:pip|pipx|uv tool|uv pip) install (?:--?\S+ )*['\"]?session-buddy|uvx session-buddy"
    files = [*pages(), ROOT / ".mcp.json.example"]
    found = [page_name(page) for page in files if re.search(installers, page.read_text("utf-8"))]
    assert found == []


def test_every_file_that_stands_for_a_requirement_exists() -> None:
    text = (ROOT / "docs" / "reference" / "requirements.md").read_text("utf-8")
    roots = ("session_buddy/", "sql/", "tests/", "bench/", "docs/", "monitoring/")
    named = {word for word in re.findall(r"`([^`\s]+)`", text) if word.startswith(roots)}
    assert named
    assert {name for name in named if not (ROOT / name).exists()} == set()
