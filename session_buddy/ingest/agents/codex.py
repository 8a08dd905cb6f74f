"""Codex CLI: our MCP server goes into `config.toml`, its hooks into `hooks.json`; `CODEX_HOME` moves both."""

from collections.abc import Callable, Sequence
from pathlib import Path

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.ingest.agents import toml_text
from session_buddy.ingest.agents.changes import read_file
from session_buddy.ingest.agents.claude_hooks import hook_command, with_hooks, without_hooks
from session_buddy.ingest.agents.places import codex_home
from session_buddy.ingest.agents.protocol import Check, SettingsFile
from session_buddy.ingest.agents.settings_files import (
    SERVER,
    FileAdapter,
    edit_bytes,
    is_our_server,
    server_words,
    unusual_home,
)

_TABLE = "mcp_servers"
_SECONDS = {"SessionStart": 10, "UserPromptSubmit": 10, "Stop": 10, "SessionEnd": 3}
"""Our hooks, with the bound on each; Codex allows 3 s at a session's end."""
_TRUST = "Start codex, type /hooks, and trust session-buddy's; until then: session-buddy import"


class Codex(FileAdapter):
    """The adapter for Codex CLI, for all projects of this user."""

    name = "codex"
    title = "Codex CLI"
    next_step = "Codex runs hooks only when you trust them: start codex, type /hooks, trust session-buddy's."

    def detect(self) -> Path | None:
        """Its home; None if it never ran here."""
        return codex_home() if codex_home().is_dir() else None

    def sessions(self) -> Sequence[Path]:
        """Its rollouts, those that were archived too."""
        return (codex_home() / "sessions", codex_home() / "archived_sessions")

    def files(self, settings: Settings) -> Sequence[SettingsFile]:
        """MCP server and hooks, with absolute paths."""
        home = unusual_home(settings)
        command, *args = server_words(home)
        config, hooks = codex_home() / "config.toml", codex_home() / "hooks.json"
        run = hook_command(home, agent=self.name)
        wanted = {
            event: {"hooks": [{"type": "command", "command": run, "timeout": seconds}]}
            for event, seconds in _SECONDS.items()
        }
        return (
            SettingsFile(
                "MCP server",
                config,
                _edit(config, lambda text: _with_server(text, command, args)),
                _edit(config, _without_server),
                "the MCP server that records and answers",
            ),
            SettingsFile(
                "hooks",
                hooks,
                edit_bytes(hooks, lambda text, where: with_hooks(text, wanted, where), self.title),
                edit_bytes(hooks, without_hooks, self.title),
                "hooks that tell when a session has grown",
            ),
        )

    def checks(self, settings: Settings, project: Path) -> Sequence[Check]:
        """Whether server and hooks are in place, and whether the user let Codex run them."""
        return [*super().checks(settings, project), *_trust()]


def _trust() -> Sequence[Check]:
    """Codex keeps which hooks it was let run, by `<file>:<event>:<group>:<hook>`, in its `config.toml`."""
    try:
        config = toml_text.read((read_file(codex_home() / "config.toml") or b"").decode())
    except (ConfigurationError, ValueError):
        return ()  # said where the server is looked for
    hooks = config.get("hooks")
    state = hooks.get("state") if isinstance(hooks, dict) else None
    ours = str(codex_home() / "hooks.json")
    trusted = [
        key
        for key, value in (state.items() if isinstance(state, dict) else ())
        if key.startswith(f"{ours}:stop:") and isinstance(value, dict) and value.get("trusted_hash")
    ]
    name = "Codex CLI: trust"
    if config.get("features", {}).get("hooks") is False:
        return (Check(name, "problem", "config.toml switches hooks off (features.hooks).", _TRUST),)
    if not trusted:
        return (Check(name, "problem", "Codex was not told to trust the hooks, so it skips them.", _TRUST),)
    return (Check(name, "ok", "hooks may run"),)


def _edit(path: Path, edit: Callable[[str], str]) -> Callable[[bytes], bytes]:
    def edited(data: bytes) -> bytes:
        try:
            return edit(data.decode()).encode()
        except (ConfigurationError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path} {error}") from error

    return edited


def _with_server(text: str, command: str, args: list[str]) -> str:
    known = toml_text.read(text).get(_TABLE, {}).get(SERVER)
    if known is not None and not is_our_server(known):
        raise ConfigurationError(
            f"has an MCP server {SERVER!r} that belongs to another program. Remove it (codex mcp remove "
            f"{SERVER}), then try again."
        )
    return toml_text.with_table(text, _TABLE, SERVER, {"command": command, "args": args})


def _without_server(text: str) -> str:
    known = toml_text.read(text).get(_TABLE, {}).get(SERVER)
    return toml_text.without_table(text, _TABLE, SERVER) if is_our_server(known) else text
