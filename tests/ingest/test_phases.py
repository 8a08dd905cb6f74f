"""Which workflow phase a skill's name speaks of."""

import pytest

from session_buddy.ingest.phases import phase_of


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("deploy", "deployment"),
        ("release-notes", "deployment"),
        ("run-tests", "verification"),
        ("code-review", "verification"),
        ("github-pr-review", "verification"),
        ("superpowers:requesting-code-review", "verification"),
        ("superpowers:writing-plans", "setup"),
        ("superpowers:brainstorming", "setup"),
        ("superpowers:executing-plans", "execution"),
        ("superpowers:test-driven-development", "execution"),
        ("fix-tests", "execution"),
        ("commit", "execution"),
        ("rollback-release", "rollback"),
        ("cleanup", "cleanup"),
        ("projectSetup", "setup"),
        ("release-tools:greet", None),
        ("contest", None),
        ("xlsx", None),
        ("", None),
    ],
)
def test_a_phase_is_inferred_only_from_a_word_of_the_name(name: str, phase: str | None) -> None:
    assert phase_of(name) == phase


def test_a_description_counts_by_its_verb_and_only_if_the_name_says_nothing() -> None:
    assert phase_of("go-live", "Deploys the app to production") == "deployment"
    assert phase_of("teach", "Explains how tests are deployed") is None
    assert phase_of("lint", "Deploys the app") == "verification"
