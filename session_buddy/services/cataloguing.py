"""Knowing which skills are installed, used or not, and what kind of skill each is."""

import re
import threading
from collections.abc import Sequence

from session_buddy.analytics.taxonomy import CATEGORIES
from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.answers_findings import SkillKind
from session_buddy.models.events import CatalogueEvent, CategorisedEvent
from session_buddy.models.ids import time_ordered_id
from session_buddy.models.problems import shown
from session_buddy.models.protocols import CatalogueScanner, Clock, Journal
from session_buddy.models.vocabulary import Modality
from session_buddy.services.kinds import kind_of
from session_buddy.services.near_names import known_names
from session_buddy.services.record import Record

_CATEGORY = re.compile(r"[^\W_](?:[\w -]{0,39})")
_Key = tuple[str, str, str]


class Cataloguer:
    """Journals what changed among the installed skills. Thread-safe."""

    def __init__(self, record: Record, journal: Journal, scan: CatalogueScanner, clock: Clock) -> None:
        """record must be over an open storage."""
        self._record = record
        self._journal = journal
        self._scan = scan
        self._clock = clock
        self._lock = threading.Lock()

    def look(self, project: str | None = None) -> int:
        """Compare what is installed for the user, and in a project if given, with the record.

        Returns how many skills appeared, changed or went.
        """
        with self._lock:
            self._record.catch_up()
            known = {
                _key(event): event
                for event in self._record.storage.catalogue_events()
                if event.scope != "project" or event.project == project
            }
            found = {_key(event): event for event in self._scan(project)}
            changes = [
                event for key, event in found.items() if key not in known or _differs(event, known[key])
            ]
            changes += [
                self._removed(event)
                for key, event in known.items()
                if key not in found and event.kind == "skill_installed"
            ]
            self._journal.append(self._dated(changes))
        return len(changes)

    def kind(self, skill_name: str) -> SkillKind:
        """What kind of skill one is, and who says so.

        Raises:
            NotFound: the skill is neither installed nor was it ever used.
        """
        self._record.catch_up()
        findings = self._record.storage.findings
        described = findings.descriptions()
        if skill_name not in described:
            told = known_names(skill_name, list(described), "Nothing has been recorded yet.")
            raise NotFound(f"No skill {shown(skill_name)} is installed or in the record. {told}")
        kind = kind_of(findings, skill_name, described[skill_name])
        own = {placed.value for placed in findings.categories() if placed.assigned_by == "user"}
        return SkillKind(
            skill_name=skill_name,
            category=kind.category.value if kind.category else None,
            category_by=kind.category.assigned_by if kind.category else None,
            modality=kind.modality.value if kind.modality else None,
            modality_by=kind.modality.assigned_by if kind.modality else None,
            categories=[*CATEGORIES, *sorted(own - set(CATEGORIES))],
        )

    def categorise(self, skill_name: str, category: str | None, modality: Modality | None) -> SkillKind:
        """Take the user's word for a skill's category, modality or both; it holds until the next.

        Raises:
            InvalidInput: a category that is no name.
            NotFound: the skill is neither installed nor was it ever used.
        """
        before = self.kind(skill_name)
        if category is not None:
            category = " ".join(category.lower().split())
            if not _CATEGORY.fullmatch(category):
                raise InvalidInput(
                    f"category: {shown(category)} is no name; give up to 40 letters, digits, spaces and -, "
                    f"or one of: {', '.join(before.categories)}."
                )
        event = CategorisedEvent(
            id=time_ordered_id(),
            occurred_at=self._clock(),
            kind="skill_categorised",
            skill_name=skill_name,
            category=category,
            modality=modality,
        )
        self._journal.append([event])
        return self.kind(skill_name)

    def _removed(self, event: CatalogueEvent) -> CatalogueEvent:
        return event.model_copy(update={"kind": "skill_removed"})

    def _dated(self, changes: Sequence[CatalogueEvent]) -> list[CatalogueEvent]:
        """Each change is an event of its own, so that a skill that comes back is seen to come back."""
        now = self._clock()
        return [event.model_copy(update={"id": time_ordered_id(), "occurred_at": now}) for event in changes]


def _key(event: CatalogueEvent) -> _Key:
    return (event.skill_name, event.scope, event.project or "")


def _differs(found: CatalogueEvent, known: CatalogueEvent) -> bool:
    return (found.kind, found.description) != (known.kind, known.description)
