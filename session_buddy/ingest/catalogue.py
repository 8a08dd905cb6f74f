"""The skills that are installed: for the user, for a project, and in plugins, of any agent.

Claude Code finds skills in `skills/<name>/SKILL.md` and commands in `commands/<name>.md` (in a folder
below that: `folder:name`), in `~/.claude`, a project's `.claude` and each installed plugin, where the name
becomes `plugin:name`. The folder or file names a skill, whatever its front matter calls itself (tried on
2.1.197); its description stands there. Only the few forms of YAML that such front matter uses are read:
plain, quoted, folded and literal text.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from session_buddy.ingest.names import clean_name, clean_text
from session_buddy.models.events import CatalogueEvent
from session_buddy.models.ids import hashed_id

Scope = Literal["user", "project", "plugin"]

HEAD_BYTES: Final = 64 * 1024
DESCRIPTION_LIMIT: Final = 4_000
PROJECT_FOLDERS: Final = (".github", ".cursor", ".gemini", ".codex", ".agents")
"""Folders of a project in which other agents find its `skills`."""


@dataclass(frozen=True, slots=True)
class InstalledSkill:
    """A skill or command that an agent can use."""

    skill_name: str
    description: str
    scope: Scope
    project: str | None = None


def installed_skills(
    claude: Path, projects: Sequence[Path] = (), others: Sequence[Path] = ()
) -> Sequence[InstalledSkill]:
    """Every skill and command below `claude` (usually `~/.claude`), in its plugins and in projects.

    others: folders in which other agents find this user's `skills`. Where two agents have a skill of the
    same name, Claude Code's is what is said of it. What cannot be read is left out: an installation that
    somebody is changing is no error of ours.
    """
    found = {
        (skill.skill_name, skill.scope, skill.project): skill for skill in _all(claude, projects, others)
    }
    return sorted(found.values(), key=lambda skill: (skill.skill_name, skill.scope, skill.project or ""))


def catalogue_events(skills: Sequence[InstalledSkill], at: datetime) -> Sequence[CatalogueEvent]:
    """One event a skill; a skill that says the same of itself as before has the same event id."""
    return [
        CatalogueEvent(
            id=hashed_id("catalogue", skill.skill_name, skill.scope, skill.project or "", skill.description),
            kind="skill_installed",
            occurred_at=at,
            skill_name=skill.skill_name,
            description=skill.description,
            scope=skill.scope,
            project=skill.project,
        )
        for skill in skills
    ]


def front_matter(text: str) -> Mapping[str, str]:
    """The top-level texts of a file's front matter by their keys; empty if it has none."""
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    end = next(
        (number for number, line in enumerate(lines[1:], 1) if line.strip() in {"---", "..."}), len(lines)
    )
    values: dict[str, str] = {}
    number = 1
    while number < end:
        key, separator, rest = lines[number].partition(":")
        number += 1
        if not separator or not key or key[0] in " \t#-":
            continue
        block = number
        while number < end and (not lines[number].strip() or lines[number][0] in " \t"):
            number += 1
        values.setdefault(key.strip().strip("\"'"), _value(rest.strip(), lines[block:number]))
    return values


def _value(first: str, block: Sequence[str]) -> str:
    """A text that begins on its key's line or, indented, below it."""
    if first[:1] in {">", "|"} and len(first.split(maxsplit=1)[0]) <= 3:
        return _folded(block) if first[0] == ">" else "\n".join(line.strip() for line in block).strip()
    if first[:1] in {'"', "'"}:
        return _unquoted(" ".join([first, *(line.strip() for line in block)]).strip())
    plain = " ".join([first, *(line.strip() for line in block)]).strip()
    return plain.split(" #", 1)[0].strip()


def _folded(block: Sequence[str]) -> str:
    paragraphs = "\n".join(line.strip() for line in block).strip().split("\n\n")
    return "\n".join(" ".join(paragraph.split("\n")) for paragraph in paragraphs)


def _unquoted(text: str) -> str:
    quote = text[0]
    if quote == "'":
        body = text[1:].replace("''", "\0").split("'", 1)[0]
        return body.replace("\0", "'")
    try:
        decoded, _ = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return text.strip('"')
    return str(decoded)


def _all(claude: Path, projects: Sequence[Path], others: Sequence[Path]) -> Iterator[InstalledSkill]:
    for folder in others:
        yield from _skills_below(folder, "user")
    yield from _below(claude, "user")
    for folder in projects:
        if folder.resolve() != claude.parent.resolve():
            for name in PROJECT_FOLDERS:
                yield from _skills_below(folder / name, "project", project=str(folder))
            yield from _below(folder / ".claude", "project", project=str(folder))
    for plugin, folder in _plugins(claude):
        yield from _below(folder, "plugin", prefix=f"{plugin}:")


def _below(
    folder: Path, scope: Scope, *, project: str | None = None, prefix: str = ""
) -> Iterator[InstalledSkill]:
    yield from _skills_below(folder, scope, project=project, prefix=prefix)
    commands = folder / "commands"
    for path in _listed(commands, "**/*.md"):
        named = ":".join(path.relative_to(commands).with_suffix("").parts)
        yield from _skill(named, _head(path), scope, project, prefix)


def _skills_below(
    folder: Path, scope: Scope, *, project: str | None = None, prefix: str = ""
) -> Iterator[InstalledSkill]:
    for path in _listed(folder / "skills", "*/SKILL.md"):
        yield from _skill(path.parent.name, _head(path), scope, project, prefix)


def _skill(
    name: str, head: Mapping[str, str] | None, scope: Scope, project: str | None, prefix: str
) -> Iterator[InstalledSkill]:
    named = clean_name(prefix + name)
    if named is not None and head is not None:
        description = clean_text(head.get("description"), DESCRIPTION_LIMIT) or ""
        yield InstalledSkill(named, description, scope, clean_text(project))


def _head(path: Path) -> Mapping[str, str] | None:
    """A file's front matter; None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return front_matter(file.read(HEAD_BYTES).decode("utf-8", "replace"))
    except OSError:
        return None


def _plugins(claude: Path) -> Iterator[tuple[str, Path]]:
    """(name, folder) of installed plugins, by the client's own list of them."""
    listed = _json(claude / "plugins" / "installed_plugins.json").get("plugins")
    for key, entries in listed.items() if isinstance(listed, dict) else ():
        for entry in entries if isinstance(entries, list) else [entries]:
            folder = entry.get("installPath") if isinstance(entry, dict) else None
            if isinstance(folder, str) and Path(folder).is_dir():
                named = clean_name(_json(Path(folder) / ".claude-plugin" / "plugin.json").get("name"))
                yield named or str(key).split("@", 1)[0], Path(folder)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _listed(folder: Path, pattern: str) -> Sequence[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return ()
