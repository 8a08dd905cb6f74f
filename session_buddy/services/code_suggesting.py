"""Suggesting skills for the place in the code where an editor's user is."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from session_buddy.analytics.code_signals import CodeSignals, signals_of
from session_buddy.analytics.fixing import Mended, mended_before
from session_buddy.analytics.success.uses import Use
from session_buddy.analytics.suggesting.context import Context
from session_buddy.models.ide import CodeSuggestions, IDEContext, IDESuggestion
from session_buddy.models.protocols import Clock
from session_buddy.models.runs import Fix, GateEvent, OpenFailure, StageEvent, phase_of_gate
from session_buddy.models.values import Caller
from session_buddy.models.vocabulary import WorkflowPhase
from session_buddy.services.learned import Learned
from session_buddy.services.learning import Learning
from session_buddy.services.record import Record

DEFAULT_SHORTCUT: Final = "ctrl+alt+{n}"
KNOWN_SECONDS: Final = 30.0
_LOAD_SECONDS: Final = 10.0
_KEYS: Final = 9
_TEXT_SHARE, _USED_SHARE, _NEXT_SHARE = 0.55, 0.25, 0.2
_USED_OFTEN: Final = 5.0
_FIXER_FLOOR: Final = 0.6
_LEAST: Final = 0.05


@dataclass(frozen=True, slots=True)
class _Known:
    """What changes seldom: read from the record again after a run of a gate, and now and then."""

    fixes: Sequence[Fix] = ()
    failures: Sequence[OpenFailure] = ()
    descriptions: Mapping[str, str] | None = None
    read_at: float = float("-inf")


@dataclass(frozen=True, slots=True)
class _Found:
    skill_name: str
    confidence: float
    reason: str
    phase: WorkflowPhase


class CodeSuggester:
    """Ranks skills by what the code calls for, what worked here, and what fixed an open failure."""

    def __init__(
        self, record: Record, learning: Learning, clock: Clock, user_id: str, shortcuts: str = ""
    ) -> None:
        """shortcuts: `skill=keys` separated by commas; without a skill the pattern, {n} for the place."""
        self._record = record
        self._learning = learning
        self._clock = clock
        self._user_id = user_id
        self._pattern, self._keys = _shortcuts(shortcuts)
        self._lock = threading.Lock()
        self._known = _Known()
        self._stale = True
        record.listen_to_runs(self._ran)

    def suggest(self, place: IDEContext, limit: int, caller: Caller) -> CodeSuggestions:
        """Skills for a place in the code, the best first; a sentence where there is nothing to go by."""
        signals = signals_of(place.file_path, place.selected_code, place.language)
        complete = self._learning.loaded(_LOAD_SECONDS)
        known = self._read()
        with self._learning.current() as learned:
            project = _project(place, caller, learned.blend.projects())
            found = self._ranked(learned, known, signals, project, limit)
            suggestions = [
                self._suggestion(learned, known, one, number) for number, one in enumerate(found, 1)
            ]
        return CodeSuggestions(
            suggestions=suggestions,
            language=signals.language,
            signals=list(signals.names),
            message=_message(signals, suggestions, complete=complete),
        )

    def _ran(self, event: StageEvent | GateEvent) -> None:
        if isinstance(event, GateEvent):
            self._stale = True

    def _read(self) -> _Known:
        """What is known of gates and descriptions, every acknowledged run included."""
        self._record.refresh()
        with self._lock:
            now = time.monotonic()
            if self._stale:  # of descriptions nobody waits for the latest
                self._stale = False
                self._record.catch_up()
                self._known = _Known()
            if now - self._known.read_at > KNOWN_SECONDS:
                storage = self._record.storage
                described = {entry.skill_name: entry.description for entry in storage.catalogue()}
                self._known = _Known(storage.runs.fixes(), storage.runs.open_failures(), described, now)
            return self._known

    def _ranked(
        self, learned: Learned, known: _Known, signals: CodeSignals, project: str | None, limit: int
    ) -> list[_Found]:
        """A rough order of all skills first; how likely they are to complete is asked of the best alone."""
        fixers = _fixers(known, project)
        context = Context(project=project, user=self._user_id, query=" ".join(signals.words))
        relevance = learned.blend.text.relevance(context.query or "")
        rough = []
        for scored in learned.blend.rank(context):
            name = scored.skill_name
            if name not in fixers and learned.worth_suggesting(name):
                uses = learned.blend.uses_in(project, name)
                used = uses / (uses + _USED_OFTEN)
                fit = _TEXT_SHARE * relevance.get(name, 0.0) + _USED_SHARE * used + _NEXT_SHARE * scored.score
                if fit >= _LEAST:
                    rough.append((fit, name))
        rough.sort(key=lambda one: (-one[0], one[1]))
        found = [
            self._weighed(learned, name, context, fit, signals.phase) for fit, name in rough[: 2 * limit]
        ]
        found += [_fixer(mended, failure) for mended, failure in fixers.values()]
        return sorted(found, key=lambda one: (-one.confidence, one.skill_name))[:limit]

    def _weighed(
        self, learned: Learned, name: str, context: Context, fit: float, phase: WorkflowPhase
    ) -> _Found:
        support = learned.blend.support(context, name)
        if learned.decided(name):
            use = Use(name, self._clock().timestamp(), "", self._user_id, context.project or "", phase)
            fit *= 0.5 + 0.5 * learned.success.predict(use).probability
        reasons = []
        if support.matched_words:
            reasons.append(f"fits {', '.join(support.matched_words[:3])}")
        if support.project_uses:
            times = "once" if support.project_uses == 1 else f"{support.project_uses} times"
            reasons.append(f"used {times} in this project")
        return _Found(name, min(1.0, fit), "; ".join(reasons) or "used elsewhere", phase)

    def _suggestion(self, learned: Learned, known: _Known, found: _Found, number: int) -> IDESuggestion:
        own = (known.descriptions or {}).get(found.skill_name, "")
        keys = self._keys.get(found.skill_name)
        if keys is None and number <= _KEYS:
            keys = self._pattern.replace("{n}", str(number))
        return IDESuggestion(
            skill_name=found.skill_name,
            description=f"{found.reason}. {own}".strip()[:500],
            confidence=round(found.confidence, 4),
            shortcut=keys or None,
            estimated_duration_seconds=learned.expected_seconds(found.skill_name),
            workflow_phase=found.phase,
        )


def _shortcuts(text: str) -> tuple[str, dict[str, str]]:
    pattern, keys = DEFAULT_SHORTCUT, {}
    for entry in text.split(","):
        name, given, value = (part.strip() for part in entry.rpartition("="))
        if given:
            keys[name] = value
        elif value:
            pattern = value
    return pattern, keys


def _project(place: IDEContext, caller: Caller, known: Sequence[str]) -> str | None:
    """The project's folder: the deepest that holds the file, else one of that name, else the caller's."""
    path = place.file_path.replace("\\", "/")
    folders = [*known, *([caller.project] if caller.project else [])]
    holding = [folder for folder in folders if path.startswith(folder.replace("\\", "/").rstrip("/") + "/")]
    if holding:
        return max(holding, key=len)
    if place.project_name:
        named = place.project_name
        same = [
            folder for folder in folders if named in (folder, folder.replace("\\", "/").rpartition("/")[2])
        ]
        return same[0] if same else named
    return caller.project


def _fixers(known: _Known, project: str | None) -> dict[str, tuple[Mended, OpenFailure]]:
    """Skills that fixed before what fails now in this project."""
    found: dict[str, tuple[Mended, OpenFailure]] = {}
    for failure in known.failures:
        if failure.project in (project, None):
            for mended in mended_before(known.fixes, failure.phase, failure.failed_checks, 3):
                found.setdefault(mended.skill_name, (mended, failure))
    return found


def _fixer(mended: Mended, failure: OpenFailure) -> _Found:
    what = mended.check_name or failure.phase
    return _Found(
        mended.skill_name,
        min(1.0, _FIXER_FLOOR + (1.0 - _FIXER_FLOOR) * mended.sure_rate),
        f"{what} fails now, and this fixed it {mended.fixed_count} of {mended.tried_count} times",
        phase_of_gate(failure.phase),
    )


def _message(signals: CodeSignals, found: Sequence[IDESuggestion], *, complete: bool) -> str:
    parts = []
    if signals.binary:
        parts.append("This is no text, so only the file's name and the project count.")
    elif signals.cut:
        parts.append("Of this long selection the beginning and the end were looked at.")
    if not complete:
        parts.append("The record is still being read; ask again in a moment.")
    if not found:
        parts.append("No skill fits: none is installed, or none was used here or says anything of such code.")
    return " ".join(parts) or f"{len(found)} of the known skills fit."
