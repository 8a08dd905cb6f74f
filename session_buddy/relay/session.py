"""What one client has asked and what is not answered yet: a relay without I/O, clock or threads.

It survives leaders. A leader is one connection; when it is lost, `replay` gives what the next one must
hear so that the client notices only a pause.

Invariants: a request is in `_waiting` from its arrival until its answer goes to the client, and only
then; every line for a leader is either forwarded by `from_client` to the live connection or part of the
`replay` of the next one.
"""

from typing import Any, NamedTuple

from session_buddy.relay.messages import (
    CONNECTION_CLOSED,
    ENVELOPE_KEY,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    SUBSCRIPTION_KEY,
    Answer,
    Notification,
    Rejected,
    Request,
    RequestId,
    error_line,
    is_request_id,
    read_client_line,
    read_leader_line,
    response_line,
    tool_error_line,
    with_id,
    with_request_key,
)
from session_buddy.relay.replies import CommittedReplies
from session_buddy.wire import encode

LISTEN = "subscriptions/listen"
MAX_DELIVERIES = 5
"""A request whose leader dies this often is answered with an error: it may be what kills them."""
_OWN_ID = "session-buddy/"
_HANDSHAKE_ID = "session-buddy/handshake"
_KEPT = {"resources/subscribe": "resources/unsubscribe", "logging/setLevel": None}
"""Requests whose effect lasts as long as the connection, and what ends it."""


class Step(NamedTuple):
    """What a client's line leads to: at once to the client, and to the leader if one is connected."""

    reply: bytes | None = None
    forward: bytes | None = None


class Waiting:
    """A request that is not answered. since: monotonic seconds; progress: the last that the client saw."""

    __slots__ = ("acknowledged", "deliveries", "line", "progress", "progress_token", "request", "since")

    def __init__(self, request: Request, line: bytes, since: float) -> None:
        self.request = request
        self.line = line
        self.since = since
        self.deliveries = 0
        self.progress = float("-inf")
        self.acknowledged = False
        token = request.meta.get("progressToken")
        self.progress_token = token if isinstance(token, int | str) else None


