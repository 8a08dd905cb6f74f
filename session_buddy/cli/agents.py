"""The coding agents that session-buddy can be installed into."""

from pathlib import Path

from session_buddy.cli.checks import Finding, ok, problem
from session_buddy.config import Settings
from session_buddy.errors import SessionBuddyError
from session_buddy.ingest.agents.claude_code import ClaudeCode
from session_buddy.ingest.agents.codex import Codex
from session_buddy.ingest.agents.cursor import Cursor
from session_buddy.ingest.agents.gemini import Gemini
from session_buddy.ingest.agents.protocol import AgentAdapter, Check
from session_buddy.ingest.agents.vscode import VSCode

_KNOWN: tuple[AgentAdapter, ...] = (ClaudeCode(), Codex(), Cursor(), VSCode(), Gemini())
ADAPTERS = {adapter.name: adapter for adapter in _KNOWN}
"""Every adapter by the name that `install` takes."""


def session_folders(agent: str | None = None) -> list[Path]:
    """Folders with sessions of one agent, else of all; only those that are there."""
    adapters = _KNOWN if agent is None else (ADAPTERS[agent],)
    return [folder for adapter in adapters for folder in adapter.sessions() if folder.is_dir()]


def short(path: Path) -> str:
    """A path as its user writes it."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def agent_findings(settings: Settings) -> list[Finding]:
    """What the adapters of the agents that this user has say of themselves; a problem if there is none.

    An agent that somebody uses without us is no problem, as long as one has us.
    """
    here = [adapter for adapter in _KNOWN if adapter.detect() is not None]
    wanted = [adapter for adapter in here if _is_wanted(adapter, settings)] or here[:1]
    found = [finding for adapter in wanted for finding in _checked(adapter, settings)]
    found += [
        ok(
            adapter.title,
            f"is used without session-buddy; to change that: session-buddy install {adapter.name}",
        )
        for adapter in here
        if adapter not in wanted
    ]
    if not found:
        remedy = "Use one, then run: session-buddy install claude."
        found.append(problem("agents", "no coding agent's configuration was found", remedy))
    return found


def _is_wanted(adapter: AgentAdapter, settings: Settings) -> bool:
    try:
        return adapter.installed(settings)
    except SessionBuddyError:
        return True  # its checks say what is wrong


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
