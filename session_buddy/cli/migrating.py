"""`migrate`: which schema version the database has, and moving it to another."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from pydantic_core import to_jsonable_python

from session_buddy.cli.asking import lead_or_leader
from session_buddy.cli.formats import when
from session_buddy.cli.home import begin_record, require_home
from session_buddy.cli.options import Command, Group, home_option, json_option, settings_of, yes_option
from session_buddy.cli.output import add, console, show, table
from session_buddy.cli.plain import confirmed, print_json
from session_buddy.config import Settings
from session_buddy.errors import LeaderUnavailable, MigrationError
from session_buddy.ingest.redaction import keyed_hash, load_hash_key
from session_buddy.models.values import MigrationStatus
from session_buddy.storage.opening import make_store
from session_buddy.storage.versioned import VersionedStore


@click.group(
    cls=Group,
    epilog="""\b
Examples:
  session-buddy migrate status
  session-buddy migrate up
  session-buddy migrate down --to 3""",
)
@home_option
def migrate() -> None:
    """Show or change the schema version of the database.

    It is brought to the newest version by whatever opens it, so this is for looking, and for going back
    before an older session-buddy is installed.
    """


@migrate.command(cls=Command, epilog="\b\nExample:\n  session-buddy migrate status --json")
@json_option
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """List the schema versions: which are applied, and whether they are what this program knows."""
    settings = settings_of(context)
    require_home(settings)
    with lead_or_leader(settings) as client:
        if client is not None:
            versions = client.call("migrations", {}, lambda _report: None)
        else:
            with _store(settings) as store:
                versions = _versions(store)
    if as_json:
        print_json(versions)
        return
    made = table("version", "name", "applied", "state", right=("version",))
    for version in versions:
        add(made, f"V{version['version']}", version["name"], _applied(version), _state(version))
    show(console(), made)


@migrate.command(cls=Command, epilog="\b\nExample:\n  session-buddy migrate up")
@click.pass_context
def up(context: click.Context) -> None:
    """Bring the database to the newest schema version, from nothing if there is none."""
    settings = settings_of(context)
    begin_record(settings)
    with lead_or_leader(settings) as client:
        if client is not None:
            click.echo(
                f"The leader (process {client.leader.get('pid')}) has it at the newest version already."
            )
            return
        with _store(settings) as store:
            before = _version(store.migrations())
            store.migrate()
            _tell(before, _version(store.migrations()))


@migrate.command(
    cls=Command, epilog="\b\nExamples:\n  session-buddy migrate down\n  session-buddy migrate down --all"
)
@click.option("--to", "version", type=click.IntRange(min=0), metavar="VERSION", help="Go down to VERSION.")
@click.option("--all", "everything", is_flag=True, help="Go down to nothing: all tables are dropped.")
@yes_option
@click.pass_context
def down(context: click.Context, version: int | None, everything: bool, yes: bool) -> None:
    """Take the newest schema version back, or several. Close the agent's windows first.

    What only the tables of those versions hold goes with them. It is all in the journals and their
    archives: 'session-buddy rebuild' makes it again.
    """
    if everything and version is not None:
        raise click.UsageError("give --to or --all, not both.", context)
    settings = settings_of(context)
    require_home(settings)
    with lead_or_leader(settings) as client:
        if client is not None:
            raise LeaderUnavailable(
                f"process {client.leader.get('pid')} leads and uses the database as it is; close the agent's "
                "windows, then try again."
            )
        with _store(settings) as store:
            before = _version(store.migrations())
            target = _target(before, version, everything)
            confirmed(f"Take the database from V{before} down to V{target}?", yes)
            store.migrate(target)
            _tell(before, target)


def _target(current: int, version: int | None, everything: bool) -> int:
    target = 0 if everything else current - 1 if version is None else version
    if not 0 <= target < current:
        raise MigrationError(
            f"The database has schema version {current}; there is no way down from it to {target}."
        )
    return target


def _tell(before: int, after: int) -> None:
    if before == after:
        click.echo(f"The database is at V{after} already.")
        return
    click.echo(f"The database went from V{before} to V{after}.")
    if after < before:
        click.echo("The next agent window or command brings it up again: install the older version first.")


@contextmanager
def _store(settings: Settings) -> Iterator[VersionedStore]:
    """The database as it is, open in this process, which must hold the lock."""
    key = load_hash_key(settings)
    store = make_store(settings, lambda text: keyed_hash(key, "forget", text))
    store.open_as_it_is()
    try:
        yield store
    finally:
        store.close()


def _versions(store: VersionedStore) -> list[dict[str, Any]]:
    return [to_jsonable_python(asdict(version)) for version in store.migrations()]


def _version(versions: Sequence[MigrationStatus]) -> int:
    return max((known.version for known in versions if known.applied_at is not None), default=0)


def _applied(version: dict[str, Any]) -> str:
    at = version["applied_at"]
    return "-" if at is None else when(datetime.fromisoformat(at))


def _state(version: dict[str, Any]) -> str:
    if not version["checksum"]:
        return "UNKNOWN to this program: a newer one made it"
    if version["applied_at"] is None:
        return "not applied"
    return "applied" if version["checksum"] == version["applied_checksum"] else "CHANGED since it was applied"
