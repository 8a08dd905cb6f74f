"""A team's store as its owner and its members see it: roles, state, and what one of them wrote."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from session_buddy.errors import InvalidInput, StorageError
from session_buddy.models.events import JournalEvent, SessionEvent
from session_buddy.storage import rows
from session_buddy.storage.postgres_database import PostgresConnection
from session_buddy.storage.postgres_store import PostgresStore, known_migrations

_ROLE_NAME = re.compile(r"[^\x00\"]{1,63}")
_HISTORY_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class TeamStatus:
    """What a member sees of the store. homes: machines that fold into it. bytes: of the database.

    known_version: the newest schema that this program knows.
    """

    address: str
    server_version: str
    user_name: str
    role: str
    encrypted: bool
    schema_version: int
    known_version: int
    bytes: int
    homes: int
    users: int


class Team:
    """A team's store that is open."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self._database = store.database

    def init(self, writers: Sequence[str] = (), readers: Sequence[str] = ()) -> None:
        """Bring the schema up, and make or renew the roles; these users get one of them.

        Raises:
            InvalidInput: a name that no user of a database can have.
            StorageError: the user may not do that, or the server is away.
        """
        for name in (*writers, *readers):
            if not _ROLE_NAME.fullmatch(name):
                raise InvalidInput(f"{name!r} is no name of a database's user; leave quotes out.")
        if not self._store.may_migrate():
            raise StorageError(
                f"Only the owner of the team's store {self._database.path} makes its tables and roles; name "
                "that user in SESSION_BUDDY_STORE."
            )
        self._store.migrate()
        with self._database.transaction() as connection:
            connection.run("tune_database")
            connection.run("make_roles")
            connection.run("grant_roles")
            for role, names in (("session_buddy_writer", writers), ("session_buddy_reader", readers)):
                for name in names:
                    _enrol(connection, name, role)

    def status(self) -> TeamStatus:
        """How the store stands."""
        versions = self._store.migrations()
        applied = max((known.version for known in versions if known.applied_at is not None), default=0)
        with self._database.connection() as connection:
            (found,) = connection.records("team_status")
            homes, users = connection.run("homes")[0] if applied else (0, 0)
        return TeamStatus(
            address=self._database.path,
            schema_version=applied,
            known_version=len(known_migrations()),
            homes=homes,
            users=users,
            **found,
        )

    def history(self) -> Iterator[JournalEvent]:
        """Every skill event and session event that this member wrote, oldest first."""
        with self._database.snapshot() as connection:
            result = connection.execute(connection.text("own_history"))
            names = [column[0] for column in result.description or ()]
            while found := result.fetchmany(_HISTORY_ROWS):
                for row in found:
                    yield rows.event_of(dict(zip(names, row, strict=True)))
            for known in connection.records("own_session_history"):
                yield SessionEvent(**rows.aware(known))


def _enrol(connection: PostgresConnection, name: str, role: str) -> None:
    """Give a user a role; one that there is not can log in once it has a password."""
    if not connection.run("role_exists", role_name=name):
        connection.execute(f'CREATE ROLE "{name}" LOGIN')
    connection.execute(f'GRANT {role} TO "{name}"')
