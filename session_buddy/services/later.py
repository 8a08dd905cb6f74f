"""The services that a start does not wait for: what learns from the record, finds things in it, shows it."""

from dataclasses import dataclass

from session_buddy.services.cataloguing import Cataloguer
from session_buddy.services.code_suggesting import CodeSuggester
from session_buddy.services.comparing import Comparer
from session_buddy.services.experimenting import Experimenter
from session_buddy.services.finding import Finder
from session_buddy.services.live_record import LiveRecord
from session_buddy.services.recommending import Recommender
from session_buddy.services.run_recording import RunRecorder
from session_buddy.services.run_reporting import RunReporter


@dataclass(frozen=True, slots=True)
class Later:
    """What `Services` makes when it is first needed."""

    cataloguer: Cataloguer
    live: LiveRecord
    recommender: Recommender
    finder: Finder
    comparer: Comparer
    experimenter: Experimenter
    code_suggester: CodeSuggester
    run_recorder: RunRecorder
    run_reporter: RunReporter

    def start(self, learning_delay: float) -> None:
        """Set to work what works in the background; the live figures are started by who shows them."""
        self.recommender.start(learning_delay)
        self.finder.start()
        self.experimenter.start()

    def stop(self) -> None:
        """End what still has something to say, before the last fold takes it in."""
        self.recommender.stop()
        self.experimenter.stop()
        self.finder.stop()
