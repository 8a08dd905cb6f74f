"""What installing into any agent comes to: our entries in a few of its files, and out of them again."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from session_buddy.config import Settings, default_home
from session_buddy.errors import ConfigurationError
from session_buddy.ingest.agents import jsonc
from session_buddy.ingest.agents.changes import kept_files, read_file, restored
from session_buddy.ingest.agents.json_text import remove_value, set_value
from session_buddy.ingest.agents.protocol import Change, Check, SettingsFile

SERVER = "session-buddy"
"""Name of our MCP server in every agent's settings."""
_MARK = b"\xef\xbb\xbf"

Edit = Callable[[str, Path], str]


class FileAdapter:
    """Base of the adapters: an agent is the files that ours go into."""

    name = ""
    title = ""

    def files(self, settings: Settings) -> Sequence[SettingsFile]:
        """The files that an install changes."""
        raise NotImplementedError

    def installed(self, settings: Settings) -> bool:
        """As `AgentAdapter.installed`."""
        if kept_files(settings, self.name):
            return True
        held = ((file, read_file(file.path)) for file in self.files(settings))
        return any(data is not None and file.take(data) != data for file, data in held)

    def plan_install(self, settings: Settings) -> list[Change]:
        """As `AgentAdapter.plan_install`."""
        changes = []
        for file in self.files(settings):
            before = read_file(file.path)
            after = file.put(before or b"")
            if after != before:
                changes.append(Change(file.path, before, after, file.why))
        return changes

    def plan_uninstall(self, settings: Settings) -> list[Change]:
        """As `AgentAdapter.plan_uninstall`."""
        known = {file.path: file.take for file in self.files(settings)}
        kept = [path for path in map(Path, kept_files(settings, self.name)) if path not in known]
        by_name = {file.path.name: file.take for file in self.files(settings)}
        changes = []
        for path, take in [
            *known.items(),
            *((path, by_name[path.name]) for path in kept if path.name in by_name),
        ]:
            before, after = restored(settings, self.name, path, take)
            if before != after:
                changes.append(Change(path, before, after, "as it was before session-buddy"))
        return changes

    def checks(self, settings: Settings, project: Path) -> Sequence[Check]:  # noqa: ARG002 - the protocol's
        """Whether each file has what an install would write."""
        return [self._check(file) for file in self.files(settings)]

    def _check(self, file: SettingsFile) -> Check:
        name, remedy = f"{self.title}: {file.name}", f"Run: session-buddy install {self.name}"
        try:
            data = read_file(file.path)
            if data is not None and file.put(data) == data:
                return Check(name, "ok", f"in {file.path}")
            present = data is not None and file.take(data) != data
        except ConfigurationError as error:
            return Check(name, "problem", str(error), remedy)
        if present:
            return Check(name, "warning", f"{file.path} has those of another installation.", remedy)
        return Check(name, "problem", f"{file.path} lacks ours.", remedy)


def unusual_home(settings: Settings) -> str | None:
    """The data's directory, if what an agent starts would not find it by itself."""
    usual = os.path.abspath(default_home(os.environ))
    return None if settings.home == usual else settings.home


def server_words(home: str | None) -> list[str]:
    """How an agent starts our server: the program beside this Python, else the package in it."""
    program = Path(sys.executable).with_name(
        "session-buddy.exe" if sys.platform == "win32" else "session-buddy"
    )
    words = [str(program)] if program.is_file() else [sys.executable, "-P", "-m", "session_buddy"]
    words.append("serve")
    return [*words, "--home", home] if home is not None else words


def is_our_server(entry: object) -> bool:
    """Whether an MCP server entry under our name starts this program, wherever it was installed."""
    if not isinstance(entry, dict) or not isinstance(entry.get("args"), list):
        return False
    words = [str(entry.get("command")), *map(str, entry["args"])]
    return "serve" in words and (Path(words[0]).stem == SERVER or "session_buddy" in words)


def server_file(path: Path, entry: Mapping[str, Any], *, under: str, title: str) -> SettingsFile:
    """A JSON file whose member `under` holds MCP servers by name."""
    return SettingsFile(
        "MCP server",
        path,
        edit_bytes(path, lambda text, where: with_server(text, entry, where, under, title), title),
        edit_bytes(path, lambda text, where: without_server(text, where, under), title),
        "the MCP server that records and answers",
    )


def edit_bytes(path: Path, edit: Edit, title: str, *, comments: bool = True) -> Callable[[bytes], bytes]:
    """An edit of text as one of bytes, refused where the bytes are no JSON object.

    comments: the agent reads JSON with comments and trailing commas, so they are kept.
    """

    def edited(data: bytes) -> bytes:
        mark = _MARK if data.startswith(_MARK) else b""
        try:
            text = data[len(mark) :].decode()
            plain = jsonc.plain(text) if comments else text
            document = json.loads(plain) if plain.strip() else {}
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(
                f"{path} is not valid JSON ({error}). {title} cannot use it either; correct it, then try "
                "again."
            ) from error
        if not isinstance(document, dict):
            raise ConfigurationError(f"{path} does not hold a JSON object. Correct it, then try again.")
        text = text if plain.strip() else "{}\n"
        changed = jsonc.edited(text, lambda plain: edit(plain, path)) if comments else edit(text, path)
        return mark + changed.encode()

    return edited


def with_server(text: str, entry: Mapping[str, Any], where: Path, under: str, title: str) -> str:
    """The document with our server among the others.

    Raises:
        ConfigurationError: our name belongs to another program there.
    """
    known = _servers(text, where, under).get(SERVER)
    if known == entry:
        return text
    if known is not None and not is_our_server(known):
        raise ConfigurationError(
            f"{where} has an MCP server {SERVER!r} that belongs to another program. Remove it from {title}, "
            "then try again."
        )
    return set_value(text, (under, SERVER), dict(entry))


def without_server(text: str, where: Path, under: str) -> str:
    """The document without our server, and without the object that this leaves empty."""
    servers = _servers(text, where, under)
    if not is_our_server(servers.get(SERVER)):
        return text
    return remove_value(text, (under, SERVER) if len(servers) > 1 else (under,))


def _servers(text: str, where: Path, under: str) -> dict[str, Any]:
    servers = json.loads(text).get(under, {})
    if not isinstance(servers, dict):
        raise ConfigurationError(f"{under} in {where} is not an object. Correct that, then try again.")
    return servers
