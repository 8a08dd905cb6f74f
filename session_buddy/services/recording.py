"""Recording: what agents and people say, made into journal events and acknowledged."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.answers import Ingested, Invocation, Rated, Recorded
from session_buddy.models.events import JournalEvent, SkillEvent
from session_buddy.models.ids import hashed_id, time_of, time_ordered_id
from session_buddy.models.problems import problems_of
from session_buddy.models.protocols import Clock, Journal, LiveSpans, QueryKeeper, Redactor
from session_buddy.models.values import Caller
from session_buddy.models.vocabulary import AUTHORITY_REPORTED
from session_buddy.services.brief import briefly
from session_buddy.services.near_names import nearest_names
from session_buddy.services.open_sessions import open_session_of, tells_its_session
from session_buddy.services.record import Record
from session_buddy.services.report_events import ReportEvents, of_run
from session_buddy.services.reports import InvocationReport, acknowledgement, standing_alone
from session_buddy.services.spans import RecentSpans

ACKNOWLEDGED_KEPT = 100_000


class Recorder:
    """Turns reports into acknowledged events. Thread-safe; every method returns after the disk has it."""

    def __init__(
        self,
        journal: Journal,
        record: Record,
        live_spans: LiveSpans,
        redact: Redactor,
        keep_query: QueryKeeper,
        clock: Clock,
        look: Callable[[str], None] = lambda _: None,
    ) -> None:
        """record must be over an open storage; redact and keep_query see text before any disk does.

        look: reads on in a session's transcript now, where that is known.
        """
        self._look = look
        self._journal = journal
        self._record = record
        self._live_spans = live_spans
        self._redact = redact
        self._events = ReportEvents(redact, keep_query)
        self._clock = clock
        self._spans = RecentSpans()
        self._sessions: dict[str, str] = {}
        self._lock = threading.RLock()
        self._began = clock()
        self._acknowledged: OrderedDict[UUID, UUID] = OrderedDict()
        record.listen(self._spans.note)

    def session_of(self, caller: Caller) -> str:
        """The session of a connection.

        The one its latest hook named, else its client's, else the newest that an agent which names none
        has open in this project, else one of its own.
        """
        named = self._sessions.get(caller.connection_id) or caller.session_id
        return named or open_session_of(self._record, caller) or f"mcp-{caller.connection_id}"

    def record_invocation(self, report: InvocationReport, caller: Caller, *, alone: bool = False) -> Recorded:
        """Record a use of a skill, or complete the one that was observed.

        A report that names no invocation speaks of the newest observed and not yet reported use of that
        skill in its session, if that is open or ended less than 10 minutes ago; else it is a use of its own.
        A run of a gate or stage speaks of the newest use, whatever else was said of that.

        alone: it is a use of its own; nothing connects it with what was observed.

        Raises:
            InvalidInput: contradicting fields, or a time that cannot be.
            NotFound: `invocation_id` is not in the record.
            JournalError: the disk did not take it; nothing was recorded.
        """
        now = self._clock()
        outcome = report.decided()
        report.check_time(now)
        key = report.request_key or str(time_ordered_id())
        event_id = hashed_id("request", key, "reported")
        with self._lock:
            known = self._known(event_id, report.request_key)
            if known is not None:
                return Recorded(
                    invocation_id=known,
                    duplicate=True,
                    attached=False,
                    message="This request was recorded before; nothing was added.",
                )
            target = None if alone else self._target(report, caller, now)
            event = self._events.reported(
                report,
                caller,
                report.session_id or self.session_of(caller),
                outcome,
                event_id,
                target or hashed_id("request", key),
                now,
            )
            if target is None:
                event = standing_alone(event)
                self._record.expect(event.invocation_id)
            self._journal.append([event, *self._events.rating(report, event, key)])
            self._remember(event)
            self._record.refresh_own()
        return Recorded(
            invocation_id=event.invocation_id,
            duplicate=False,
            attached=target is not None,
            message=acknowledgement(event, attached=target is not None),
        )

    def observed(self, report: InvocationReport, caller: Caller) -> bool:
        """Whether there is a use that the report would speak of."""
        with self._lock:
            return self._target(report, caller, self._clock()) is not None

    def rate(
        self,
        skill_name: str | None,
        rating: int,
        comment: str | None,
        invocation_id: UUID | None,
        caller: Caller,
        request_key: str | None = None,
    ) -> Rated:
        """Rate one invocation from 1 to 5: the one named, else the newest of that skill in this session.

        Raises:
            InvalidInput: neither a skill nor an invocation is named, or the rating is not 1..5.
            NotFound: there is no such invocation.
        """
        key = request_key or str(time_ordered_id())
        event_id = hashed_id("request", key, "rated")
        with self._lock:
            self._record.catch_up()
            duplicate = self._record.known_event(event_id) is not None
            rated = self._to_rate(skill_name, invocation_id, self.session_of(caller))
            try:
                event = SkillEvent(
                    kind="rated",
                    id=event_id,
                    invocation_id=rated.invocation_id,
                    skill_name=rated.skill_name,
                    session_id=rated.session_id,
                    source=caller.source,
                    authority=AUTHORITY_REPORTED,
                    agent=rated.agent,
                    occurred_at=self._clock(),
                    rating=rating,
                    note=self._redact(comment) if comment else None,
                )
            except ValidationError as error:
                raise InvalidInput(problems_of(error)) from None
            if not duplicate:
                self._journal.append([event])
        return Rated(
            invocation_id=event.invocation_id,
            skill_name=event.skill_name,
            rating=rating,
            duplicate=duplicate,
            message=f"{event.skill_name} was rated {rating} of 5.",
        )

    def ingest_tool_calls(self, session: str, calls: object, caller: Caller) -> Ingested:
        """Take the tool calls that a hook hands over while a session runs.

        Raises:
            InvalidInput: `session` or `calls` is not what the hook sends.
        """
        if not session or len(session) > 200:
            raise InvalidInput("session: the session id that the hook was given is required.")
        with self._lock:
            self._sessions[caller.connection_id] = session
            skill_calls, events = self._live_spans.feed(session, calls, self._clock())
            self._journal.append(self._located(events, caller))
            self._record.refresh()
        return Ingested(skill_calls=skill_calls, events_recorded=len(events))

    def disconnected(self, caller: Caller) -> None:
        """The connection is gone: forget which session it had."""
        self._sessions.pop(caller.connection_id, None)

    def _known(self, event_id: UUID, request_key: str | None) -> UUID | None:
        """The invocation of an event that was acknowledged before, by any leader.

        A key that was made after this leader began can only have been recorded by this leader, so the
        database need not be asked; were a clock to jump, the event's id would still keep it single.
        """
        if request_key is None:
            return None
        known = self._acknowledged.get(event_id)
        made_at = time_of(request_key)
        if known is not None or (made_at is not None and made_at > self._began):
            return known
        # A repetition that is not looked up changes nothing either: the id keeps the event single.
        return briefly(self._record, lambda: self._record.known_event(event_id), None)

    def _remember(self, event: SkillEvent) -> None:
        self._acknowledged[event.id] = event.invocation_id
        while len(self._acknowledged) > ACKNOWLEDGED_KEPT:
            self._acknowledged.popitem(last=False)

    def _target(self, report: InvocationReport, caller: Caller, now: datetime) -> UUID | None:
        """The observed invocation that a report speaks of."""
        if report.invocation_id is not None:
            return self._named(report, report.invocation_id)
        session_id = report.session_id or self.session_of(caller)
        # A hook may not have told of the use yet: most agents' tell when a turn is over, any may have
        # failed, and a run on the command line has nobody but the transcript to tell where it belongs.
        if of_run(caller) or not tells_its_session(caller):
            self._look(session_id)
        if self._spans.knows(session_id):
            self._record.refresh()
        else:
            self._record.refresh()
            pending = self._record.pending_of(session_id)
            uses = briefly(self._record, lambda: self._uses_of(session_id), None)
            if uses is None:
                return None  # it stands alone; the transcript says later which use it was about
            self._spans.learn(session_id, uses)
            for event in (*pending, *self._record.pending_of(session_id)):
                self._spans.note(event)
        return self._spans.attachable(session_id, report.skill_name, now, by_run=of_run(caller))

    def _uses_of(self, session_id: str) -> Sequence[Invocation]:
        if not self._record.storage.remote:  # at a server a fold waits for those of other machines
            self._record.catch_up_for_writing()
        return self._record.storage.session_invocations(session_id)

    def _use(self, invocation_id: UUID) -> tuple[Invocation | None]:
        self._record.catch_up()
        return (self._record.storage.invocation(invocation_id),)

    def _named(self, report: InvocationReport, invocation_id: UUID) -> UUID:
        answer = briefly(self._record, lambda: self._use(invocation_id), None)
        if answer is None:
            return invocation_id  # nobody can say that there is no such use
        (named,) = answer
        if named is None:
            raise NotFound(
                f"There is no invocation {report.invocation_id}; leave invocation_id out to record a new one."
            )
        if named.skill_name != report.skill_name:
            raise InvalidInput(
                f"Invocation {named.invocation_id} is of {named.skill_name!r}, not of {report.skill_name!r}."
            )
        return named.invocation_id

    def _to_rate(self, skill_name: str | None, invocation_id: UUID | None, session_id: str) -> Invocation:
        storage = self._record.storage
        if invocation_id is not None:
            found = storage.invocation(invocation_id)
        elif skill_name is not None:
            found = storage.latest_invocation(skill_name, session_id) or storage.latest_invocation(
                skill_name, None
            )
        else:
            raise InvalidInput("Name what to rate: skill_name for its newest use, or invocation_id.")
        if found is None:
            near = nearest_names(skill_name or "", [totals.skill_name for totals in storage.all_totals()])
            meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise NotFound(
                f"There is no invocation of {skill_name or invocation_id} to rate yet; "
                f"record it first with record_skill_invocation.{meant}"
            )
        return found

    def _located(self, events: Sequence[JournalEvent], caller: Caller) -> list[JournalEvent]:
        """The events with the caller's project where they name none."""
        return [
            event.model_copy(update={"project": caller.project})
            if isinstance(event, SkillEvent) and event.project is None
            else event
            for event in events
        ]
