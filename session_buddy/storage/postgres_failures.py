"""What PostgreSQL's errors mean to a member of a team, and what to do about each."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from session_buddy.errors import MayNotWrite, StorageError

_KEPT = "Nothing is lost: what is recorded stays in the journals, and is folded once that is put right."
ANSWERS_NOTHING = "it answers nothing"
FELL_SILENT = "it has fallen silent"
"""What is told of a server that takes connections, or not even those, and says nothing."""

_LOGIN = (
    "The team's store {path} does not accept this user or password. Correct SESSION_BUDDY_STORE, "
    "or the password file that libpq reads (~/.pgpass)."
)
_NO_DATABASE = "There is no database {path}. Ask the owner of the team's store for its address."
_DISK_FULL = "The disk of the team's store {path} is full. Its owner has to free some space."
_CONNECTIONS = "The team's store {path} has no connection left. Put PgBouncer before it, or raise its limit."
_RIGHTS = (
    "This user may not do that in the team's store {path}. Ask its owner for the role of a writer "
    "(`session-buddy team init --writer NAME`)."
)
_CERTIFICATE = (
    "The connection to the team's store {path} cannot be trusted: its certificate was refused, or it "
    "offers none. Check `sslrootcert` and the host's name in SESSION_BUDDY_STORE."
)
_TABLE = "The team's store {path} lacks a table. Its owner runs `session-buddy team init`."
_READ_ONLY = "The team's store {path} is read-only at the moment."
_GONE = (
    "The team's store {path} cannot be reached. Check the network, or ask its owner whether the server is up."
)
_BUSY = (
    "The team's store {path} takes connections and answers nothing. Its owner looks for transactions that "
    "hold every connection of PgBouncer's pool, and whether the server has more work than it can do."
)
_POOLER = (
    "PgBouncer before the team's store {path} cannot log in there. Ask its owner whether the server is up, "
    "has the database and lets PgBouncer in; PgBouncer's log says which."
)
_BY_STATE: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("28P01", "28000"), "login", _LOGIN),
    (("3D000",), "no_database", _NO_DATABASE),
    (("42501",), "rights", _RIGHTS),
    (("25006",), "read_only", _READ_ONLY),
    (("53100",), "disk_full", _DISK_FULL),
    (("53300",), "connections", _CONNECTIONS),
    (("42P01", "42703"), "schema", _TABLE),
)
_BY_WORDS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("certificate", "ssl ", "sslmode", "tls"), "certificate", _CERTIFICATE),
    (
        ("too many c", "remaining connection slots", "no more connections"),
        "connections",
        _CONNECTIONS,
    ),
    (
        (
            "password authentication failed",
            "no password supplied",
            "no pg_hba.conf entry",
            "authentication",
            "no such user",
            'role "',
            "not permitted to log in",
        ),
        "login",
        _LOGIN,
    ),
    (("permission denied",), "rights", _RIGHTS),
    (("does not exist", "no such database"), "no_database", _NO_DATABASE),
    (("no space left", "could not extend file"), "disk_full", _DISK_FULL),
    ((ANSWERS_NOTHING, "query_wait_timeout"), "connections", _BUSY),
    ((FELL_SILENT, "timeout expired"), "silent", _GONE),
    (("server login has been failing", "server_login_retry"), "pooler", _POOLER),
)
_GONE_STATES = ("57P01", "57P02", "57P03", "08000", "08003", "08006", "25P03")
_POOLER_STATE = "08P01"
"""PgBouncer's, for all that it says itself."""


class ServerGone(StorageError):
    """The server did not answer, or broke off."""

    reason = "unreachable"


_KINDS: dict[str, type[StorageError]] = {
    _RIGHTS: MayNotWrite,
    **dict.fromkeys((_BUSY, _GONE, _POOLER), ServerGone),
}


def silent(path: str) -> ServerGone:
    """It has not answered yet."""
    return ServerGone(f"{_GONE.format(path=path)} {_KEPT} (It has not answered yet.)", "silent")


def explain(error: Exception, path: str) -> StorageError:
    """The error as one that says what happened, to what, and what to do."""
    text = str(error).strip()
    said = " ".join(text.split())[:300] or type(error).__name__
    state = getattr(error, "sqlstate", None) or ""
    kind, reason, sentence = _meaning(error, state, text.lower())
    return kind(f"{sentence.format(path=path)} {_KEPT} (PostgreSQL: {said})", reason)


def _meaning(error: Exception, state: str, lowered: str) -> tuple[type[StorageError], str, str]:
    """(kind, reason, sentence) of an error."""
    for states, reason, sentence in _BY_STATE:
        if state in states:
            return _KINDS.get(sentence, StorageError), reason, sentence
    if isinstance(error, PoolTimeout | PoolClosed | TooManyRequests) or state in _GONE_STATES:
        return ServerGone, "unreachable", _GONE
    if isinstance(error, psycopg.OperationalError) and state in ("", _POOLER_STATE):
        return _meaning_of_words(lowered, pooled=bool(state))
    return StorageError, "other", "The team's store {path} could not answer."


def _meaning_of_words(lowered: str, *, pooled: bool) -> tuple[type[StorageError], str, str]:
    """The same of what has no state of its own. pooled: PgBouncer says it."""
    for signs, reason, sentence in _BY_WORDS:
        if any(sign in lowered for sign in signs):
            return _KINDS.get(sentence, StorageError), reason, sentence
    return ServerGone, *(("pooler", _POOLER) if pooled else ("unreachable", _GONE))


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turns what psycopg and its pool raise inside into `StorageError`."""
    try:
        yield
    except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests) as error:
        raise explain(error, path) from None
