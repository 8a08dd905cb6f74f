"""Installed skills, and the front matter that describes them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.ingest.catalogue import InstalledSkill, catalogue_events, front_matter, installed_skills


@pytest.mark.parametrize(
    ("matter", "description"),
    [
        ("description: Plain words, with: a colon", "Plain words, with: a colon"),
        ('description: "Quoted \\"text\\" with \\u00e9"', 'Quoted "text" with \u00e9'),
        ("description: 'It''s quoted' # said so", "It's quoted"),
        ("description: >\n  folded\n  text\n\n  second part", "folded text\nsecond part"),
        ("description: >-\n  folded\n  text", "folded text"),
        ("description: |\n  literal\n  text", "literal\ntext"),
        ("description: begins here\n  and goes on", "begins here and goes on"),
        ("description:\n  begins below\n  its key", "begins below its key"),
        ('description: "quoted over\n  two lines"', "quoted over two lines"),
        ("description: words # a comment", "words"),
        ("description:", ""),
        ("allowed-tools:\n  - Bash\ndescription: after a list", "after a list"),
        ("metadata:\n  description: nested\ndescription: top", "top"),
        ('description: "never closed', "never closed"),
    ],
)
def test_the_forms_that_front_matter_uses_are_read(matter: str, description: str) -> None:
    assert (
        front_matter(f"---\nname: x\n{matter}\n---\n# Title\ndescription: body")["description"] == description
    )
    assert front_matter(f"---\r\n{matter}\r\n---\r\n".replace("\n\n", "\n\r\n"))["description"] == description


@pytest.mark.parametrize("text", ["", "# Title", "---\n", "---", "\n---\nname: x\n---", "\ufeff"])
def test_a_file_without_front_matter_has_none(text: str) -> None:
    assert not front_matter(text)


@given(
    st.text()
    | st.lists(st.sampled_from(["---", "\n", "name:", " ", ">", "|", '"', "'", "#", "-", "x"])).map("".join)
)
def test_any_text_can_be_read(text: str) -> None:
    for whole in (text, f"---\n{text}\n---\n"):
        assert all(isinstance(value, str) for value in front_matter(whole).values())


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def claude(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / ".claude"
    write(folder / "skills" / "greet" / "SKILL.md", "---\nname: greet\ndescription: Says hello\n---\nHello")
    write(folder / "skills" / "bare" / "SKILL.md", "no front matter")
    write(folder / "skills" / "folder-name" / "SKILL.md", "---\nname: A Display Name\n---\n")
    write(folder / "commands" / "ship.md", "---\ndescription: Ships it\n---\n")
    write(folder / "commands" / "team" / "plan.md", "Plan it.")
    plugin = tmp_path / "plugins" / "one"
    write(plugin / ".claude-plugin" / "plugin.json", '{"name": "one"}')
    write(plugin / "skills" / "test" / "SKILL.md", "---\nname: test\ndescription: Tests\n---\n")
    installed = {
        "plugins": {"one@market": [{"installPath": str(plugin)}], "gone@market": [{"installPath": "/x"}]}
    }
    write(folder / "plugins" / "installed_plugins.json", json.dumps(installed))
    return folder


def test_skills_of_the_user_of_a_project_and_of_plugins_are_found(claude: Path, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    write(project / ".claude" / "skills" / "greet" / "SKILL.md", "---\ndescription: Greets the shop\n---\n")
    assert installed_skills(claude, [project]) == [
        InstalledSkill("bare", "", "user"),
        InstalledSkill("folder-name", "", "user"),
        InstalledSkill("greet", "Greets the shop", "project", str(project)),
        InstalledSkill("greet", "Says hello", "user"),
        InstalledSkill("one:test", "Tests", "plugin"),
        InstalledSkill("ship", "Ships it", "user"),
        InstalledSkill("team:plan", "", "user"),
    ]


def test_nothing_installed_is_no_error(tmp_path: Path) -> None:
    assert not installed_skills(tmp_path / "none", [tmp_path])


def test_a_home_that_is_the_project_is_searched_once(claude: Path) -> None:
    assert installed_skills(claude, [claude.parent]) == installed_skills(claude)


def test_a_skill_has_a_new_event_only_when_it_says_something_new(claude: Path) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    first = catalogue_events(installed_skills(claude), at)
    again = catalogue_events(installed_skills(claude), datetime(2026, 4, 1, tzinfo=UTC))
    assert [event.id for event in first] == [event.id for event in again]
    write(claude / "skills" / "greet" / "SKILL.md", "---\ndescription: Says good morning\n---\n")
    changed = catalogue_events(installed_skills(claude), at)
    assert len({event.id for event in changed} - {event.id for event in first}) == 1


def test_damaged_lists_and_files_are_passed_over(claude: Path) -> None:
    (claude / "plugins" / "installed_plugins.json").write_text("[" * 5000)
    (claude / "skills" / "broken" / "SKILL.md").mkdir(parents=True)
    (claude / "skills" / "binary").mkdir()
    (claude / "skills" / "binary" / "SKILL.md").write_bytes(b"---\nname: \xff\x00\n---\n")
    names = [skill.skill_name for skill in installed_skills(claude)]
    assert names == ["bare", "binary", "folder-name", "greet", "ship", "team:plan"]
