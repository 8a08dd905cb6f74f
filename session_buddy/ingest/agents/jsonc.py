"""Edits of JSON with comments and trailing commas, as VS Code and Gemini CLI read their settings."""

import re
from collections.abc import Callable
from typing import Final

_PARTS: Final = re.compile(
    r'"(?:\\.|[^"\\])*"|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<comma>,)(?=(?:\s|//[^\n]*|/\*.*?\*/)*[}\]])',
    re.DOTALL,
)


def plain(text: str) -> str:
    """The document as JSON: blanks in place of comments and trailing commas, so that places stay the same."""

    def blanked(match: re.Match[str]) -> str:
        if match["comment"] is None and match["comma"] is None:
            return match[0]
        return re.sub(r"[^\r\n]", " ", match[0])

    return _PARTS.sub(blanked, text)


def edited(text: str, edit: Callable[[str], str]) -> str:
    """What `edit` makes of the plain document, with the comments outside of what it changed."""
    before = plain(text)
    after = edit(before)
    shortest = min(len(before), len(after))
    start = next((index for index in range(shortest) if before[index] != after[index]), shortest)
    end = next(
        (index for index in range(shortest - start) if before[-1 - index] != after[-1 - index]),
        shortest - start,
    )
    return text[:start] + after[start : len(after) - end] + text[len(text) - end :]
