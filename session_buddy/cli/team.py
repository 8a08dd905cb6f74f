"""`team`: a store that several people share."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import UUID

import click

from session_buddy.cli.checks_leader import patience
from session_buddy.cli.client import Client, LeaderLeft, NoLeader
from session_buddy.cli.formats import count, size
from session_buddy.cli.options import Command, Group, home_option, json_option, settings_of
from session_buddy.cli.output import console, facts, progress
from session_buddy.cli.plain import print_json
from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError, SessionBuddyError
from session_buddy.ingest.archive import JournalArchive
from session_buddy.ingest.journal import JournalFile
from session_buddy.ingest.redaction import kept_words
from session_buddy.models.events import JournalEvent, TranscriptReady
from session_buddy.models.values import Batch
from session_buddy.private_files import private_directory
from session_buddy.storage.opening import NO_PROJECT, make_team_store
from session_buddy.storage.sharing import Sharing

if TYPE_CHECKING:
    from session_buddy.storage.postgres_store import PostgresStore

_AT_ONCE = 5_000


@click.group(
    cls=Group,
    epilog="""\b
Examples:
  session-buddy team init --writer ada --writer bob --reader dashboard
  session-buddy team status
  session-buddy team push""",
)
@home_option
def team() -> None:
    """Share a record with a team, on the PostgreSQL server that SESSION_BUDDY_STORE names."""


@team.command(cls=Command, epilog="\b\nExample:\n  session-buddy team init --writer ada --reader dashboard")
@click.option("--writer", "writers", multiple=True, metavar="USER", help="A member; may be given again.")
@click.option("--reader", "readers", multiple=True, metavar="USER", help="Who may only look.")
@click.pass_context
def init(context: click.Context, writers: tuple[str, ...], readers: tuple[str, ...]) -> None:
    """Make the tables and roles, or bring them up to this version. For the owner of the database.

    Users that there are not yet can log in once the owner has given them a password.
    """
    with _store(settings_of(context)) as store:
        from session_buddy.storage.postgres_team import Team  # as `make_team_store`

        Team(store).init(writers, readers)
        click.echo(f"The team's store {store.database.path} is ready.")


@team.command(cls=Command, epilog="\b\nExample:\n  session-buddy team status --json")
@json_option
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Show the server, your role, and who folds into it."""
    settings = settings_of(context)
    with _store(settings) as store:
        from session_buddy.storage.postgres_team import Team  # as `make_team_store`

        found = asdict(Team(store).status()) | {"notices": _notices(settings)}
    version = found["schema_version"]
    if as_json:
        print_json(found)
        return
    facts(
        console(),
        (
            ("store", found["address"]),
            ("server", f"PostgreSQL {found['server_version']}"),
            ("connection", "encrypted" if found["encrypted"] else "not encrypted"),
            ("you", f"{found['user_name']}: {found['role']}"),
            ("schema", _schema(version, found["known_version"])),
            ("size", size(found["bytes"])),
            ("machines", str(found["homes"])),
            ("users", str(found["users"])),
            ("shared", settings.team_projects or "nothing: name folders in team_projects"),
            *(("problem", notice) for notice in found["notices"]),
        ),
    )


@team.command(cls=Command, epilog="\b\nExample:\n  session-buddy team push")
@click.pass_context
def push(context: click.Context) -> None:
    """Move what your own journals and archives hold of the shared projects up to the team's store.

    Nothing is counted twice, however often it is done, and nothing here is changed.
    """
    settings = settings_of(context)
    if settings.store and Sharing.of(settings.team_projects).nothing:
        raise ConfigurationError(NO_PROJECT)
    archive = JournalArchive(settings.archive, settings.journal, settings.quarantine)
    new = read = 0
    with _store(settings) as store, progress("pushing") as advance:
        for events in _batches(_all(archive)):
            new += store.fold(Batch(tuple(events))).new_events
            read += len(events)
            advance({"done": read})
        store.findings.learn()
    click.echo(f"{count(read, 'event')} read, {count(new, 'event')} new to the team's store.")


@team.command(cls=Command, epilog="\b\nExample:\n  session-buddy team pull")
@click.pass_context
def pull(context: click.Context) -> None:
    """Bring what you wrote to the team's store back into this home's journal, as far as it is not there.

    Uses of skills and sessions come back; what was learned of them is learned again. Without
    SESSION_BUDDY_STORE the next window or command folds it into a store of your own.
    """
    settings = settings_of(context)
    private_directory(settings.home)
    archive = JournalArchive(settings.archive, settings.journal, settings.quarantine)
    known: set[UUID] = {event.id for event in _all(archive)}
    added = 0
    journal = JournalFile(settings.journal)
    with _store(settings) as store, progress("pulling") as advance:
        from session_buddy.storage.postgres_team import Team  # as `make_team_store`

        for events in _batches(event for event in Team(store).history() if event.id not in known):
            journal.append(events)
            added += len(events)
            advance({"done": added})
    journal.close()
    click.echo(f"{count(added, 'event')} came back into {settings.journal}.")


def _schema(version: int, known: int) -> str:
    if version > known:
        return f"V{version}: a newer one made it. Update session-buddy on this machine, which knows V{known}"
    return f"V{version}" if version else "none yet: its owner runs 'session-buddy team init'"


def _notices(settings: Settings) -> list[str]:
    """What this home's leader, if there is one, says is wrong: it alone sees that nothing is taken."""
    try:
        with Client.to(settings, patience(settings)) as client:
            status: dict[str, list[str]] = client.call("status", {}, lambda _: None)
    except (NoLeader, LeaderLeft, SessionBuddyError):
        return []
    return status["notices"]


@contextmanager
def _store(settings: Settings) -> Iterator["PostgresStore"]:
    private_directory(settings.home)
    store = make_team_store(settings, kept_words(settings).hashed)
    store.open_as_it_is()
    try:
        yield store
    finally:
        store.close()


def _all(archive: JournalArchive) -> Iterator[JournalEvent]:
    for events in (archive.events(), archive.waiting()):
        for event in events:
            if not isinstance(event, TranscriptReady):
                yield event


def _batches(events: Iterable[JournalEvent]) -> Iterator[list[JournalEvent]]:
    batch: list[JournalEvent] = []
    for event in events:
        batch.append(event)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
