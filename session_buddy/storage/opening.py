"""Which store a home has: its own file, or the one of a team."""

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError, DamagedDatabase, StorageError
from session_buddy.models.protocols import Archive, Clock, KeyedHash, SkillsStorageProtocol
from session_buddy.storage.duckdb_store import DuckDBStore
from session_buddy.storage.sharing import Sharing
from session_buddy.storage.versioned import VersionedStore

if TYPE_CHECKING:
    from session_buddy.storage.postgres_store import PostgresStore

NO_PROJECT = (
    "A team's store is set, and no project goes there. Name folders in `team_projects` "
    "(SESSION_BUDDY_TEAM_PROJECTS), or * for all."
)

_ASIDE = ".damaged-"
_LOG = ".wal"

_log = logging.getLogger(__name__)


def make_store(settings: Settings, keyed_hash: KeyedHash) -> VersionedStore:
    """The store that the settings name, not open yet.

    Raises:
        ConfigurationError: a team's store is named, and its address or this installation cannot be used.
    """
    if settings.store:
        return make_team_store(settings, keyed_hash)
    return DuckDBStore(settings.database, keyed_hash, memory_limit=settings.memory_limit)


def make_team_store(settings: Settings, keyed_hash: KeyedHash) -> "PostgresStore":
    """The team's store that the settings name, not open yet; raises as `make_store`."""
    if not settings.store:
        raise ConfigurationError(
            "No team's store is named. Set SESSION_BUDDY_STORE=postgresql://USER@HOST/DATABASE, or `store` "
            "in config.toml."
        )
    try:
        # Only a member of a team has it, and only they pay for its import.
        from session_buddy.storage.postgres_store import PostgresStore
    except ImportError as error:
        raise ConfigurationError(
            f"A team's store needs psycopg ({error}). Install session-buddy with its extra: "
            "`EXTRAS=team make install` in its checkout."
        ) from error
    return PostgresStore(settings.store, keyed_hash, Sharing.of(settings.team_projects))


def folded_offsets(store: SkillsStorageProtocol) -> tuple[Mapping[str, int], StorageError | None]:
    """(how far each journal is folded, why that is not known): folding twice changes nothing."""
    try:
        return store.journal_offsets(), None
    except StorageError as error:
        _log.info("all that is in the journals is folded again once this is put right: %s", error)
        return {}, error


def open_store(
    settings: Settings, keyed_hash: KeyedHash, archive: Archive, clock: Clock
) -> tuple[SkillsStorageProtocol, list[str]]:
    """(an open store, what to tell). Raises as `make_store`, and what opening raises.

    A file that is damaged is set aside and begun anew. For that, and where there is none any more, the
    archive says from then on that a rebuild is due, so that a kill cannot leave half a record.
    """
    if not settings.store:
        _remove_what_was_never_written(settings.database)
    if not settings.store and not os.path.exists(settings.database) and archive.size_bytes():
        archive.begin_rebuild()
    store = make_store(settings, keyed_hash)
    try:
        store.open()
    except DamagedDatabase as error:
        archive.begin_rebuild()
        aside = f"{settings.database}{_ASIDE}{clock():%Y%m%d%H%M%S}"
        for suffix in ("", _LOG):
            if os.path.exists(settings.database + suffix):
                os.rename(settings.database + suffix, aside + suffix)
        reason = str(error.__cause__ or error).partition("\n")[0]
        _log.warning(
            "the database was damaged (%s); it is kept as %s and made anew from the journals", reason, aside
        )
        store = make_store(settings, keyed_hash)
        store.open()
    unshared = settings.store and not settings.team_projects.strip()
    return store, [*map(_was_damaged, _set_aside(settings.database)), *([NO_PROJECT] if unshared else [])]


def _remove_what_was_never_written(database: str) -> None:
    """A disk that is full leaves an empty file where the database was to begin: it is not a damaged one."""
    if os.path.exists(database) and not os.path.getsize(database) and not os.path.exists(database + _LOG):
        os.unlink(database)


def _set_aside(database: str) -> list[str]:
    """The damaged files that are kept, oldest first: a leader that met one may be gone."""
    folder, name = os.path.split(database)
    if not os.path.isdir(folder):
        return []
    found = (entry for entry in os.listdir(folder) if entry.startswith(name + _ASIDE))
    return sorted(os.path.join(folder, entry) for entry in found if not entry.endswith(_LOG))


def _was_damaged(aside: str) -> str:
    return (
        f"The database was damaged; it was kept as {aside} and made anew from the journals. "
        "Delete that copy when you have no more use for it."
    )
