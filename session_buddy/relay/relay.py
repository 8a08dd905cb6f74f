"""One client's relay: its threads, and the decisions of the main one.

Threads: `client` reads the client's lines; a link's two read and write the leader's; `to client` writes
what must not wait; `leader` is the server, if this process leads. The main thread takes one event at a
time and is the only one that connects, attempts to lead and ends. `_lock` guards the session and which
link is live; nothing blocks while it is held.
"""

import os
import sys
import threading
import time
from queue import Empty, SimpleQueue
from typing import NamedTuple

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.private_files import remove
from session_buddy.relay.election import Election, command_at_work, leader_notice
from session_buddy.relay.leading import Lead, Leadership
from session_buddy.relay.link import Event, Greeted, Link, Refused, connect
from session_buddy.relay.messages import INVALID_REQUEST, error_line
from session_buddy.relay.replies import CommittedReplies
from session_buddy.relay.session import Session
from session_buddy.relay.streams import Output, read_lines
from session_buddy.wire import MAX_FRAME_BYTES

PATIENCE_SECONDS = 20.0
_LATER_PATIENCE_SECONDS = 2.0  # once a leader is known not to answer
_PING_SECONDS = 5.0
_TICK_SECONDS = 0.5
_FIRST_LINE_SECONDS = 1.0
_DRAIN_SECONDS = 0.7
_LEADER_END_SECONDS = 0.8
_RETRY_SECONDS = 0.06
_AGAIN_SECONDS = 2.0  # after trouble, when a call asks for it
_UNASKED_SECONDS = 10.0  # after trouble, when none does


class Asked(NamedTuple):
    """The client sent a line while there was no leader to forward it to."""


class Ended(NamedTuple):
    """It is time to go. drain: whether answers that are under way may still arrive."""

    drain: bool


