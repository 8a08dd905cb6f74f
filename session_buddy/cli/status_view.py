"""The page of `status`."""

from typing import Any

from rich.console import Console

from session_buddy.cli.formats import ago, count, rows_of, seconds, size
from session_buddy.cli.home import Files
from session_buddy.cli.output import console, facts
from session_buddy.cli.tables import answer_of
from session_buddy.config import Settings
from session_buddy.models.answers import AgentWindow, FoldSummary, Status
from session_buddy.relay.election import leader_notice

WINDOWS_SHOWN = 10


def show_status(
    settings: Settings,
    leader: dict[str, Any] | None,
    answer: dict[str, Any] | None,
    files: Files,
    out: Console | None = None,
) -> None:
    """leader: its greeting, None if this process answered. answer: a `Status` in JSON, None if nobody did."""
    out = out or console()
    shown = [("home", settings.home)]
    if answer is not None:
        shown += _facts(answer_of(Status, answer), leader, _transport(settings))
    archived = f"{files.archives:,} archived ({size(files.archive_bytes)})"
    shown += [
        (
            "database",
            "the team's, see 'session-buddy team status'" if settings.store else size(files.database_bytes),
        ),
        ("journals", f"{files.journals:,} ({size(files.journal_bytes)}), {archived}"),
    ]
    if files.quarantined:
        shown.append(
            ("quarantine", f"{count(files.quarantined, 'unreadable line')}; see 'session-buddy doctor'")
        )
    facts(out, shown)


def _transport(settings: Settings) -> str:
    """The leader's, which may not be the one that is set by now."""
    return str(leader_notice(settings).get("transport", settings.transport))


def _facts(answer: Status, leader: dict[str, Any] | None, transport: str) -> list[tuple[str, str]]:
    shown = [
        ("leader", _who(answer, transport) if leader is not None else "none; this command looked for itself"),
        ("recorded", _recorded(answer)),
        ("pending", f"{count(answer.pending_events, 'event')}, acknowledged and not folded yet"),
        ("last fold", _fold(answer.last_fold)),
    ]
    if answer.windows:
        shown.insert(1, ("windows", _windows(answer)))
    if answer.unread_bytes:
        shown.append(("unread", f"{size(answer.unread_bytes)} of journals"))
    if answer.rejected_lines:
        shown.append(("rejected", f"{count(answer.rejected_lines, 'journal line')} since this leader began"))
    return shown + [("notice", notice) for notice in answer.notices]


def _recorded(answer: Status) -> str:
    if answer.schema_version is None:
        return "not known: the database does not answer, see the notice"
    return f"{rows_of(answer.counts)}; schema V{answer.schema_version}"


def _who(answer: Status, transport: str) -> str:
    since = ago(answer.leading_since)
    return f"process {answer.pid}, version {answer.version}, since {since}, over {transport}"


def _windows(answer: Status) -> str:
    """The agents' windows, a line each, the leader's own marked."""
    lines = [_window(window, answer) for window in answer.windows[:WINDOWS_SHOWN]]
    if len(answer.windows) > WINDOWS_SHOWN:
        lines.append(f"and {len(answer.windows) - WINDOWS_SHOWN} more; --json has all")
    return "\n".join(lines)


def _window(window: AgentWindow, answer: Status) -> str:
    parts = [f"process {window.pid}", f"since {ago(window.since)}"]
    if window.pid == answer.pid:
        parts.append("leads")
    if window.version != answer.version:
        parts.append(f"version {window.version}")
    return f"{', '.join(parts)}{f' in {window.project}' if window.project else ''}"


def _fold(fold: FoldSummary) -> str:
    if fold.finished_at is None:
        return "none since this leader began"
    return f"{ago(fold.finished_at)}, {count(fold.event_count, 'event')} in {seconds(fold.seconds)}"
