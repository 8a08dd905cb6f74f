"""Who subscribed to what: groups that get the same frames, so that each frame is encoded once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from websockets.asyncio.server import ServerConnection

from session_buddy.live.requests import MAX_SUBSCRIBED_SKILLS, BadMessage, Subscribe, Unsubscribe
from session_buddy.live.selections import EVERYTHING, Selection, Subscribed
from session_buddy.live.windows import DAY, HOUR

MESSAGES_PER_SECOND: Final = 20.0
MESSAGES_AT_ONCE: Final = 100.0


@dataclass(slots=True, eq=False)
class Subscriber:
    """One connection. skills: None for the most used ones, else those named; empty for no updates.

    allowance: messages that it may send at once, at `allowed_at` seconds of the loop's clock.
    """

    connection: ServerConnection
    authenticated: bool
    skills: frozenset[str] | None = None
    window: int = HOUR
    selection: Selection = EVERYTHING
    events: bool = False
    allowance: float = MESSAGES_AT_ONCE
    allowed_at: float = 0.0

    @property
    def key(self) -> Subscribed:
        """What its updates are made of."""
        return Subscribed(self.skills, self.window, self.selection)

    def may_send(self, now: float) -> bool:
        """Whether a message at `now` is within what one connection may send."""
        earned = (now - self.allowed_at) * MESSAGES_PER_SECOND
        self.allowance = min(MESSAGES_AT_ONCE, self.allowance + earned) - 1.0
        self.allowed_at = now
        return self.allowance >= 0


@dataclass(slots=True)
class Subscribers:
    """All subscribers that are admitted, by what they get. Belongs to the event loop."""

    updates: dict[Subscribed, set[ServerConnection]] = field(default_factory=dict)
    events: dict[Subscribed, set[ServerConnection]] = field(default_factory=dict)
    count: int = 0

    def join(self, subscriber: Subscriber) -> None:
        """It gets updates and events from now on."""
        self.count += 1
        self._add(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """It gets nothing any more; call it once for each `join`."""
        self.count -= 1
        self._remove(subscriber)

    def subscribe(self, subscriber: Subscriber, wanted: Subscribe) -> None:
        """Change what a joined subscriber gets: the most used skills, or one more by name.

        Raises:
            BadMessage: it has as many skills as one connection may have.
        """
        skills = frozenset() if wanted.skill_name is None else (subscriber.skills or frozenset())
        if wanted.skill_name is not None:
            skills |= {wanted.skill_name}
        if len(skills) > MAX_SUBSCRIBED_SKILLS:
            raise BadMessage(
                "too_many_subscriptions",
                f"One connection follows at most {MAX_SUBSCRIBED_SKILLS} skills; unsubscribe from one first, "
                "or subscribe to all with skill_name null.",
                wanted.id,
            )
        self._remove(subscriber)
        subscriber.skills = None if wanted.skill_name is None else skills
        subscriber.events = wanted.events
        subscriber.window = HOUR if wanted.time_window_hours == 1 else DAY
        subscriber.selection = Selection.asked(wanted)
        self._add(subscriber)

    def unsubscribe(self, subscriber: Subscriber, unwanted: Unsubscribe) -> None:
        """Take one skill from what a joined subscriber gets, or everything."""
        self._remove(subscriber)
        if unwanted.skill_name is None:
            subscriber.skills = frozenset()
        elif subscriber.skills is not None:
            subscriber.skills -= {unwanted.skill_name}
        self._add(subscriber)

    def connections(self) -> Iterator[ServerConnection]:
        """Everyone who gets updates or events."""
        for group in (*self.updates.values(), *self.events.values()):
            yield from group

    def _add(self, subscriber: Subscriber) -> None:
        if subscriber.skills is not None and not subscriber.skills:
            return
        self.updates.setdefault(subscriber.key, set()).add(subscriber.connection)
        if subscriber.events:
            self.events.setdefault(subscriber.key, set()).add(subscriber.connection)

    def _remove(self, subscriber: Subscriber) -> None:
        _discard(self.updates, subscriber.key, subscriber.connection)
        _discard(self.events, subscriber.key, subscriber.connection)


def _discard(
    groups: dict[Subscribed, set[ServerConnection]], key: Subscribed, connection: ServerConnection
) -> None:
    group = groups.get(key)
    if group is not None:
        group.discard(connection)
        if not group:
            del groups[key]