class Relay:
    """See the module. `run` is called once, by the main thread."""

    def __init__(self, settings: Settings, lead: Lead, client_out: int, parent: int, patience: float) -> None:
        self._settings = settings
        self._lead = lead
        self._parent = parent
        self._patience = patience
        self._inbox: SimpleQueue[Event | Asked | Ended] = SimpleQueue()
        self._output = Output(client_out, lambda: self.end(drain=False))
        self._election = Election(settings)
        self._lock = threading.Lock()
        self._session = Session(CommittedReplies())
        self._live: Link | None = None
        self._link: Link | None = None
        self._leadership: Leadership | None = None
        self._trouble: str | None = None
        self._attempted = 0.0
        self._next_attempt = 0.0
        self._alone_since = time.monotonic()
        self._stalled_at: float | None = None
        self._pinged = 0.0
        self._ended: Ended | None = None
        self.has_led = False

    def abandon(self) -> None:
        """Remove the files of a leadership that did not end in time; the process must end at once."""
        self._election.remove_files()

    def end(self, *, drain: bool) -> None:
        """Ask the main thread to end; from any thread and from signal handlers."""
        self._inbox.put(Ended(drain))

    def run(self, client_in: int) -> None:
        """Relay until the client is gone.

        What stays is at most a busy thread of the server, and the lock with it: end the process then.
        """
        heard = threading.Event()
        threading.Thread(
            target=self._read_client, args=(client_in, heard), name="client", daemon=True
        ).start()
        heard.wait(_FIRST_LINE_SECONDS)  # the handshake's answer goes out before the server's imports begin
        while self._ended is None:
            now = time.monotonic()
            if self._link is None and now >= self._next_attempt:
                self._attempt(now)
            pause = _TICK_SECONDS if self._link is not None else min(self._next_attempt - now, _TICK_SECONDS)
            self._take(pause)
            self._watch(time.monotonic())
        self._close(self._ended)

    def _read_client(self, descriptor: int, heard: threading.Event) -> None:
        def take(line: bytes | None) -> None:
            self._from_client(line)
            heard.set()

        read_lines(descriptor, take)
        heard.set()
        self.end(drain=True)

    def _from_client(self, line: bytes | None) -> None:
        """In the client's thread: answer a line at once, or forward it, or keep it for the next leader."""
        if line is None:
            text = (
                f"Invalid request: a message may have {MAX_FRAME_BYTES // 2**20} MiB, and this one has more."
            )
            self._output.post(error_line(None, INVALID_REQUEST, text))
            return
        with self._lock:
            live = self._live
            step = self._session.from_client(line, time.monotonic(), connected=live is not None)
            if live is not None and step.forward is not None:
                live.send(step.forward)
        if step.reply is not None:
            self._output.post(step.reply)
        if live is None:
            self._inbox.put(Asked())

    def _from_leader(self, link: Link, line: bytes) -> None:
        """In the link's reading thread: pass an answer on; a slow client makes only its leader wait."""
        with self._lock:
            answer = self._session.from_leader(line) if link is self._live else None
        if answer is not None:
            self._output.write(answer)

    def _take(self, patience: float) -> None:
        """Handle the next event, or none if none comes for so many seconds."""
        try:
            event = self._inbox.get(timeout=max(patience, 0.0))
        except Empty:
            return
        if isinstance(event, Ended):
            self._ended = event
        elif isinstance(event, Asked):
            self._asked(time.monotonic())
        elif event.link is not self._link:
            return  # the last words of an earlier link
        elif isinstance(event, Greeted):
            self._go_live(event.link)
        elif isinstance(event, Refused):
            self._in_trouble(event.message)
            event.link.close()
        else:
            self._lose()

    def _attempt(self, now: float) -> None:
        """Lead, if nobody does; else connect to who does."""
        self._attempted = now
        self._next_attempt = now + _jittered(_RETRY_SECONDS)
        if not self._has_left():
            return
        try:
            if self._election.attempt():
                self.has_led = True
                self._leadership = Leadership(self._settings, self._lead)
                connection, token = self._leadership.connection, None
            else:
                connection, token = connect(self._settings)
        except ConfigurationError as error:
            self._in_trouble(str(error))
            return
        except OSError:
            return  # the leader is just starting, or just leaving
        self._link = Link(connection, self._inbox.put, self._from_leader)
        self._link.start(token)

    def _has_left(self) -> bool:
        """Whether no leader of ours is running; one that has just ended gives the lock back."""
        leadership = self._leadership
        if leadership is None:
            return True
        if not leadership.ended(0.0):
            return False
        self._leadership = None
        self._election.resign()
        refusal = leadership.refusal()
        if refusal is not None:
            self._in_trouble(refusal)
        return refusal is None

    def _go_live(self, link: Link) -> None:
        if self._leadership is not None:
            self._leadership.serves()
        with self._lock:
            lines, answers = self._session.replay()
            for line in lines:
                link.send(line)
            self._live = link
        self._trouble, self._stalled_at = None, None
        for answer in answers:
            self._output.post(answer)

    def _lose(self) -> None:
        with self._lock:
            self._live = None
        self._link = None
        self._alone_since = time.monotonic()
        if self._trouble is None:
            self._next_attempt = self._alone_since

    def _in_trouble(self, message: str) -> None:
        """There is no leader and none can be had: say so to whoever waits, and try again later."""
        if message != self._trouble:
            _say(message)
        self._trouble = message
        self._next_attempt = time.monotonic() + _UNASKED_SECONDS
        self._give_up(message)

    def _asked(self, now: float) -> None:
        """A call came while there is trouble: worth another attempt, unless the last was just now."""
        if self._trouble is None or self._link is not None:
            return
        if now - self._attempted >= _AGAIN_SECONDS:
            self._next_attempt = now
        else:
            self._give_up(self._trouble)

    def _give_up(self, message: str, arrived_before: float = float("inf")) -> None:
        with self._lock:
            answers = self._session.give_up(message, arrived_before)
        for answer in answers:
            self._output.post(answer)

    def _watch(self, now: float) -> None:
        """End with the parent, start anew with the home, and watch over who waits."""
        if os.getppid() != self._parent:
            self._ended = Ended(drain=False)
        if self._leadership is not None and self._link is not None and not self._election.undisputed():
            _say(f"the home {self._settings.home} was removed while this window led it; starting anew")
            self._link.close()
        self._watch_over_waiting(now)

    def _watch_over_waiting(self, now: float) -> None:
        """Ask a silent leader for a sign of life, and stop waiting if none comes."""
        with self._lock:
            waiting = self._session.waiting()
        if not waiting:
            return
        heard = self._link.heard if self._link is not None else self._alone_since
        if self._live is not None and now - max(heard, self._pinged) >= _PING_SECONDS:
            self._live.ping()
            self._pinged = now
        known = self._stalled_at is not None and heard <= self._stalled_at
        patience = min(self._patience, _LATER_PATIENCE_SECONDS) if known else self._patience
        if now - max(heard, waiting[0].since) < patience:
            return
        self._stalled_at = now
        self._give_up(self._stall(), now - min(patience, _LATER_PATIENCE_SECONDS))

    def _stall(self) -> str:
        command = command_at_work(self._settings)
        if command is not None:
            return (
                f"session-buddy did not answer: {command} is at work on this home. What this call records "
                "may be recorded when it has ended. Wait for it, then call again."
            )
        leader = self._link.leader if self._link is not None else {}
        pid = leader.get("pid") or leader_notice(self._settings).get("pid", "unknown")
        return (
            f"session-buddy did not answer: process {pid}, which leads this home, gives no sign of life. "
            "What this call records may be recorded when it goes on. If it is stopped, continue it "
            f"(kill -CONT {pid}); if it hangs, end it (kill {pid}), and another window takes over. "
            "Then call again."
        )

    def _close(self, ended: Ended) -> None:
        deadline = time.monotonic() + _DRAIN_SECONDS
        while ended.drain and time.monotonic() < deadline and self._is_awaited():
            self._take(0.02)
        if self._link is not None:
            self._link.close()
        if self._leadership is None or self._leadership.ended(_LEADER_END_SECONDS):
            self._election.resign()
        else:
            # It is still at work and the database open, so the lock goes with the process; the files go now.
            remove(self._settings.socket, self._settings.wake_socket, self._settings.token_file)
        self._output.flush(0.2)

    def _is_awaited(self) -> bool:
        with self._lock:
            return bool(self._session.waiting())


def _jittered(seconds: float) -> float:
    """Between a quarter of `seconds` and all, so that the relays of one home do not move in step."""
    return seconds * (0.25 + 0.75 * os.urandom(1)[0] / 255)


def _say(message: str) -> None:
    try:
        sys.stderr.write(f"session-buddy: {message}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # nobody reads stderr; the calls are answered with the same words
