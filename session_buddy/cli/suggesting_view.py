"""Suggestions as a table."""

from typing import Any

from session_buddy.cli.formats import NOTHING, seconds
from session_buddy.cli.output import add, console, say, show, table
from session_buddy.cli.tables import answer_of
from session_buddy.models.answers_recommending import Suggestions


def show_suggestions(result: Any) -> None:
    """Print the skills, best first, and what to make of it."""
    answer = answer_of(Suggestions, result)
    out = console()
    if answer.suggestions:
        right = ("score", "completes (of)", "takes")
        made = table("skill", *right, "because", right=right)
        for found in answer.suggestions:
            odds = found.success_probability
            add(
                made,
                found.skill_name,
                f"{100 * found.score:.0f} %",
                NOTHING if odds is None else f"{100 * odds:.0f} % ({found.decided_count})",
                NOTHING if found.expected_seconds is None else seconds(found.expected_seconds),
                found.reason,
            )
        show(out, made)
        say(out)
    say(out, answer.message)
    if answer.test_name is not None:
        say(
            out,
            f"Suggested by {answer.strategy}, as the {answer.group_name} group of {answer.test_name} has it.",
        )
