"""What the product does: recording, folding, reporting, keeping."""

from dataclasses import dataclass

from session_buddy.services.cataloguing import Cataloguer
from session_buddy.services.code_suggesting import CodeSuggester
from session_buddy.services.comparing import Comparer
from session_buddy.services.experimenting import Experimenter
from session_buddy.services.finding import Finder
from session_buddy.services.folding import Folder
from session_buddy.services.keeping import Keeper
from session_buddy.services.live_record import LiveRecord
from session_buddy.services.recommending import Recommender
from session_buddy.services.recording import Recorder
from session_buddy.services.reporting import Reporter
from session_buddy.services.reports import InvocationReport
from session_buddy.services.run_counts import RunCounts
from session_buddy.services.run_recording import RunRecorder
from session_buddy.services.run_reporting import RunReporter

__all__ = [
    "Cataloguer",
    "CodeSuggester",
    "Comparer",
    "Experimenter",
    "Finder",
    "Folder",
    "InvocationReport",
    "Keeper",
    "LiveRecord",
    "Recommender",
    "Recorder",
    "Reporter",
    "RunCounts",
    "RunRecorder",
    "RunReporter",
    "Services",
]


@dataclass(frozen=True, slots=True)
class Services:
    """All services of one home."""

    recorder: Recorder
    reporter: Reporter
    folder: Folder
    keeper: Keeper
    cataloguer: Cataloguer
    live: LiveRecord
    recommender: Recommender
    finder: Finder
    comparer: Comparer
    run_recorder: RunRecorder
    run_reporter: RunReporter
    run_counts: RunCounts
    experimenter: Experimenter
    code_suggester: CodeSuggester
