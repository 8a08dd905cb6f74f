"""What `doctor` asks the leader and, through it or in its place, the database."""

from pathlib import Path
from typing import Any

from session_buddy import __version__
from session_buddy.cli.asking import Leader
from session_buddy.cli.checks import Finding, ok, problem
from session_buddy.cli.client import Client, NoLeader
from session_buddy.cli.formats import count
from session_buddy.config import Settings
from session_buddy.errors import SessionBuddyError
from session_buddy.relay.election import Election, command_at_work, leader_notice

PATIENCE_SECONDS = 5.0
TEAM_PATIENCE_SECONDS = 12.0
"""A leader itself waits up to 8 s for a team's server that says nothing."""


def patience(settings: Settings) -> float:
    """How long to wait for the leader's answer about its database."""
    return TEAM_PATIENCE_SECONDS if settings.store else PATIENCE_SECONDS


def leadership(settings: Settings) -> list[Finding]:
    """Who leads, whether it answers and is of our version, and what the database says."""
    try:
        with Client.to(settings, PATIENCE_SECONDS) as client:
            hello = client.leader
    except NoLeader:
        return [_nobody(settings), *_record(settings)]
    except SessionBuddyError as error:
        return [problem("leader", str(error), _end_it(settings))]
    return [_leads(hello), *_record(settings)]


def _leads(hello: dict[str, Any]) -> Finding:
    who = f"process {hello.get('pid')}, version {hello.get('version')}, answers"
    if hello.get("version") != __version__:
        remedy = (
            "Restart the agent's windows one after the other; the next one to lead is of the new version."
        )
        return problem("leader", f"{who}; this command is {__version__}", remedy)
    return ok("leader", who)


def _nobody(settings: Settings) -> Finding:
    """Nobody listens: right if nobody holds the lock, and then a leftover of a killed leader is cleared."""
    election = Election(settings)
    try:
        if not election.attempt():
            command = command_at_work(settings)
            if command is not None:
                return ok("leader", f"{command} is at work; windows go on when it has ended")
            detail = (
                f"process {leader_notice(settings).get('pid', 'unknown')} holds the lead but does not listen"
            )
            return problem("leader", detail, _end_it(settings))
        return _clear_stale_socket(settings)
    except SessionBuddyError as error:
        return problem("leader", str(error).partition(". ")[0], str(error).partition(". ")[2])
    finally:
        election.resign()


def _clear_stale_socket(settings: Settings) -> Finding:
    socket = Path(settings.socket)
    if settings.transport == "unix" and socket.is_socket():
        socket.unlink()
        return Finding(
            "leader", "repaired", f"none; removed {settings.socket}, left by a leader that was killed"
        )
    return ok("leader", "none at the moment; the next agent window or command will lead")


def _end_it(settings: Settings) -> str:
    pid = leader_notice(settings).get("pid")
    which = f"process {pid}" if pid else "the process that holds leader.lock"
    return (
        f"If {which} stays so, end it (close its agent window, or kill it): another takes over, and nothing "
        "that was acknowledged is lost."
    )


def _record(settings: Settings) -> list[Finding]:
    """The database: opened by the leader, or by this process while there is none."""
    try:
        with Leader(settings, patience(settings)) as leader:
            status = leader.call("status", {})
            unanswered = status.get("unanswered")
            migrations = [] if unanswered else leader.call("migrations", {})
    except OSError as error:
        remedy = f"Make {error.filename or settings.home} writable for you."
        return [problem("database", f"cannot be used: {error.strerror or error}", remedy)]
    except SessionBuddyError as error:
        what, _, remedy = str(error).partition(". ")
        return [
            problem("database", what, remedy or "'session-buddy rebuild' makes it anew from the journals.")
        ]
    newest = max((known["version"] for known in migrations), default=0)
    database = (
        problem("database", *_split(unanswered)) if unanswered else _schema(status["schema_version"], newest)
    )
    notices = [notice for notice in status["notices"] if notice != unanswered]
    return [
        *_windows(status),
        database,
        _pending(status),
        *(problem("notice", *_split(notice)) for notice in notices),
    ]


def _windows(status: dict[str, Any]) -> list[Finding]:
    """Which windows the leader serves; those of another version are no problem while they can talk."""
    named = [f"process {window['pid']}, version {window['version']}" for window in status["windows"]]
    return [ok("windows", "; ".join(named))] if named else []


def _schema(applied: int, newest: int) -> Finding:
    if applied != newest:
        return problem("database", f"schema V{applied} of V{newest}", "Run: session-buddy migrate up.")
    return ok("database", f"opens, schema V{applied}")


def _pending(status: dict[str, Any]) -> Finding:
    waiting = count(status["pending_events"], "event")
    if status["pending_events"] > 100_000:
        return problem(
            "fold", f"{waiting} wait", "An import is being folded, or folding fails: see the leader's log."
        )
    return ok("fold", f"{waiting} wait")


def _split(notice: str) -> tuple[str, str]:
    what, _, remedy = notice.partition(". ")
    return what, remedy or "See the leader's log."
