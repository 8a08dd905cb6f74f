"""Whether the database takes and gives what it is asked, as who asked it last found out."""

from session_buddy.errors import SessionBuddyError


class Availability:
    """One database, watched by all who use it. Thread-safe: each change is one assignment."""

    def __init__(self) -> None:
        self._error: SessionBuddyError | None = None

    @property
    def answers(self) -> bool:
        """Whether the last who asked had what they asked for."""
        return self._error is None

    @property
    def problem(self) -> str:
        """What they were told instead; empty while all is well."""
        return "" if self._error is None else str(self._error)

    @property
    def reason(self) -> str | None:
        """The same in a word of `errors.UNAVAILABLE`."""
        return None if self._error is None else getattr(self._error, "reason", "other")

    def failed(self, error: SessionBuddyError) -> None:
        """Somebody was refused, or had no answer."""
        self._error = error

    def answered(self) -> None:
        """It took or gave something."""
        self._error = None
