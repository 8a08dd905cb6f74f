"""Asking the leader; where there is none, this process leads for the one command."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Self

import click

from session_buddy.cli.client import ANSWER_SECONDS, Client, LeaderLeft, NoLeader
from session_buddy.cli.home import require_home
from session_buddy.config import Settings
from session_buddy.errors import LeaderUnavailable, SessionBuddyError
from session_buddy.relay.election import Election, command_at_work, leader_notice
from session_buddy.relay.leading import Leadership, lead_by_bootstrap

_POLL_SECONDS = 0.05
_LEADER_END_SECONDS = 20.0
INTERRUPTED = 130
"""Exit status of what Ctrl-C ended."""

Emit = Callable[[dict[str, Any]], None]
Call = Callable[[str, Mapping[str, Any], Emit], Any]


def find_lead(settings: Settings, patience: float = ANSWER_SECONDS) -> Client | Election:
    """A connection to the leader of a home, or the lead itself, won; close the one, resign the other.

    A leader that is only starting or ending is waited for.

    Raises:
        LeaderUnavailable: somebody leads but does not answer within `patience` seconds, or refuses.
        ConfigurationError: nobody leads, and the home cannot be written.
    """
    deadline = time.monotonic() + patience
    context = click.get_current_context(silent=True)
    election = Election(settings, None if context is None else context.command_path)
    while True:
        try:
            return Client.to(settings, patience)
        except NoLeader:
            if election.attempt():
                return election
        if time.monotonic() > deadline:
            raise LeaderUnavailable(_nobody_answers(settings, patience))
        time.sleep(_POLL_SECONDS)


def _nobody_answers(settings: Settings, patience: float) -> str:
    command = command_at_work(settings)
    if command is not None:
        return f"{command} is at work on {settings.home}. Wait for it to end, then run this again."
    pid = leader_notice(settings).get("pid")
    who = f"process {pid}" if pid else "a process"
    return (
        f"{who} holds the lead of {settings.home} but has not answered for {patience:g} s; it may be "
        "stopped. 'session-buddy doctor' looks into it."
    )


@contextmanager
def lead_or_leader(settings: Settings) -> Iterator[Client | None]:
    """A connection to the leader, or None, and then this process leads until the block ends.

    Raises:
        SessionBuddyError: as `find_lead`.
    """
    found = find_lead(settings)
    if isinstance(found, Client):
        with found:
            yield found
        return
    try:
        yield None
    finally:
        found.resign()


class Leader:
    """Whoever answers for a home: its leader, or this process while there is none. Use it with `with`.

    hello: what the leader said of itself at the last call; None if this process answered.
    """

    def __init__(self, settings: Settings, patience: float = ANSWER_SECONDS, *, serves: bool = False) -> None:
        """patience: seconds that a leader may take to answer, or a starting one to listen.

        serves: while this process leads, serve agent windows too: for what takes longer than they wait.

        Raises:
            NotFound: there is no such home.
        """
        require_home(settings)
        self._settings = settings
        self._patience = patience
        self._serves = serves
        self._client: Client | None = None
        self._own: Call | None = None
        self._stack = ExitStack()
        self.hello: dict[str, Any] | None = None

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        emit: Emit = lambda _report: None,
        *,
        repeatable: bool = True,
        silence: float | None = None,
    ) -> Any:
        """Call one method of `session_buddy.serve.control.Control`.

        repeatable: ask the next leader if this one goes away before it has answered. silence: seconds
        without a word that count as no answer.

        Raises:
            SessionBuddyError: what was answered, or that nobody could answer.
        """
        while True:
            if self._client is None and self._own is None:
                self._find()
            if self._own is not None:
                return self._own(name, arguments, emit)
            try:
                return self._ask(name, arguments, emit, silence)
            except LeaderLeft as error:
                self._drop_client()
                if not repeatable:
                    raise LeaderUnavailable(
                        "the leader ended before it had answered, so this is not done or only in part; "
                        "run the command again."
                    ) from error

    def close(self) -> None:
        """Hang up, or let the lead go."""
        self._drop_client()
        self._own = None
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _ask(self, name: str, arguments: Mapping[str, Any], emit: Emit, silence: float | None) -> Any:
        if self._client is None:
            raise LeaderLeft
        return self._client.call(name, arguments, emit, silence)

    def _find(self) -> None:
        """Connect to the leader, or lead and open the record in this process."""
        found = find_lead(self._settings, self._patience)
        if isinstance(found, Client):
            self._client, self.hello = found, found.leader
            return
        self._stack.callback(found.resign)
        _leave_failures_to_the_command(self._settings)
        if self._serves:
            self._client = self._stack.enter_context(_served(self._settings, found))
            return
        # The database and all that hangs on it: a command that finds a leader does without.
        from session_buddy.bootstrap import log_as_set, open_services
        from session_buddy.serve.control import Control

        os.umask(0o077)  # DuckDB makes its write-ahead log under this mask, and a kill leaves it behind
        log_as_set(self._settings)
        services = self._stack.enter_context(open_services(self._settings))
        with suppress(SessionBuddyError):  # what keeps from it keeps from the call too, which says so
            services.folder.look_back()
        self._own = Control(services).call
        self.hello = None

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _leave_failures_to_the_command(settings: Settings) -> None:
    """What keeps this process from folding is its answer; beside it the log would say the same once more."""
    if settings.log_level.upper() not in ("DEBUG", "INFO"):
        for name in ("session_buddy.services.folding", "session_buddy.opening"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def _served(settings: Settings, election: Election) -> Iterator[Client]:
    """A connection to a leader in a thread of this process, as in an agent's window, until the block ends."""
    leadership = Leadership(settings, lead_by_bootstrap)
    try:
        client = Client(leadership.connection, settings, None)
    except NoLeader as error:
        leadership.ended(_LEADER_END_SECONDS)
        raise LeaderUnavailable(leadership.refusal() or "the server ended at once.") from error
    leadership.serves()
    try:
        with client:
            yield client
    except KeyboardInterrupt:
        _end_with_the_process(leadership, election, 1.0)
        raise
    _end_with_the_process(leadership, election, _LEADER_END_SECONDS)


def _end_with_the_process(leadership: Leadership, election: Election, patience: float) -> None:
    """Wait for the leader's end: while it is at work the database is open, and the lock must stay."""
    if not leadership.ended(patience):
        election.remove_files()
        sys.stderr.flush()
        os._exit(INTERRUPTED)


def ask(settings: Settings, name: str, arguments: Mapping[str, Any]) -> Any:
    """One reading call; errors as `Leader.call`."""
    with Leader(settings) as leader:
        return leader.call(name, arguments)
