"""What PostgreSQL's errors mean to a member of a team, and what to do about each."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from session_buddy.errors import MayNotWrite, StorageError

_KEPT = "Nothing is lost: what is recorded stays in the journals, and is folded once that is put right."
_BY_STATE: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("28P01", "28000"),
        (
            "The team's store {path} does not accept this user or password. Correct SESSION_BUDDY_STORE, "
            "or the password file that libpq reads (~/.pgpass)."
        ),
    ),
    (("3D000",), "There is no database {path}. Ask the owner of the team's store for its address."),
    (
        ("42501",),
        (
            "This user may not do that in the team's store {path}. Ask its owner for the role of a writer "
            "(`session-buddy team init --writer NAME`)."
        ),
    ),
    (("25006",), "The team's store {path} is read-only at the moment."),
    (("53100",), "The disk of the team's store {path} is full. Its owner has to free some space."),
    (
        ("53300",),
        "The team's store {path} has no connection left. Put PgBouncer before it, or raise its limit.",
    ),
    (("42P01", "42703"), "The team's store {path} lacks a table. Its owner runs `session-buddy team init`."),
)
_BY_WORDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("certificate", "ssl ", "sslmode", "tls"),
        (
            "The connection to the team's store {path} cannot be trusted: its certificate was refused, or it "
            "offers none. Check `sslrootcert` and the host's name in SESSION_BUDDY_STORE."
        ),
    ),
    (
        ("password authentication failed", "no password supplied", "no pg_hba.conf entry", "authentication"),
        _BY_STATE[0][1],
    ),
    (("does not exist",), _BY_STATE[1][1]),
    (("no space left", "could not extend file"), _BY_STATE[4][1]),
    (("too many clients", "remaining connection slots", "no more connections"), _BY_STATE[5][1]),
)
_GONE = (
    "The team's store {path} cannot be reached. Check the network, or ask its owner whether the server is up."
)
_GONE_STATES = ("57P01", "57P02", "57P03", "08000", "08003", "08006", "25P03")


class ServerGone(StorageError):
    """The server did not answer, or broke off."""


def silent(path: str) -> ServerGone:
    """It has not answered yet."""
    return ServerGone(f"{_GONE.format(path=path)} {_KEPT} (It has not answered yet.)")


def explain(error: Exception, path: str) -> StorageError:
    """The error as one that says what happened, to what, and what to do."""
    text = str(error).strip()
    reason = " ".join(text.split())[:300] or type(error).__name__
    state = getattr(error, "sqlstate", None) or ""
    for states, sentence in _BY_STATE:
        if state in states:
            kind = MayNotWrite if state == "42501" else StorageError
            return kind(f"{sentence.format(path=path)} {_KEPT} (PostgreSQL: {reason})")
    if isinstance(error, PoolTimeout | PoolClosed | TooManyRequests) or state in _GONE_STATES:
        return ServerGone(f"{_GONE.format(path=path)} {_KEPT} (PostgreSQL: {reason})")
    if isinstance(error, psycopg.OperationalError) and not state:
        lowered = text.lower()
        for signs, sentence in _BY_WORDS:
            if any(sign in lowered for sign in signs):
                return StorageError(f"{sentence.format(path=path)} {_KEPT} (PostgreSQL: {reason})")
        return ServerGone(f"{_GONE.format(path=path)} {_KEPT} (PostgreSQL: {reason})")
    return StorageError(f"The team's store {path} could not answer. {_KEPT} (PostgreSQL: {reason})")


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turns what psycopg and its pool raise inside into `StorageError`."""
    try:
        yield
    except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests) as error:
        raise explain(error, path) from None
