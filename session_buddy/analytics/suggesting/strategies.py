"""All strategies by name."""

from collections.abc import Callable, Mapping
from typing import Final

from session_buddy.analytics.suggesting.collaborative import Collaborative
from session_buddy.analytics.suggesting.context import Strategy
from session_buddy.analytics.suggesting.markov import Markov
from session_buddy.analytics.suggesting.markov_blend import MarkovBlend
from session_buddy.analytics.suggesting.popularity import Popularity
from session_buddy.analytics.suggesting.repeat_last import RepeatLast
from session_buddy.analytics.suggesting.text_match import TextMatch
from session_buddy.analytics.suggesting.workflow_aware import WorkflowAware

DEFAULT: Final = MarkovBlend.name
STRATEGIES: Final[Mapping[str, Callable[[], Strategy]]] = {
    made.name: made
    for made in (MarkovBlend, Markov, RepeatLast, Popularity, WorkflowAware, Collaborative, TextMatch)
}
"""Name -> how to make one that has learned nothing; the default first."""
