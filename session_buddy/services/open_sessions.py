"""In which session an agent works that does not say so when it calls."""

from session_buddy.models.values import Caller
from session_buddy.services.brief import briefly
from session_buddy.services.record import Record

LOOKED_AT = 20
"""How many of the latest sessions may be it."""
_CLAUDE_CODE = Caller("").agent


def tells_its_session(caller: Caller) -> bool:
    """Whether hooks say, call by call, what this agent does and in which session: only Claude Code's do."""
    return caller.agent == _CLAUDE_CODE


def open_session_of(record: Record, caller: Caller) -> str | None:
    """The newest session that the caller's agent has open in the caller's project; None if there is none."""
    if tells_its_session(caller) or caller.project is None:
        return None
    whose = (caller.agent, caller.project)
    return briefly(record, lambda: _newest_of(record, whose), None)


def _newest_of(record: Record, whose: tuple[str, str | None]) -> str | None:
    record.catch_up()
    here = (
        session.session_id
        for session in record.storage.sessions(LOOKED_AT)
        if (session.agent, session.project) == whose and session.ended_at is None
    )
    return next(here, None)
