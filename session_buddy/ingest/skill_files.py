"""Which skill an agent takes up when it reads a `SKILL.md`: most agents have no tool for it but that."""

import re
import shlex
from typing import Final

from session_buddy.ingest.names import clean_name

_FILE: Final = "SKILL.md"
_SEPARATOR: Final = re.compile(r"[/\\]+")
_READERS: Final = frozenset(
    ("cat", "sed", "head", "tail", "less", "more", "nl", "bat", "batcat", "awk", "type", "Get-Content", "gc")
)
_OPERATORS: Final = re.compile(r"&&|\|\||[;|\n]")
COMMAND_LIMIT: Final = 4_000
"""Characters of a command line that are looked at; a command that reads a file is short."""


def skill_of_path(path: object) -> str | None:
    """The skill whose `SKILL.md` this is, named by its folder; in a plugin's cache `plugin:skill`.

    None for any other path.
    """
    if not isinstance(path, str) or not path.endswith(_FILE):
        return None
    parts = [part for part in _SEPARATOR.split(path) if part]
    if len(parts) < 2 or parts[-1] != _FILE:
        return None
    name = parts[-2]
    if parts[-3:-2] == ["skills"] and "plugins" in parts and "cache" in parts:
        behind = parts[parts.index("cache") + 1 : -3]  # marketplace, plugin, version
        if len(behind) >= 2:
            name = f"{behind[1]}:{name}"
    return clean_name(name) if name not in {"..", "."} else None


def skill_read_by(command: object) -> str | None:
    """The skill whose `SKILL.md` a shell command line prints; None if it writes one, or none is in it."""
    if not isinstance(command, str) or _FILE not in command:
        return None
    for simple in _OPERATORS.split(command[:COMMAND_LIMIT]):
        if _FILE not in simple or ">" in simple:
            continue
        try:
            words = shlex.split(simple)
        except ValueError:
            continue
        if words and _SEPARATOR.split(words[0])[-1] in _READERS and "-i" not in words:
            for word in words[1:]:
                skill_name = skill_of_path(word)
                if skill_name is not None:
                    return skill_name
    return None
