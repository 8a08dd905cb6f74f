"""Asking the leader; where there is none, this process leads for the one command."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from session_buddy.cli.client import ANSWER_SECONDS, Client, LeaderLeft, NoLeader
from session_buddy.cli.home import require_home
from session_buddy.config import Settings
from session_buddy.errors import LeaderUnavailable
from session_buddy.relay.election import Election, leader_notice

_POLL_SECONDS = 0.05

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
    election = Election(settings)
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
    pid = leader_notice(settings).get("pid")
    who = f"process {pid}" if pid else "a process"
    return (
        f"{who} holds the lead of {settings.home} but has not answered for {patience:g} s; it may be "
        "stopped, or be another command at work. 'session-buddy doctor' looks into it."
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

    def __init__(self, settings: Settings, patience: float = ANSWER_SECONDS) -> None:
        """patience: seconds that a leader may take to answer, or a starting one to listen.

        Raises:
            NotFound: there is no such home.
        """
        require_home(settings)
        self._settings = settings
        self._patience = patience
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
        # The database and all that hangs on it: a command that finds a leader does without.
        from session_buddy.bootstrap import open_services
        from session_buddy.serve.control import Control

        self._own = Control(self._stack.enter_context(open_services(self._settings))).call
        self.hello = None

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def ask(settings: Settings, name: str, arguments: Mapping[str, Any]) -> Any:
    """One reading call; errors as `Leader.call`."""
    with Leader(settings) as leader:
        return leader.call(name, arguments)
