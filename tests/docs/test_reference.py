"""What the program offers is documented, all of it."""

import re
from typing import get_args

import click
import pytest

from session_buddy import errors
from session_buddy.cli.app import SECTIONS
from session_buddy.config import Settings
from session_buddy.models import events
from tests.docs.commands import commands
from tests.docs.pages import DOCS, ROOT

CLI = (DOCS / "reference" / "cli.md").read_text("utf-8")


def section(name: str) -> str:
    """The part of cli.md under the heading of a command, to the next heading of that depth or above."""
    match = re.search(rf"^(#+) `session-buddy {re.escape(name)}\b[^`]*`$", CLI, re.MULTILINE)
    assert match, f"docs/reference/cli.md has no heading for `session-buddy {name}`"
    rest = CLI[match.end() :]
    end = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_a_command_is_documented_with_all_its_options(name: str, command: click.Command) -> None:
    text = section(name)
    everywhere = {"--home", "--transport", "--help"}
    options = {
        max(parameter.opts, key=len)
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
    }
    assert {option for option in options - everywhere if f"`{option}" not in text} == set()


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_help_calls_an_option_s_value_as_the_page_does(name: str, command: click.Command) -> None:
    """No `INTEGER RANGE` or `TEXT` where the page says `N` or `NAME`."""
    text = section(name)
    context = click.Context(command)
    other = []
    for parameter in command.params:
        if isinstance(parameter, click.Option) and isinstance(parameter.type, click.Choice) is False:
            flag, value = max(parameter.opts, key=len), parameter.make_metavar(context)
            on_page = re.search(rf"`{flag} ([^`]+)`", text)
            if on_page and not parameter.is_flag and on_page[1] != value:
                other.append(f"{flag} {value}, not {on_page[1]}")
    assert other == []


def test_help_lists_the_commands_under_the_headings_of_the_page() -> None:
    parts = re.split(r"^## (.+)$", CLI, flags=re.MULTILINE)[1:]
    page = {
        heading: sorted(re.findall(r"^### `session-buddy ([a-z-]+)", text, re.MULTILINE))
        for heading, text in zip(parts[::2], parts[1::2], strict=True)
    }
    assert page == {heading: sorted(names) for heading, names in SECTIONS.items()}


def test_cli_page_names_no_command_that_is_not_there() -> None:
    documented = re.findall(r"^#+ `session-buddy ([a-z-]+(?: [a-z-]+)?)", CLI, re.MULTILINE)
    assert {name for name in documented if name not in dict(commands())} == set()


@pytest.mark.parametrize("name", Settings._fields)
def test_a_setting_is_documented_with_its_variable_and_default(name: str) -> None:
    text = (DOCS / "reference" / "configuration.md").read_text("utf-8")
    row = next((line for line in text.splitlines() if line.startswith(f"| `{name}` ")), None)
    assert row is not None, f"docs/reference/configuration.md has no row for {name}"
    assert f"`SESSION_BUDDY_{name.upper()}`" in row
    if name not in {"home", "transport"}:
        default = Settings(home="")._asdict()[name]
        said = str(default).lower() if isinstance(default, bool) else str(default)
        assert (f"`{said}`" if said else "none") in row


def test_every_exit_status_is_documented() -> None:
    text = (DOCS / "reference" / "exit-codes.md").read_text("utf-8")
    for status in (0, 1, 2, 130, 141):
        assert f"| `{status}` |" in text


def test_every_error_is_documented() -> None:
    text = (DOCS / "reference" / "exit-codes.md").read_text("utf-8")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert [kind.__name__ for kind in kinds if f"`{kind.__name__}`" not in text] == []


def test_every_kind_of_evidence_is_documented() -> None:
    text = (DOCS / "reference" / "outcomes.md").read_text("utf-8")
    assert [kind for kind in get_args(events.EvidenceKind) if f"`{kind}`" not in text] == []


def test_every_kind_of_journal_event_and_its_fields_are_documented() -> None:
    text = (DOCS / "reference" / "journal-format.md").read_text("utf-8")
    (union, _) = get_args(events.AnyEvent)
    kinds = {word for kind in get_args(union) for word in get_args(kind.model_fields["kind"].annotation)}
    fields = kinds | {name for kind in get_args(union) for name in kind.model_fields}
    assert {name for name in fields if f"`{name}`" not in text} == set()


def test_every_table_and_view_is_documented() -> None:
    text = (DOCS / "reference" / "schema.md").read_text("utf-8")
    schema = (ROOT / "sql" / "schema.sql").read_text("utf-8")
    names = re.findall(
        r"^CREATE (?:TABLE|VIEW) (?:IF NOT EXISTS )?(\w+)", schema, re.MULTILINE | re.IGNORECASE
    )
    assert names
    assert [name for name in names if f"`{name}`" not in text] == []
