"""Spans of skills: a pure state machine, fed observations in the order of the record.

A span runs from the answer to a skill's call (what comes before is load time or a wait for permission)
to the next skill call of the same thread, the next user prompt, the end of the turn or of the session.

- **Nesting.** A skill that a skill prescribes does not cut its parent short. B is taken as prescribed by
  A if no prompt lies between them and either A's instructions name B, or A had done nothing yet when B
  was called (`/superpowers:write-plan` only hands over to a skill). Spans inside A close then, A itself
  goes on and is B's parent. Skills called in parallel are siblings: neither cuts the other short.
- **The end of a turn** closes a span only if the agent does not go on by itself. A background task's
  notification, a `Stop` hook that objects and a subagent that reports back are no prompts: the span goes
  on, so its closing is told when it is certain, or when `settle` asks. While a subagent of the span works
  in the background, the end of a turn does not close it at all.
- **Active time** is the sum of the gaps between records while the agent is at work. Left out are gaps over
  120 s and waits for the user: questions, plans, rejected calls, the time before a prompt. What a subagent
  says of its own duration is not taken: it includes waits, once 19 hours of a machine asleep. A clock that
  jumps back counts nothing.
- **Forks.** A skill that its author lets run in a fork (`context: fork`) is done when its call is answered.
  It cuts nothing short; what the fork's own thread did is its evidence, and that thread's activity its time.
- A skill that did not load (unknown, refused) opens and closes at once and cuts nothing short.
- What was seen before (the same `tool_use` id or prompt) changes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from session_buddy.ingest.checks import recognise
from session_buddy.ingest.forks import Forks, new_thread
from session_buddy.ingest.observations import (
    Activity,
    Answered,
    Change,
    Closing,
    Compacted,
    ForkBegan,
    Interrupted,
    Notified,
    Observation,
    Opening,
    SessionEnded,
    SkillBody,
    SkillCalled,
    SlashCommand,
    ToolCalled,
    TurnEnded,
    UserPrompted,
)
from session_buddy.ingest.outcomes import SpanFacts
from session_buddy.ingest.threads import Call, Span, Thread

Ending = Literal["none", "turn", "session"]
"""What is known to be over where the record ends for now."""


class SpanTracker:
    """Follows one session. `observe` and `settle` give the changes they cause, in order."""

    def __init__(self) -> None:
        self._threads: dict[str, Thread] = {}
        self._seen: set[str] = set()
        self._spawned: dict[str, str] = {}  # call that started a subagent -> use inside which it did
        self._spawner: dict[str, str] = {}  # thread -> call that started it
        self._handlers: dict[type[Observation], Callable[[Thread, Any], Sequence[Change]]] = {
            Activity: _activity,
            SkillCalled: self._skill_called,
            SkillBody: _skill_body,
            ToolCalled: self._tool_called,
            Answered: self._answered,
            UserPrompted: _prompted,
            SlashCommand: self._slash_command,
            Notified: _notified,
            Interrupted: _interrupted,
            TurnEnded: _turn_ended,
            Compacted: _compacted,
            SessionEnded: self._session_ended,
            ForkBegan: self._fork_began,
        }
        self._forks = Forks()

    def observe(self, observation: Observation) -> Sequence[Change]:
        """The spans that open and close by this observation."""
        thread = self._threads.get(observation.thread)
        if thread is None:
            thread = self._threads[observation.thread] = new_thread(observation.thread, observation.at)
        return self._handlers[type(observation)](thread, observation)

    def is_idle(self, name: str) -> bool:
        """Nothing that a thread's agent does matters now, until it calls a skill or the user types one."""
        thread = self._threads.get(name)
        return thread is None or not (thread.spans or thread.loading or thread.whole)

    def spawned_by(self, thread: str, tool_use_id: str) -> None:
        """A thread is that of the subagent which this call started, so its spans have a parent."""
        self._spawner[thread] = tool_use_id

    def settle(self, ending: Ending = "none") -> Sequence[Closing]:
        """Closings that hold as far as the record goes; spans stay open, and a later closing revises them.

        ending: what is known to have ended although the record does not say so. Only the main thread's
        turn can be known to have ended: `Stop` is its hook.
        """
        closings = [closing for thread in self._threads.values() for closing in _settled(thread, ending)]
        return [*closings, *self._forks.settle(self._threads)]

    def _skill_called(self, thread: Thread, seen: SkillCalled) -> Sequence[Change]:
        thread.work(seen)
        use = seen.use
        if use.key in self._seen:
            return ()
        self._seen.add(use.key)
        parent = thread.prescriber(use.skill_name)
        outer = parent.use.key if parent else self._spawned.get(self._spawner.get(seen.thread, ""))
        thread.loading[use.key] = Span(use, thread.at, outer, alone=not thread.loading, begun=thread.clock)
        return (Opening(use, seen.thread, thread.at, outer),)

    def _tool_called(self, thread: Thread, seen: ToolCalled) -> Sequence[Change]:
        thread.work(seen)
        if seen.tool_use_id in thread.calls:
            return ()
        if seen.spawns and thread.spans:
            self._spawned[seen.tool_use_id] = thread.spans[-1].use.key
        holders = thread.holders
        for span in holders:
            span.calls += 1
            span.acted = True
        check = recognise(seen.command) if seen.command and holders else None
        thread.calls[seen.tool_use_id] = Call(seen.asks, seen.spawns, check, holders)
        thread.asking += seen.asks
        return ()

    def _slash_command(self, thread: Thread, seen: SlashCommand) -> Sequence[Change]:
        if seen.use.key in self._seen:
            return ()
        self._seen.add(seen.use.key)
        closings = list(thread.close_all("next_prompt", seen.key))
        thread.advance(seen, working=False)
        span = Span(seen.use, thread.at, None, prompted=True, begun=thread.clock)
        if seen.forked:
            self._forks.done(span, seen)
        else:
            thread.spans = [span]
        return (*closings, Opening(seen.use, seen.thread, thread.at))

    def _answered(self, thread: Thread, seen: Answered) -> Sequence[Change]:
        call = thread.calls.pop(seen.tool_use_id, None)
        waited = seen.error == "rejected" or (call is not None and call.asks)
        thread.work(seen, waited=waited)
        span = thread.loading.pop(seen.tool_use_id, None)
        if span is not None:
            return self._loaded(thread, span, seen)
        if call is not None:
            thread.asking -= call.asks
            for holder in call.spans:
                holder.answered(call, seen)
        return ()

    def _loaded(self, thread: Thread, span: Span, seen: Answered) -> Sequence[Change]:
        closings: Sequence[Change] = ()
        if seen.error is not None:
            facts = SpanFacts(closed="next_skill", load_error=seen.error)
            closings = (thread.closing(span, (thread.at, seen.key), facts),)
        elif seen.fork is not None:
            self._forks.done(span, seen)
        else:
            closings = _nested(thread, span)
        for holder in thread.holders:
            if holder is not span:
                holder.calls += 1
                holder.acted = holder.acted or seen.error is None
                holder.last_error = seen.error
                holder.errors += seen.error is not None
        return closings

    def _fork_began(self, _thread: Thread, seen: ForkBegan) -> Sequence[Change]:
        self._forks.began(seen)
        return ()

    def _session_ended(self, _thread: Thread, seen: SessionEnded) -> Sequence[Change]:
        closings: list[Change] = []
        for thread in self._threads.values():
            thread.advance(seen, working=False)
            closings.extend(thread.close_all("session_ended", seen.key))
        return closings


