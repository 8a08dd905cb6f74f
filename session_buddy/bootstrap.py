"""The composition root: settings -> storage -> services -> server.

Whoever calls must hold the home's lock (`session_buddy.relay.election`): only the leader opens the
database. Imports of the database and of the protocol's SDK run side by side, so the slower one hides
the other.
"""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from session_buddy import __version__
from session_buddy.config import Settings
from session_buddy.errors import StorageError
from session_buddy.ingest.archive import JournalArchive
from session_buddy.ingest.hook_records import RECORDS, HookRecords
from session_buddy.ingest.journal import JournalFile
from session_buddy.ingest.journal_tail import JournalReader
from session_buddy.ingest.late import Followers, LateFollowers
from session_buddy.ingest.redaction import KeptWords, kept_words, redact
from session_buddy.models.answers import AgentWindow
from session_buddy.models.events import CatalogueEvent
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.values import ForgetRequest
from session_buddy.opening import Opening
from session_buddy.private_files import private_directory
from session_buddy.services import (
    Folder,
    Keeper,
    Recorder,
    Reporter,
    RunCounts,
    Services,
)
from session_buddy.services.keeping import Identity
from session_buddy.services.record import Record
from session_buddy.storage.opening import folded_offsets, open_store
from session_buddy.storage.weights_file import WeightsFile

if TYPE_CHECKING:
    from session_buddy.serve.control import Control
    from session_buddy.serve.leader import LeaderServer
    from session_buddy.services.later import Later

LATER_SECONDS = 0.3
"""How long the services that do not record or answer let a window's first calls go before them."""

SIDECAR_SECONDS = 1.0
"""How long the live feed lets a window's first calls go before it, which wait for nothing else by then."""

LEAVE_SECONDS = 1.0
"""How long a leader that ends waits for a team's server; its journals keep the rest for the next one."""

LEARNING_SECONDS = 3.0
"""How long learning from the record lets a start go before it, unless a suggestion is asked for."""

SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another waits for it. A call passes from the loop to a
thread and back; at Python's 5 ms it waits that long, each way, for whoever learns from the last call."""

_log = logging.getLogger(__name__)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def log_as_set(settings: Settings) -> None:
    """Have our own messages on stderr from the level that is set on; those of libraries only from WARNING on.

    A library's messages may hold what an agent said, so they are never shown.
    """
    logging.basicConfig(format="session-buddy: %(levelname)s %(message)s")
    logging.getLogger("session_buddy").setLevel(settings.log_level.upper())


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """The services of a home, folding in the background until the block ends.

    Raises:
        ConfigurationError: the home cannot be used.
        StorageError: the database cannot be opened, nor made anew.
    """
    private_directory(settings.home)
    words = kept_words(settings)
    archive = JournalArchive(settings.archive, settings.journal, settings.quarantine)
    store, notices = open_store(settings, words.hashed, archive, now)
    try:
        services, journal, record = _compose(settings, store, words, archive, notices)
        if archive.rebuild_was_cut_short():
            services.keeper.rebuild(lambda _progress: None)
        services.folder.start()
        try:
            yield services
        finally:
            store.end(LEAVE_SECONDS)
            services.stop()
            journal.close()
            with suppress(StorageError):  # an offset that stays names a journal that is gone
                record.archive_done()
    finally:
        store.close()


def _compose(
    settings: Settings,
    store: SkillsStorageProtocol,
    words: KeptWords,
    archive: JournalArchive,
    notices: Sequence[str],
) -> tuple[Services, JournalFile, Record]:
    """The services over an open store, none of them at work yet."""
    offsets, unavailable = folded_offsets(store)
    tail = JournalReader(settings.journal, settings.archive, settings.quarantine, offsets)
    journal = JournalFile(settings.journal, tail.appended)
    record = Record(store, tail, now)
    if unavailable is not None:
        record.database.failed(unavailable)
    followers = LateFollowers(lambda: _compose_followers(settings, words))
    interval = settings.fold_interval_seconds
    folder = Folder(record, journal, followers, interval, now, interval if settings.store else 0.0)
    recorder = Recorder(journal, record, followers, redact, words.keep_query, now, folder.look_at)
    records = HookRecords(Path(settings.home, RECORDS))
    weights = WeightsFile(settings.home)
    identity = Identity(__version__, os.getpid(), settings.home, now(), notices)
    run_counts = RunCounts(now)
    record.listen_to_runs(run_counts.noted)

    def later() -> "Later":
        made = _compose_later(settings, words, journal, record, recorder, weights)
        made.start(LEARNING_SECONDS)
        records.prune(now())
        return made

    def forget_more(request: ForgetRequest) -> None:
        records.forget(request)
        weights.forget()

    services = Services(
        recorder=recorder,
        reporter=Reporter(record, now, recorder.session_of),
        folder=folder,
        keeper=Keeper(record, folder, journal, archive, words.hashed, now, identity, forget_more),
        run_counts=run_counts,
        make_later=later,
    )
    return services, journal, record


def _compose_followers(settings: Settings, words: KeptWords) -> Followers:
    """What a start does not wait for either, and a home without sessions never needs."""
    from session_buddy.ingest.agents.places import session_folders
    from session_buddy.ingest.hook_payloads import HookPayloads
    from session_buddy.ingest.recorded_sessions import TranscriptFiles
    from session_buddy.ingest.transcripts import Reading

    descriptions = {event.skill_name: event.description for event in _installed(None)}
    reading = Reading(words.keep_query, words.user_id, descriptions)
    return (
        TranscriptFiles(reading, session_folders(settings.home)),
        HookPayloads(words.keep_query, words.user_id, descriptions),
    )


