"""What of a home goes to a team's store: the sessions of projects that were opted in, and nothing else."""

import os
from collections.abc import Callable, Iterable, Sequence

from session_buddy.models.events import (
    AnomalyEvent,
    CatalogueEvent,
    ExperimentCreated,
    ExperimentEnded,
    ForgottenEvent,
    JournalEvent,
    StrategyEvent,
)

SharedSessions = Callable[[Sequence[str]], Iterable[str]]
"""Those of some sessions of which the team's store knows already."""


class Sharing:
    """The choice of one home."""

    def __init__(self, folders: Sequence[str], *, everything: bool = False) -> None:
        """folders: of projects that are shared, what lies below them included."""
        self._folders = tuple(folder.rstrip("/") for folder in folders)
        self._everything = everything

    @classmethod
    def of(cls, setting: str) -> "Sharing":
        """From the setting `team_projects`."""
        names = [name.strip() for name in setting.split(os.pathsep) if name.strip()]
        return cls([name for name in names if name != "*"], everything="*" in names)

    @property
    def nothing(self) -> bool:
        """Whether no project was opted in."""
        return not self._everything and not self._folders

    def keep(self, events: Sequence[JournalEvent], known: SharedSessions) -> list[JournalEvent]:
        """The events that are shared: of a shared project, or of one of its sessions."""
        if self._everything:
            return list(events)
        shared = {_session(event) for event in events if self._is_shared(_project(event))}
        unknown = {_session(event) for event in events if _project(event) is None} - shared - {None}
        shared |= set(known(sorted(name for name in unknown if name is not None)))
        return [event for event in events if self._keeps(event, shared)]

    def _keeps(self, event: JournalEvent, shared: set[str | None]) -> bool:
        project, session = _project(event), _session(event)
        if project is not None:
            return self._is_shared(project)
        if session is not None:
            return session in shared
        # Anomalies come from what is shared. A skill of the user's own, in no project, is nobody's business.
        of_team = ForgottenEvent | AnomalyEvent | ExperimentCreated | ExperimentEnded | StrategyEvent
        return isinstance(event, of_team)

    def _is_shared(self, project: str | None) -> bool:
        return project is not None and any(
            project == folder or project.startswith(f"{folder}/") for folder in self._folders
        )


def _project(event: JournalEvent) -> str | None:
    project: str | None = getattr(event, "project", None)
    return project or None


def _session(event: JournalEvent) -> str | None:
    if isinstance(event, CatalogueEvent):
        return None
    session: str | None = getattr(event, "session_id", None)
    return session