class Session:
    """One client's conversation. Not thread-safe."""

    def __init__(self, replies: CommittedReplies) -> None:
        self._replies = replies
        self._waiting: dict[RequestId, Waiting] = {}
        self._modern: bool | None = None
        self._version: str | None = None
        self._handshake: bytes | None = None
        self._initialized: bytes | None = None
        self._kept: dict[tuple[str, str], Request] = {}

    @property
    def modern(self) -> bool:
        """Whether the client speaks the era without a handshake (2026-07-28 and later)."""
        return bool(self._modern)

    def waiting(self) -> list[Waiting]:
        """Requests that somebody waits for, in order of arrival; a subscription's stream is none."""
        return [entry for entry in self._waiting.values() if entry.request.method != LISTEN]

    def from_client(self, line: bytes, now: float, *, connected: bool) -> Step:
        """Take one line of the client. now: monotonic seconds; connected: whether a leader is there."""
        message = read_client_line(line)
        if isinstance(message, Rejected):
            return Step(reply=message.reply)
        if isinstance(message, Answer):
            return Step()  # the server asks the client nothing
        if isinstance(message, Request):
            step = self._request(message, now, connected=connected)
        else:
            step = self._notification(message)
        return step if connected else Step(reply=step.reply)

    def _request(self, request: Request, now: float, *, connected: bool) -> Step:
        if request.id in self._waiting:
            text = f"Invalid request: a request with the id {str(request.id)[:80]!r} is still unanswered."
            return Step(reply=error_line(request.id, INVALID_REQUEST, text))
        if self._modern is None:
            self._open(request)
        step = self._answer_at_once(request, connected=connected)
        if step is not None:
            return step
        line = with_request_key(request) if request.method == "tools/call" else request.line
        entry = self._waiting[request.id] = Waiting(request, line, now)
        entry.deliveries = int(connected)
        return Step(forward=line)

    def _entry(self, identity: object) -> Waiting | None:
        """The waiting request of this id; anything may stand where an id should."""
        return self._waiting.get(identity) if is_request_id(identity) else None

    def _open(self, request: Request) -> None:
        """The first request decides the era, as it does in the server."""
        self._modern = request.method != "initialize" and ENVELOPE_KEY in request.meta
        if self._modern:
            # The next leader must see a modern request first, whatever the client sends it first.
            opening = {"_meta": {key: value for key, value in request.meta.items() if key != "progressToken"}}
            self._handshake = encode(
                {"jsonrpc": "2.0", "id": _HANDSHAKE_ID, "method": "server/discover", "params": opening}
            )

    def _answer_at_once(self, request: Request, *, connected: bool) -> Step | None:
        """What needs no leader: the handshake; and, while there is none, what the server offers.

        A leader that is there may be of another version, and knows better what it offers. What belongs to
        the other era goes to the server, which refuses it in its own words.
        """
        if not self._modern and request.method == "initialize":
            return self._initialize(request)
        if self._modern and request.method == "server/discover":
            result = self._replies.discover(request)
        elif connected or (ENVELOPE_KEY in request.meta and not self._modern):
            return None
        else:
            version = request.meta.get(ENVELOPE_KEY) if self._modern else self._version
            result = self._replies.listing(request, version)
        return None if result is None else Step(reply=response_line(request.id, result))

    def _initialize(self, request: Request) -> Step | None:
        result = self._replies.initialize(request)
        if result is None:
            return None
        self._version = result["protocolVersion"]
        self._handshake = with_id(request, _HANDSHAKE_ID)
        return Step(reply=response_line(request.id, result), forward=self._handshake)

    def _notification(self, notification: Notification) -> Step:
        if notification.method == "notifications/cancelled":
            return self._cancel(notification)
        if notification.method == "notifications/initialized":
            self._initialized = notification.line
        return Step(forward=notification.line)

    def _cancel(self, notification: Notification) -> Step:
        entry = self._entry(notification.params.get("requestId"))
        if entry is None:
            return Step()
        del self._waiting[entry.request.id]
        if not entry.deliveries:
            return Step()
        return Step(forward=notification.line)

    def replay(self) -> tuple[list[bytes], list[bytes]]:
        """What a new leader must hear, in order; and what to tell the client of what is not sent again."""
        lines = [line for line in (self._handshake, self._initialized) if line is not None]
        lines += [
            with_id(request, f"{_OWN_ID}kept-{number}") for number, request in enumerate(self._kept.values())
        ]
        answers = []
        for entry in list(self._waiting.values()):
            if entry.deliveries >= MAX_DELIVERIES and entry.request.method != LISTEN:
                answers.append(self._give_up(entry, _POISON.format(entry.deliveries)))
                continue
            entry.deliveries += 1
            lines.append(entry.line)
        return lines, answers

    def from_leader(self, line: bytes) -> bytes | None:
        """Take one line of the leader; the result goes to the client."""
        message = read_leader_line(line)
        if isinstance(message, Answer):
            return self._answer(message)
        if message is None:
            return None
        if message.method == "notifications/progress":
            return self._progress(message)
        if message.method == "notifications/subscriptions/acknowledged":
            return self._acknowledgement(message)
        return message.line

    def _answer(self, answer: Answer) -> bytes | None:
        """Answers nobody waits for are dropped: to a replayed handshake, and to what was cancelled."""
        entry = self._entry(answer.id)
        if entry is None or answer.error == CONNECTION_CLOSED:
            return None
        del self._waiting[entry.request.id]
        if answer.error is None:
            self._keep(entry.request)
        return answer.line

    def _keep(self, request: Request) -> None:
        """Remember what the next leader must be told of a request that was answered."""
        if request.method == "initialize":
            self._handshake = with_id(request, _HANDSHAKE_ID)
        subject = str((request.params or {}).get("uri", ""))
        if request.method in _KEPT:
            self._kept[request.method, subject] = request
        for method, ending in _KEPT.items():
            if request.method == ending:
                self._kept.pop((method, subject), None)

    def _progress(self, notification: Notification) -> bytes | None:
        """Progress of a waiting request, unless it would go back because the request was sent again."""
        token, progress = notification.params.get("progressToken"), notification.params.get("progress")
        if not isinstance(progress, int | float):
            return None
        for entry in self._waiting.values():
            if entry.progress_token is not None and entry.progress_token == token:
                if progress <= entry.progress:
                    return None
                entry.progress = float(progress)
                return notification.line
        return None

    def _acknowledgement(self, notification: Notification) -> bytes | None:
        """A stream's first frame, once: the client does not learn that the stream was opened again."""
        meta: Any = notification.params.get("_meta")
        entry = self._entry(meta.get(SUBSCRIPTION_KEY)) if isinstance(meta, dict) else None
        if entry is None or entry.acknowledged:
            return None
        entry.acknowledged = True
        return notification.line

    def give_up(self, message: str, arrived_before: float = float("inf")) -> list[bytes]:
        """Answer what waits since before an instant with an error that says why; lines for the client."""
        return [
            self._give_up(entry, message)
            for entry in list(self._waiting.values())
            if entry.since <= arrived_before
            and (entry.request.method != LISTEN or arrived_before == float("inf"))
        ]

    def _give_up(self, entry: Waiting, message: str) -> bytes:
        request = entry.request
        del self._waiting[request.id]
        if request.method == "tools/call":
            return tool_error_line(request.id, message, modern=self.modern)
        return error_line(request.id, INTERNAL_ERROR, message)


_POISON = (
    "session-buddy did not answer this call: {} times the server went away while it worked on it, so it was "
    "not tried again. What it records may have been recorded. `session-buddy doctor` looks for the cause."
)