def _installed(project: str | None) -> Sequence[CatalogueEvent]:
    from session_buddy.ingest.agents.places import skills_of_agents  # with the followers or later
    from session_buddy.ingest.catalogue import catalogue_events

    return catalogue_events(skills_of_agents([Path(project)] if project else []), now())


def _compose_later(
    settings: Settings,
    words: KeptWords,
    journal: JournalFile,
    record: Record,
    recorder: Recorder,
    weights: WeightsFile,
) -> "Later":
    """The services that a start does not wait for; importing them takes longer than making them."""
    from session_buddy.ingest.gate_reports import read_gate_report
    from session_buddy.live.experiment_rows import encoded_experiments
    from session_buddy.services.cataloguing import Cataloguer
    from session_buddy.services.code_suggesting import CodeSuggester
    from session_buddy.services.comparing import Comparer
    from session_buddy.services.experiment_state import Users
    from session_buddy.services.experimenting import Experimenter
    from session_buddy.services.finding import Finder
    from session_buddy.services.later import Later
    from session_buddy.services.live_record import LiveRecord
    from session_buddy.services.recommending import Recommender
    from session_buddy.services.run_recording import RunRecorder
    from session_buddy.services.run_reporting import RunReporter

    comparer = Comparer(record, now, words.user_id)
    recommender = Recommender(record, journal, now, recorder.session_of, words.user_id, weights)
    recommender.epsilon = settings.exploration
    experimenter = Experimenter(record, journal, now, Users(words.user_id, words.hashed_user), recommender)
    live = LiveRecord(record, now)
    experimenter.show_by(lambda latest: live.show_experiments(encoded_experiments(latest)))
    return Later(
        cataloguer=Cataloguer(record, journal, _installed, now),
        live=live,
        recommender=recommender,
        finder=Finder(record, journal, comparer, now),
        comparer=comparer,
        run_recorder=RunRecorder(journal, record, recorder, redact, read_gate_report, now),
        run_reporter=RunReporter(record, now),
        experimenter=experimenter,
        code_suggester=CodeSuggester(record, recommender.learning, now, words.user_id, settings.shortcuts),
    )


def lead(settings: Settings, first: socket.socket | None = None) -> None:
    """Serve as the leader of a home until `first`, the connection of this process's own window, closes.

    Raises:
        SessionBuddyError: it cannot start; the message says why and what to do.
    """
    os.umask(0o077)  # DuckDB makes its write-ahead log under this mask
    log_as_set(settings)
    _log.info("process %d leads %s", os.getpid(), settings.home)
    sys.setswitchinterval(SWITCH_SECONDS)
    asyncio.run(_lead(settings, first))


async def _lead(settings: Settings, first: socket.socket | None) -> None:
    opening = Opening(lambda: open_services(settings), 0.0 if first is None else LATER_SECONDS)
    opening.start()
    try:
        await _serve(settings, first, opening)
    finally:
        await asyncio.to_thread(opening.close)
    opening.raise_problem()


async def _serve(settings: Settings, first: socket.socket | None, opening: Opening) -> None:
    # The SDK takes longest to import, and is not needed by a command that leads for itself.
    from session_buddy.serve.sdk_imports import light_imports

    with light_imports():
        from session_buddy.serve.leader import LeaderServer
        from session_buddy.serve.mcp_server import make_server
        from session_buddy.serve.measures import RequestMeasures

    async def control() -> "Control":
        from session_buddy.serve.control import (
            Control,  # commands are few, and a start need not wait for them
        )

        return Control(await opening.services())

    requests = RequestMeasures()
    mcp = make_server(opening.services, requests)
    server = LeaderServer(settings, mcp, control, opening.wake, opening.left)
    sidecars: list[asyncio.Task[None]] = []

    def ready(services: Services) -> None:
        if not settings.port:
            return
        from session_buddy.serve.experiment_metrics import experiment_source
        from session_buddy.serve.prediction_metrics import prediction_source
        from session_buddy.serve.run_metrics import run_source
        from session_buddy.serve.sidecar import Parts, Sidecar

        delay = 0.0 if first is None else SIDECAR_SECONDS
        services.live.follow()
        services.live.start(delay)
        sources = (
            prediction_source(services.recommender),
            run_source(services.run_counts),
            experiment_source(services.experimenter),
        )
        sidecar = Sidecar(
            settings, Parts(services.live, now, requests, lambda: len(_windows(server)), sources)
        )
        services.keeper.watch_feed(sidecar.notices)
        sidecars.append(asyncio.create_task(sidecar.run(delay)))

    opening.on_problem(server.stop)
    opening.on_open(lambda services: services.keeper.watch_windows(lambda: _windows(server)))
    opening.on_ready(ready)
    opening.serving()
    try:
        await server.run(first)
    finally:
        for task in sidecars:
            task.cancel()
        await asyncio.gather(*sidecars, return_exceptions=True)


def _windows(server: "LeaderServer") -> list[AgentWindow]:
    return [
        AgentWindow(pid=window.pid, version=window.version, since=window.since, project=window.project)
        for window in server.connected()
        if window.role == "relay"
    ]
