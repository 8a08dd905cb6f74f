"""What somebody may have meant by a name that is not known."""

from session_buddy.services.near_names import known_names, nearest_names


def test_a_letter_too_few_or_swapped_finds_the_name() -> None:
    known = ["deploy", "code-review", "test-first"]
    assert nearest_names("code-revew", known) == ["code-review"]
    assert nearest_names("tset-first", known) == ["test-first"]


def test_the_plugin_and_the_case_may_be_left_out() -> None:
    known = ["review-pr", "tools:Deploy", "other:deploy"]
    assert nearest_names("DEPLOY", known) == ["tools:Deploy", "other:deploy"]
    assert nearest_names("tools:review-pr", known) == ["review-pr"]


def test_what_resembles_nothing_is_told_what_there_is() -> None:
    known = [f"skill-{letter}" for letter in "abcdefg"]
    told = known_names("x", known, "Nothing yet.")
    assert told == "Known are: skill-a, skill-b, skill-c, skill-d, skill-e."
    assert known_names("skill-", ["skill-a"], "Nothing yet.") == "Did you mean 'skill-a'?"
    assert known_names("x", [], "Nothing yet.") == "Nothing yet."