def _activity(thread: Thread, seen: Activity) -> Sequence[Change]:
    thread.work(seen)
    thread.said = seen.says
    return ()


def _skill_body(thread: Thread, seen: SkillBody) -> Sequence[Change]:
    span = thread.loading.get(seen.use_key or "")
    if span is None:
        wanted = (span for span in thread.spans if span.prompted or span.use.key == seen.use_key)
        span = next((span for span in wanted if seen.use_key in {None, span.use.key}), None)
    if span is not None and not span.body:
        span.body = seen.text
    return ()


def _nested(thread: Thread, span: Span) -> Sequence[Change]:
    """A skill has loaded: spans close that do not prescribe it, and it joins the others."""
    called, span.begun = span.begun, thread.clock
    closings: Sequence[Change] = ()
    if span.alone:
        parent = next((each for each in thread.spans if each.use.key == span.parent), None)
        kept = thread.spans.index(parent) + 1 if parent else 0
        end = (span.called_at, span.use.key)
        closings = [
            thread.closing(old, end, old.facts("next_skill", working=False), clock=called)
            for old in thread.spans[kept:]
        ]
        del thread.spans[kept:]
    thread.spans.append(span)
    return closings


def _prompted(thread: Thread, seen: UserPrompted) -> Sequence[Change]:
    closings = list(thread.close_all("next_prompt", seen.key))
    thread.advance(seen, working=False)
    return closings


def _notified(thread: Thread, seen: Notified) -> Sequence[Change]:
    mine = [span for span in thread.spans if span.reported_back(seen)]
    closings: Sequence[Change] = ()
    if thread.ended is not None and not mine and not thread.waits:
        closings = list(thread.close_all("next_prompt", seen.key))  # the turn that it begins is another's
    thread.advance(seen, working=False)
    thread.ended, thread.said = None, False
    return closings


def _interrupted(thread: Thread, seen: Interrupted) -> Sequence[Change]:
    thread.advance(seen, working=thread.ended is None and not thread.asking)
    return list(thread.close_all("interrupted", seen.key))


def _turn_ended(thread: Thread, seen: TurnEnded) -> Sequence[Change]:
    if thread.ended is None:
        thread.advance(seen, working=not thread.asking)
        thread.ended = (thread.at, seen.key)
        thread.calls.clear()
        thread.asking = 0
    return ()


def _compacted(thread: Thread, seen: Compacted) -> Sequence[Change]:
    thread.advance(seen, working=thread.ended is None)
    return ()


def _settled(thread: Thread, ending: Ending) -> Iterator[Closing]:
    if ending == "session":
        return thread.close_by_session()
    return thread.close_by_turn(assumed=ending == "turn" and thread.name == "main")
