"""The coding agents that session-buddy can be installed into."""

from pathlib import Path

from session_buddy.cli.checks import Finding, ok, problem
from session_buddy.config import Settings
from session_buddy.errors import SessionBuddyError
from session_buddy.ingest.agents.claude_code import ClaudeCode, settings_path
from session_buddy.ingest.agents.protocol import AgentAdapter, Check

_KNOWN: tuple[AgentAdapter, ...] = (ClaudeCode(),)
ADAPTERS = {adapter.name: adapter for adapter in _KNOWN}
"""Every adapter by the name that `install` takes."""


def transcripts_folder() -> Path:
    """Where Claude Code keeps the transcripts of all projects: `~/.claude/projects`, if it was not moved."""
    return settings_path().parent / "projects"


def agent_findings(settings: Settings) -> list[Finding]:
    """What the adapters of the agents that this user has say of themselves; a problem if there is none."""
    found: list[Finding] = []
    for adapter in ADAPTERS.values():
        if adapter.detect() is not None:
            found.extend(_checked(adapter, settings))
    if not found:
        remedy = "Use one, then run: session-buddy install claude."
        found.append(problem("agents", "no coding agent's configuration was found", remedy))
    return found


def _checked(adapter: AgentAdapter, settings: Settings) -> list[Finding]:
    try:
        return [_finding(check) for check in adapter.checks(settings, Path.cwd())]
    except SessionBuddyError as error:
        what, _, remedy = str(error).partition(". ")
        return [problem(adapter.name, what, remedy or f"Run: session-buddy install {adapter.name}.")]


def _finding(check: Check) -> Finding:
    if check.level == "ok":
        return ok(check.name, check.message)
    return Finding(check.name, check.level, check.message, check.remedy or None)
