"""What `doctor` looks at in an installation of Claude Code."""

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from session_buddy.errors import ConfigurationError
from session_buddy.ingest.agents.claude_hooks import our_groups
from session_buddy.ingest.agents.protocol import Check
from session_buddy.ingest.agents.settings_files import SERVER

INSTALL = "Run: session-buddy install claude"


def checks_of(
    settings: Path,
    servers: Path,
    project: Path,
    *,
    hooks: Mapping[str, Any],
    server: Mapping[str, Any],
    error_log: Path,
) -> list[Check]:
    """Every check of one installation.

    settings, servers: the user's files. project: the folder whose settings count, too. hooks, server:
    what an install would write now. error_log: where hooks say what went wrong.
    """
    try:
        user = _document(settings)
        state = _document(servers)
        in_plugin = _plugin_is_on(user)
        found = [
            _hooks_check(user, settings, hooks, in_plugin=in_plugin),
            _server_check(state, servers, server, in_plugin=in_plugin),
        ]
        found += _switched_off(settings, user, project)
    except ConfigurationError as error:
        found = [Check("settings", "problem", str(error), INSTALL)]
    return [*found, *_policy(server), *_errors(error_log)]


def managed_directory() -> Path:
    """Where an administrator puts settings that no user can change."""
    if sys.platform == "darwin":
        return Path("/Library/Application Support/ClaudeCode")
    return Path("C:\\Program Files\\ClaudeCode" if sys.platform == "win32" else "/etc/claude-code")


def _hooks_check(user: Mapping[str, Any], path: Path, wanted: Mapping[str, Any], *, in_plugin: bool) -> Check:
    present = {event: group for event, _, group in our_groups(user, path)}
    if in_plugin and present:
        return Check(
            "hooks",
            "warning",
            f"{path} has our hooks, and the plugin brings them, too: each runs twice, which counts once.",
            "Run: session-buddy uninstall claude (or disable the plugin)",
        )
    if in_plugin:
        return Check("hooks", "ok", "the plugin brings them")
    missing = sorted(set(wanted) - set(present))
    if missing:
        return Check("hooks", "problem", f"{path} lacks our hooks for {', '.join(missing)}.", INSTALL)
    if present != dict(wanted):
        return Check(
            "hooks", "warning", f"{path} has hooks of another installation of session-buddy.", INSTALL
        )
    return Check("hooks", "ok", f"in {path}")


def _server_check(
    state: Mapping[str, Any], path: Path, wanted: Mapping[str, Any], *, in_plugin: bool
) -> Check:
    servers = state.get("mcpServers")
    entry = servers.get(SERVER) if isinstance(servers, dict) else None
    if entry is None and in_plugin:
        return _plugin_server_check()
    if entry is None:
        return Check("MCP server", "problem", f"{path} has no MCP server {SERVER!r}.", INSTALL)
    command = str(entry.get("command")) if isinstance(entry, dict) else ""
    if shutil.which(command) is None:
        return Check("MCP server", "problem", f"{path} starts {command!r}, which cannot be run.", INSTALL)
    if entry != wanted:
        return Check("MCP server", "warning", f"{path} starts another installation: {command}.", INSTALL)
    return Check("MCP server", "ok", f"in {path}")


def _plugin_server_check() -> Check:
    if shutil.which("session-buddy") is None:
        return Check(
            "MCP server",
            "problem",
            "the plugin starts `session-buddy`, which is not on PATH.",
            "Put it there: make install in a checkout, or pipx install <checkout>",
        )
    return Check("MCP server", "ok", "the plugin starts it")


def _plugin_is_on(user: Mapping[str, Any]) -> bool:
    enabled = user.get("enabledPlugins")
    names = [name for name, on in enabled.items() if on] if isinstance(enabled, dict) else []
    return any(name.partition("@")[0] == SERVER for name in names)


def _switched_off(settings: Path, user: Mapping[str, Any], project: Path) -> Iterator[Check]:
    own = project / ".claude"
    places = {settings: user}
    places |= {path: _document(path) for path in (own / "settings.json", own / "settings.local.json")}
    for path, document in places.items():
        if document.get("disableAllHooks") is True:
            yield Check(
                "hooks switched off",
                "problem",
                f"{path} sets disableAllHooks, so no use of a skill is seen while it happens.",
                "Remove that setting, or import the transcripts from time to time: session-buddy import",
            )


def _policy(server: Mapping[str, Any]) -> Iterator[Check]:
    """What an administrator's settings forbid."""
    directory = managed_directory()
    for path in [directory / "managed-settings.json", *sorted(directory.glob("managed-settings.d/*.json"))]:
        try:
            document = _document(path)
        except ConfigurationError as error:
            yield Check("policy", "warning", str(error), "Ask your administrator to correct it.")
            continue
        for name, effect in _forbidden(document, server):
            yield Check(
                "policy",
                "problem",
                f"{path} sets {name}: {effect}.",
                "Ask your administrator, or import the transcripts: session-buddy import",
            )
    if (directory / "managed-mcp.json").exists():
        yield Check(
            "policy",
            "problem",
            f"{directory / 'managed-mcp.json'} says which MCP servers may run; no other one starts.",
            "Ask your administrator to add ours.",
        )


def _forbidden(document: Mapping[str, Any], server: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("disableAllHooks", "allowManagedHooksOnly"):
        if document.get(name) is True:
            yield name, "our hooks do not run"
    only = document.get("strictPluginOnlyCustomization")
    if only is True or (isinstance(only, list) and {"hooks", "mcp"} & set(map(str, only))):
        yield "strictPluginOnlyCustomization", "only plugins may bring hooks and servers"
    allowed, denied = document.get("allowedMcpServers"), document.get("deniedMcpServers")
    if isinstance(allowed, list) and not any(_names_us(entry, server) for entry in allowed):
        yield "allowedMcpServers", "our MCP server is not among them"
    if isinstance(denied, list) and any(_names_us(entry, server) for entry in denied):
        yield "deniedMcpServers", "our MCP server is among them"


def _names_us(entry: object, server: Mapping[str, Any]) -> bool:
    if not isinstance(entry, dict):
        return False
    return entry.get("serverName") == SERVER or entry.get("serverCommand") == [
        server["command"],
        *server["args"],
    ]


def _errors(log: Path) -> Iterator[Check]:
    try:
        lines = log.read_text("utf-8", "replace").splitlines()
    except OSError:
        return  # no log, no errors
    if lines:
        yield Check(
            "hook errors",
            "warning",
            f"{log} has {len(lines)} lines; the last: {lines[-1]}",
            f"Correct what it names, then remove {log}.",
        )


def _document(path: Path) -> Mapping[str, Any]:
    """A settings file; empty if there is none.

    Raises:
        ConfigurationError: it cannot be read or is no JSON object.
    """
    try:
        document = json.loads(path.read_text("utf-8-sig") or "{}")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path} does not hold a JSON object")
    return document
