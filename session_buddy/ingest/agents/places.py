"""Where the coding agents of this user keep their settings, sessions and skills."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from session_buddy.ingest.catalogue import InstalledSkill, installed_skills
from session_buddy.ingest.hook_records import RECORDS
from session_buddy.ingest.recorded_sessions import SessionFolder


def claude_home() -> Path:
    """Claude Code's; `CLAUDE_CONFIG_DIR` moves it."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude")


def codex_home() -> Path:
    """Codex CLI's; `CODEX_HOME` moves it."""
    return Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex")


def gemini_home() -> Path:
    """Gemini CLI's; `GEMINI_CLI_HOME` moves the folder that it lies in."""
    return Path(os.environ.get("GEMINI_CLI_HOME") or Path.home()) / ".gemini"


def cursor_home() -> Path:
    """Cursor's."""
    return Path.home() / ".cursor"


def copilot_home() -> Path:
    """What VS Code's agent and Copilot CLI share; `COPILOT_HOME` moves it."""
    return Path(os.environ.get("COPILOT_HOME") or Path.home() / ".copilot")


def vscode_user() -> Path:
    """VS Code's settings of this user."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Code" / "User"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "Code" / "User"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "Code" / "User"


def session_folders(home: str) -> Sequence[SessionFolder]:
    """Where a session's file is found by the session's id; home: of our own data."""
    return (
        SessionFolder(claude_home() / "projects", "*/{id}.jsonl"),
        SessionFolder(codex_home() / "sessions", "*/*/*/rollout-*-{id}.jsonl"),
        SessionFolder(gemini_home() / "tmp", "*/chats/session-*-{head}.jsonl"),
        SessionFolder(Path(home, RECORDS), "cursor-{id}.jsonl"),
    )


def skills_of_agents(projects: Sequence[Path] = (), claude: Path | None = None) -> Sequence[InstalledSkill]:
    """Every skill that an agent of this user finds; claude: Claude Code's folder if it is another."""
    homes = (copilot_home(), cursor_home(), gemini_home(), codex_home(), Path.home() / ".agents")
    return installed_skills(claude or claude_home(), projects, homes)
