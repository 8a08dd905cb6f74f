"""Which store a home has: its own file, or the one of a team."""

from typing import TYPE_CHECKING

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.models.protocols import KeyedHash
from session_buddy.storage.duckdb_store import DuckDBStore
from session_buddy.storage.sharing import Sharing
from session_buddy.storage.versioned import VersionedStore

if TYPE_CHECKING:
    from session_buddy.storage.postgres_store import PostgresStore


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
            "pip install 'session-buddy[team]'."
        ) from error
    return PostgresStore(settings.store, keyed_hash, Sharing.of(settings.team_projects))
