"""What DuckDB's errors mean to a user, and what to do about each."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from session_buddy.errors import DamagedDatabase, OutOfMemory, StorageError

_REBUILD = (
    "Nothing that was acknowledged is lost: move the file away and run `session-buddy rebuild`, "
    "which makes the database again from the journals."
)
_DAMAGE = (
    "not a valid duckdb database",
    "corrupt",
    "checksum",
    "could not read enough bytes",
    "failed to deserialize",
    "has been invalidated",
    "replaying wal",
)
_KINDS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("could not set lock", "being used by another process", "unique file handle"),
        "other",
        (
            "The database {path} is in use by another process, and only one can open it. "
            "Stop that process, or ask it: `session-buddy status`."
        ),
    ),
    (
        ("no space left", "disk full", "file too large", "quota exceeded"),
        "disk_full",
        "The disk is full, so the database {path} cannot be written. Free some space.",
    ),
    (
        ("permission denied", "read-only", "cannot open file", "is a directory"),
        "read_only",
        "The database {path} cannot be opened. Check that its folder exists and belongs to you.",
    ),
    (
        ("but we can only read version", "newer version of duckdb"),
        "schema",
        "The database {path} was written by a newer DuckDB. Use the session-buddy that made it. " + _REBUILD,
    ),
)
_TOO_LITTLE = ("out of memory", "failed to allocate", "could not allocate")
_DAMAGED_TYPES = (duckdb.InternalException, duckdb.FatalException, duckdb.SerializationException)


def explain(error: duckdb.Error, path: str) -> StorageError:
    """The error as one that says what happened, to what, and what to do."""
    text = str(error).strip()
    reason = text.splitlines()[0] if text else "no reason given"
    lowered = text.replace(path, "").lower()
    for signs, why, sentence in _KINDS:
        if any(sign in lowered for sign in signs):
            return StorageError(f"{sentence.format(path=path)} (DuckDB: {reason})", why)
    if any(sign in lowered for sign in _TOO_LITTLE):
        return OutOfMemory(f"DuckDB ran out of memory. Raise the setting `memory_limit`. (DuckDB: {reason})")
    if isinstance(error, _DAMAGED_TYPES) or any(sign in lowered for sign in _DAMAGE):
        return DamagedDatabase(f"The database {path} is damaged. {_REBUILD} (DuckDB: {reason})")
    return StorageError(
        f"The database {path} could not answer. If this stays so: {_REBUILD} (DuckDB: {reason})"
    )


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turns what DuckDB raises inside into `StorageError`."""
    try:
        yield
    except duckdb.Error as error:
        raise explain(error, path) from error
