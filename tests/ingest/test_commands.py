"""What a user's text is."""

import pytest

from session_buddy.ingest.commands import BUILT_IN_COMMANDS, Said, read_saying

EXPANDED = (
    "<command-message>{0}</command-message>\n<command-name>/{0}</command-name>\n"
    "<command-args>a b</command-args>"
)
PLAIN = "<command-name>/{0}</command-name>\n            <command-message>{0}</command-message>"


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        ("please fix it", "prompt"),
        ("", "prompt"),
        ("what does <command-name> mean?", "prompt"),
        ("[Request interrupted by user]", "interrupted"),
        ("[Request interrupted by user for tool use]", "interrupted"),
        ("<local-command-stdout>x</local-command-stdout>", "client"),
        ("<bash-input>ls</bash-input>", "client"),
        ("Unknown skill: commit", "client"),
        ("<task-notification>x</task-notification>", "notification"),
        (PLAIN.format("clear"), "built_in"),
        (PLAIN.format("exit"), "exit"),
        (PLAIN.format("review"), "command"),
        (PLAIN.format("my-skill"), "command"),
        ("<command-name></command-name>", "prompt"),
    ],
)
def test_a_text_is_told_by_how_it_begins(text: str, saying: str) -> None:
    assert read_saying(text).saying == saying


def test_a_skill_may_have_the_name_of_a_built_in_command() -> None:
    assert "release-notes" in BUILT_IN_COMMANDS
    assert read_saying(EXPANDED.format("release-notes")) == Said("command", "release-notes", "a b")
    assert read_saying(PLAIN.format("plan")).saying == "built_in"
    assert read_saying(PLAIN.format("plan"), installed=frozenset({"plan"})).saying == "command"


def test_what_follows_the_clients_caveat_is_a_built_in_command() -> None:
    assert read_saying(PLAIN.format("brand-new"), after_caveat=True).saying == "built_in"


def test_a_bare_line_after_the_caveat_is_a_forked_skill() -> None:
    assert read_saying("/audit of refunds", after_caveat=True) == Said("forked", "audit", "of refunds")
    assert read_saying("/", after_caveat=True).saying == "client"
    assert read_saying("/audit of refunds").saying == "prompt"


def test_a_plugins_skill_keeps_its_plugins_name() -> None:
    assert read_saying(EXPANDED.format("team:plan")).name == "team:plan"
