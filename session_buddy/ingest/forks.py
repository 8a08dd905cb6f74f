"""Skills that run in a fork: a thread of their own, whose transcript is read after the one that called."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from session_buddy.ingest.fields import MAIN
from session_buddy.ingest.observations import Answered, Closing, ForkBegan, SlashCommand, Use
from session_buddy.ingest.outcomes import SpanFacts
from session_buddy.ingest.threads import Span, Thread


@dataclass(slots=True)
class _Fork:
    span: Span
    caller: str
    at: datetime
    key: str
    thread: str | None


class Forks:
    """Forked skills that are done. Their closings are told when both transcripts have been read."""

    def __init__(self) -> None:
        self._done: list[_Fork] = []
        self._threads: dict[str, str] = {}  # use key of a prompt -> thread that carried it out

    def began(self, seen: ForkBegan) -> None:
        """A thread says which prompt it would carry out a skill for."""
        self._threads.setdefault(seen.use_key, seen.thread)

    def done(self, span: Span, seen: Answered | SlashCommand) -> None:
        """The caller's transcript says that a forked skill is done."""
        fork = seen.fork if isinstance(seen, Answered) else None
        self._done.append(_Fork(span, seen.thread, seen.at, seen.key, fork))

    def settle(self, threads: Mapping[str, Thread]) -> Iterator[Closing]:
        """Closings of forked skills whose threads have got further since they were last told."""
        for fork in self._done:
            thread = threads.get(fork.thread or self._threads.get(fork.span.use.key, ""))
            key = f"{fork.key} {thread.key}" if thread else fork.key
            if fork.span.told != key:
                fork.span.told = key
                yield _closing(fork, thread, key)


def new_thread(name: str, at: datetime) -> Thread:
    """A thread; one that is not the main one may turn out to carry out a forked skill."""
    thread = Thread(name, at)
    if name != MAIN:
        thread.whole = Span(Use("", name, "agent"), at, None)
    return thread


def _closing(fork: _Fork, thread: Thread | None, key: str) -> Closing:
    """The closing of a fork by what its thread did; without its thread, it took from call to answer."""
    span, caller = fork.span, Thread(fork.caller, fork.at)
    facts = SpanFacts(closed="turn_ended")
    caller.clock = span.begun + max(0.0, (fork.at - span.called_at).total_seconds())
    if thread is not None and thread.whole is not None:
        facts = thread.whole.facts("turn_ended", working=False)
        caller.clock = span.begun + thread.clock
        caller.at = max(fork.at, thread.at)
    return caller.closing(span, (fork.at, key), facts)
