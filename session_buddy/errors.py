"""Every error that session-buddy raises on purpose, in one tree.

    SessionBuddyError
    ├── InvalidInput          a caller gave something that cannot be recorded or answered
    ├── NotFound              a skill, session or invocation that is not in the record
    ├── ConfigurationError    a setting, a settings file or a home that cannot be used
    ├── JournalError          the acknowledgement log could not be written
    ├── StorageError          the database could not be opened, read or written
    │   ├── DamagedDatabase   the database's file is unreadable; the journals are not
    │   ├── OutOfMemory       the database's work does not fit into the memory it may use
    │   ├── MayNotWrite       this user of a team's store may only read it
    │   └── MigrationError    a schema version that is unknown, changed or newer than this program
    └── LeaderUnavailable     no leader answered and none could be started

The message of each says what happened, to what, and what to do; it reaches the agent's model or the
terminal as it stands.
"""

from typing import Final

UNAVAILABLE: Final = (
    "unreachable",
    "silent",
    "pooler",
    "connections",
    "login",
    "certificate",
    "no_database",
    "rights",
    "read_only",
    "schema",
    "disk_full",
    "damaged",
    "memory",
    "other",
)
"""Why a database takes nothing, in a word each: for metrics and alerts, which must not show a message."""


class SessionBuddyError(Exception):
    """Base of all errors that are shown to a user; `str(error)` is one clear sentence or two."""


class InvalidInput(SessionBuddyError):
    """What the caller gave cannot be used; the message names the field and the remedy."""


class NotFound(SessionBuddyError):
    """What the caller asked about is not in the record."""


class ConfigurationError(SessionBuddyError):
    """A setting, a settings file or the home directory cannot be used."""


class JournalError(SessionBuddyError):
    """An event could not be written durably, so it was not acknowledged."""


class StorageError(SessionBuddyError):
    """The database could not be opened, read or written; `reason` is one of `UNAVAILABLE`."""

    reason = "other"

    def __init__(self, message: str, reason: str | None = None) -> None:
        """reason: by default that of the class."""
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class DamagedDatabase(StorageError):
    """The database's file cannot be read; the journals can, and `rebuild` makes it anew from them."""

    reason = "damaged"


class OutOfMemory(StorageError):
    """The database's work does not fit into the memory that it may use."""

    reason = "memory"


class MayNotWrite(StorageError):
    """A user of a team's store may not do that there: who may only read, and has something to fold."""

    reason = "rights"


class MigrationError(StorageError):
    """The schema is of an unknown, changed or newer version."""

    reason = "schema"


class LeaderUnavailable(SessionBuddyError):
    """No leader answered, and this process could not become one."""
