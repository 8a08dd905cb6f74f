"""Names from files that anybody may have written, made fit to be recorded."""

import re
from typing import Final

from session_buddy.models.events import SKILL_NAME_LIMIT

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def clean_name(name: object) -> str | None:
    """A skill's, session's or thread's name without control characters, cut to its limit; None if empty.

    What was cut keeps its beginning, so that a 10 KB name is still one name, and recognisable.
    """
    if not isinstance(name, str):
        return None
    if name.isascii() and name.isprintable() and len(name) <= SKILL_NAME_LIMIT:
        return name.strip() or None
    text = _SURROGATE.sub("\ufffd", _CONTROL.sub(" ", name[: SKILL_NAME_LIMIT * 4])).strip()
    return text[:SKILL_NAME_LIMIT].strip() or None


def clean_text(text: object, limit: int = 500) -> str | None:
    """Free text, cut to a limit and valid as UTF-8; None if there is none."""
    if not isinstance(text, str) or not text:
        return None
    return _SURROGATE.sub("\ufffd", text[:limit])
