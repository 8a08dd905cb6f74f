"""Who is calling: set once for each connection, read by whatever serves one of its requests."""

from contextvars import ContextVar

from session_buddy.models.values import Caller

CALLER: ContextVar[Caller] = ContextVar("session_buddy_caller")
"""Set by the leader in the task that runs a connection; tasks begun there inherit it."""


def current_caller() -> Caller:
    """The caller of the request that is being served.

    Raises:
        LookupError: nobody set it, so this code does not run inside a connection.
    """
    return CALLER.get()
