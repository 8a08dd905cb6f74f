"""What the product does: recording, folding, reporting, keeping; and, once it is needed, all the rest.

A start waits for what records and answers. Importing what learns, finds and shows takes as long again, so
those services (`later`) are made when one of them is first asked for, or a moment after the start.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from session_buddy.services.folding import Folder
from session_buddy.services.keeping import Keeper
from session_buddy.services.recording import Recorder
from session_buddy.services.reporting import Reporter
from session_buddy.services.reports import InvocationReport
from session_buddy.services.run_counts import RunCounts

if TYPE_CHECKING:
    from session_buddy.services.cataloguing import Cataloguer
    from session_buddy.services.code_suggesting import CodeSuggester
    from session_buddy.services.comparing import Comparer
    from session_buddy.services.experimenting import Experimenter
    from session_buddy.services.finding import Finder
    from session_buddy.services.later import Later
    from session_buddy.services.live_record import LiveRecord
    from session_buddy.services.recommending import Recommender
    from session_buddy.services.run_recording import RunRecorder
    from session_buddy.services.run_reporting import RunReporter

__all__ = [
    "Folder",
    "InvocationReport",
    "Keeper",
    "Recorder",
    "Reporter",
    "RunCounts",
    "Services",
]


class Services:
    """All services of one home. Thread-safe."""

    def __init__(
        self,
        recorder: Recorder,
        reporter: Reporter,
        folder: Folder,
        keeper: Keeper,
        run_counts: RunCounts,
        make_later: "Callable[[], Later]",
    ) -> None:
        """make_later: makes the other services and sets them to work; called once, or never."""
        self.recorder = recorder
        self.reporter = reporter
        self.folder = folder
        self.keeper = keeper
        self.run_counts = run_counts
        self._make_later = make_later
        self._lock = threading.Lock()
        self._later: Later | None = None

    def later(self) -> "Later":
        """The services that a start does not wait for, made now if they are not yet."""
        with self._lock:
            if self._later is None:
                self._later = self._make_later()
            return self._later

    def stop(self) -> None:
        """End what works in the background, and fold what is pending once more."""
        with self._lock:
            later = self._later
        if later is not None:
            later.stop()
        self.folder.stop()
        if later is not None:
            later.live.stop()

    @property
    def cataloguer(self) -> "Cataloguer":
        """One of `later`."""
        return self.later().cataloguer

    @property
    def live(self) -> "LiveRecord":
        """One of `later`."""
        return self.later().live

    @property
    def recommender(self) -> "Recommender":
        """One of `later`."""
        return self.later().recommender

    @property
    def finder(self) -> "Finder":
        """One of `later`."""
        return self.later().finder

    @property
    def comparer(self) -> "Comparer":
        """One of `later`."""
        return self.later().comparer

    @property
    def experimenter(self) -> "Experimenter":
        """One of `later`."""
        return self.later().experimenter

    @property
    def code_suggester(self) -> "CodeSuggester":
        """One of `later`."""
        return self.later().code_suggester

    @property
    def run_recorder(self) -> "RunRecorder":
        """One of `later`."""
        return self.later().run_recorder

    @property
    def run_reporter(self) -> "RunReporter":
        """One of `later`."""
        return self.later().run_reporter
