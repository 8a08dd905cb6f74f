"""The hooks that Claude Code runs for us, and their place in its settings.

Most cost no process: `mcp_tool` hooks, which the client sends to the server that it has running anyway.
They fail at a session's start and end, where there is no server, and the last of a turn is in the
transcript only, so those three moments run the hook file. It runs synchronously: Claude Code kills
asynchronous hooks when it exits, and one at `Stop` keeps the one at `SessionEnd` from running at all.
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from session_buddy.errors import ConfigurationError
from session_buddy.ingest import hook
from session_buddy.ingest.agents.json_text import append_value, remove_value
from session_buddy.ingest.agents.settings_files import SERVER

PLUGIN_SERVER = f"plugin:{SERVER}:{SERVER}"
"""What hooks of the plugin have to call it."""
TOOL = "ingest_tool_calls"
COMMAND_SECONDS = 10
"""Bound on a command hook; for `SessionEnd` the client's own is 1.5 s, too short on a busy machine."""
CALL_SECONDS = 5
"""Bound on an `mcp_tool` hook: the agent waits for it."""

_OURS = re.compile(r"session_buddy[/\\]+ingest[/\\]+hook\.py")
_FIELDS = {
    "UserPromptExpansion": ("prompt_id", "command_name"),
    "UserPromptSubmit": ("prompt_id",),
    "PostToolBatch": ("prompt_id", "agent_id", "tool_calls"),
}
"""What of each payload our tool is told; never a prompt's text."""


def hook_command(home: str | None, agent: str | None = None, script: Path | None = None) -> str:
    """The shell command of the command hooks.

    home: the data's directory if it is not the default. agent: whose hooks they are, if not Claude Code's.
    script: if it is not `ingest/hook.py`. It ends in success even where the file is gone, as after a
    careless removal of this package: Python would exit with 2, by which a hook at `Stop` tells the agent
    to go on.
    """
    words = [sys.executable, "-I", "-S", str((script or Path(hook.__file__)).resolve())]
    if home is not None:
        words += ["--home", home]
    if agent is not None:
        words += ["--agent", agent]
    line = subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
    return f"{line} || true"


def wanted_hooks(command: str, server: str = SERVER) -> dict[str, dict[str, Any]]:
    """One matcher group for each hook event that we need."""
    run = {"type": "command", "command": command, "timeout": COMMAND_SECONDS}
    groups = {"SessionStart": run}
    groups |= {event: _call(server, event) for event in _FIELDS}
    groups |= {"Stop": run, "SessionEnd": run}
    return {event: {"hooks": [handler]} for event, handler in groups.items()}


def plugin_hooks() -> dict[str, Any]:
    """What `plugin/hooks/hooks.json` holds: a plugin knows no absolute paths, so it needs us on PATH."""
    groups = wanted_hooks("session-buddy hook || true", PLUGIN_SERVER)
    return {
        "description": "Tells session-buddy, on this machine, which skills are used and how they go.",
        "hooks": {event: [group] for event, group in groups.items()},
    }


def _call(server: str, event: str) -> dict[str, Any]:
    payload = {"hook_event_name": event, "transcript_path": "${transcript_path}"}
    payload |= {field: f"${{{field}}}" for field in _FIELDS[event]}
    return {
        "type": "mcp_tool",
        "server": server,
        "tool": TOOL,
        "input": {"session": "${session_id}", "calls": [payload]},
        "timeout": CALL_SECONDS,
    }


def with_hooks(text: str, wanted: Mapping[str, Any], where: Path) -> str:
    """The settings with exactly the wanted hooks of ours; hooks that are right stay where they are.

    Raises:
        ConfigurationError: `hooks` does not have the shape that Claude Code reads.
    """
    present: set[str] = set()
    for event, index, group in reversed(our_groups(json.loads(text), where)):
        if group == wanted.get(event) and event not in present:
            present.add(event)
        else:
            text = _without_group(text, event, index, group)
    for event, group in wanted.items():
        if event not in present:
            text = append_value(text, ("hooks", event), group)
    return text


def without_hooks(text: str, where: Path) -> str:
    """The settings without any hook of ours, and without the lists that this leaves empty."""
    before = our_groups(json.loads(text), where)
    for event, index, group in reversed(before):
        text = _without_group(text, event, index, group)
    hooks = json.loads(text).get("hooks", {})
    for event in dict.fromkeys(event for event, _, _ in before):
        if not hooks[event]:
            text = remove_value(text, ("hooks", event))
    if before and not json.loads(text)["hooks"]:
        text = remove_value(text, ("hooks",))
    return text


def our_groups(document: Mapping[str, Any], where: Path) -> list[tuple[str, int, dict[str, Any]]]:
    """(event, index in its list, group) of every group with a hook of ours; errors as `with_hooks`."""
    hooks = document.get("hooks", {})
    if not isinstance(hooks, dict):
        raise _unusable(where, "hooks", "an object")
    found = []
    for event, groups in hooks.items():
        if not isinstance(groups, list):
            raise _unusable(where, f"hooks.{event}", "a list")
        found += [(event, index, group) for index, group in enumerate(groups) if _our_handlers(group)]
    return found


def _our_handlers(group: Any) -> list[int]:
    handlers = group.get("hooks") if isinstance(group, dict) else None
    if not isinstance(handlers, list):
        return []
    return [
        index for index, handler in enumerate(handlers) if isinstance(handler, dict) and _is_ours(handler)
    ]


def _is_ours(handler: Mapping[str, Any]) -> bool:
    if handler.get("type") == "mcp_tool":
        return handler.get("server") == SERVER and handler.get("tool") == TOOL
    return handler.get("type") == "command" and bool(_OURS.search(str(handler.get("command"))))


def _without_group(text: str, event: str, index: int, group: Mapping[str, Any]) -> str:
    """Our handlers go, and the group with them unless the user put handlers of their own into it."""
    ours = _our_handlers(group)
    if len(ours) == len(group["hooks"]):
        return remove_value(text, ("hooks", event, index))
    for handler in reversed(ours):
        text = remove_value(text, ("hooks", event, index, "hooks", handler))
    return text


def _unusable(where: Path, name: str, kind: str) -> ConfigurationError:
    return ConfigurationError(f"{name} in {where} is not {kind}. Correct that, then try again.")
