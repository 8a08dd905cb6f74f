"""Whose uses figures are of: everybody's, or those of one project, agent or user that somebody looks at.

The figures of all uses are always kept up. Those of a selection are made when they are first asked for,
from the uses in the windows, and kept up from then on with the rest, until others are asked for instead.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, NamedTuple, Self
from uuid import UUID

from session_buddy.live.frames import SelectedFigures, SkillRow, WindowFigures
from session_buddy.live.moments import moment_of
from session_buddy.live.requests import GetMetrics, Subscribe, WindowHours
from session_buddy.live.tallies import Use
from session_buddy.live.windows import HOUR, Windows
from session_buddy.models.answers import Invocation

SELECTIONS_KEPT: Final = 32
_ROWS_KEPT: Final = 4096
_CHUNK: Final = 50


class Selection(NamedTuple):
    """Which uses count: those in a folder, by an agent, of a user (as hashed in exports); None is any."""

    project: str | None = None
    agent: str | None = None
    user_id: str | None = None

    @classmethod
    def asked(cls, request: Subscribe | GetMetrics) -> Self:
        """What a client asked for."""
        return cls(request.project, request.agent, request.user_id)

    def holds(self, use: Use | Invocation) -> bool:
        """Whether a use counts."""
        return (
            (self.project is None or use.project == self.project)
            and (self.agent is None or use.agent == self.agent)
            and (self.user_id is None or use.user_id == self.user_id)
        )

    @property
    def named(self) -> SelectedFigures:
        """The selection as the feed says it."""
        return SelectedFigures(project=self.project, agent=self.agent, user_id=self.user_id)


EVERYTHING: Final = Selection()


class Subscribed(NamedTuple):
    """What the updates of a subscriber hold. skills: those named, or the most used ones (None)."""

    skills: frozenset[str] | None = None
    window: int = HOUR
    selection: Selection = EVERYTHING


class Selected:
    """The windows over the uses of one selection, and their rows as the feed sends them."""

    def __init__(self, now: int = 0) -> None:
        """now: microseconds since 1970, UTC."""
        self.windows = Windows()
        self.windows.advance(now)
        self._rows: dict[tuple[int, str], tuple[int, str]] = {}

    def row(self, window: int, skill_name: str) -> str | None:
        """An encoded `SkillRow`, kept until the skill's figures change; None if it was not used."""
        version = self.windows.version_of(skill_name)
        kept = self._rows.get((window, skill_name))
        if kept is not None and kept[0] == version and version:
            return kept[1]
        figures = self.windows.figures(window, skill_name)
        if figures is None:
            self._rows.pop((window, skill_name), None)
            return None
        row = SkillRow(
            skill_name=skill_name,
            invocation_count=figures.invocation_count,
            completed_count=figures.completed_count,
            decided_count=figures.decided_count,
            completion_rate=figures.completion_rate,
            avg_duration=figures.avg_duration,
            p95_duration=figures.p95_duration,
            last_invocation_at=moment_of(figures.last_at),
        ).model_dump_json()
        if len(self._rows) > _ROWS_KEPT:
            self._rows.clear()
        self._rows[window, skill_name] = (version, row)
        return row

    def figures(self, window: int, skill_name: str | None) -> WindowFigures:
        """The figures of a skill in a window, or of all skills together."""
        found = self.windows.figures(window, skill_name) if skill_name else self.windows.together(window)
        return WindowFigures(
            time_window_hours=hours_of(window),
            invocation_count=found.invocation_count if found else 0,
            completed_count=found.completed_count if found else 0,
            decided_count=found.decided_count if found else 0,
            completion_rate=found.completion_rate if found else None,
            avg_duration=found.avg_duration if found else None,
            p50_duration=found.p50_duration if found else None,
            p95_duration=found.p95_duration if found else None,
        )


class Selections:
    """The windows of everything, and of the selections that were asked for lately. Not thread-safe."""

    def __init__(self) -> None:
        self.whole = Selected()
        self._parts: OrderedDict[Selection, Selected] = OrderedDict()
        self._filling: list[tuple[Selection, Selected]] = []

    def of(self, selection: Selection) -> Selected:
        """The windows of a selection; made now, if `fill` has not been called for it before."""
        if selection == EVERYTHING:
            return self.whole
        if selection not in self._parts:
            for _ in self.fill(selection):
                pass
        self._parts.move_to_end(selection)
        return self._parts[selection]

    def fill(self, selection: Selection) -> Iterator[None]:
        """Make the windows of a selection, a little with each step; anything may happen between the steps."""
        if selection == EVERYTHING or selection in self._parts:
            return
        windows = self.whole.windows
        filled = (selection, Selected(windows.now))
        self._filling.append(filled)
        uses = windows.uses()
        for start in range(0, len(uses), _CHUNK):
            for invocation_id, use in uses[start : start + _CHUNK]:
                if selection.holds(use) and windows.known(invocation_id) is use:
                    filled[1].windows.put(invocation_id, use)
            yield
        if filled in self._filling:  # not so if everything was forgotten meanwhile
            self._filling.remove(filled)
            self._parts.setdefault(selection, filled[1])
            if len(self._parts) > SELECTIONS_KEPT:
                self._parts.popitem(last=False)

    def put(self, invocation_id: UUID, use: Use | None) -> None:
        """Set what is known of an invocation; None takes it out."""
        self.whole.windows.put(invocation_id, use)
        for selection, part in (*self._parts.items(), *self._filling):
            part.windows.put(invocation_id, use if use is not None and selection.holds(use) else None)

    def advance(self, now: int) -> None:
        """Move the windows on to `now`, in microseconds since 1970, UTC."""
        self.whole.windows.advance(now)
        for _, part in (*self._parts.items(), *self._filling):
            part.windows.advance(now)

    def clear(self, now: int) -> None:
        """Forget every use, and go on from `now`, which may be before what it was."""
        self.whole = Selected(now)
        self._parts.clear()
        self._filling.clear()


def hours_of(window: int) -> WindowHours:
    """The length of a window."""
    return 1 if window == HOUR else 24
