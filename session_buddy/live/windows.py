"""Figures over the invocations that began in the last hour and the last day, moved one by one.

An invocation lies in a window while `invoked_at >= now - length`, as in SQL. Two heaps, ordered by
`invoked_at`, say what leaves each window next, so moving time on costs only what leaves.
"""

from collections import Counter
from collections.abc import Iterable
from heapq import heappop, heappush, nsmallest
from typing import Final, NamedTuple
from uuid import UUID

from session_buddy.live.tallies import Figures, Tally, Use, figures, quantile

HOUR: Final = 0
DAY: Final = 1
WINDOW_HOURS: Final = (1, 24)
"""The windows; an index into this is what the methods below call `window`."""
SERIES_SECONDS: Final = 300
"""Width of one step of a skill's series."""
P95_FROM: Final = 20
"""Durations from which on a p95 is told by itself: that of fewer is their slowest."""
_LENGTHS: Final = tuple(hours * 3_600_000_000 for hours in WINDOW_HOURS)
_STEP: Final = SERIES_SECONDS * 1_000_000


class Step(NamedTuple):
    """One step of a series: when it begins (microseconds, UTC), and what began in it."""

    began_at: int
    invocation_count: int
    completed_count: int
    failed_count: int


class _Entry:
    """One invocation of the last day."""

    __slots__ = ("live", "use", "within")

    def __init__(self, use: Use) -> None:
        self.use = use
        self.within = [False, False]
        self.live = True


class _Skill:
    """One skill that was used in the last day."""

    __slots__ = ("last_at", "last_is_known", "name", "steps", "tallies", "version")

    def __init__(self, name: str) -> None:
        self.name = name
        self.tallies = (Tally(), Tally())
        self.steps: dict[int, list[int]] = {}
        self.last_at = 0
        self.last_is_known = True
        self.version = 0


class Windows:
    """The invocations of the last day. Not thread-safe."""

    def __init__(self) -> None:
        self.now = 0
        """The latest time that was given, in microseconds since 1970, UTC; it never goes back."""
        self.version = 0
        """Goes up with every change of any figure."""
        self._entries: dict[UUID, _Entry] = {}
        self._skills: dict[str, _Skill] = {}
        self._who: tuple[Counter[str], ...] = (Counter(), Counter(), Counter())
        self._leaving: tuple[list[tuple[int, int, _Entry, UUID]], ...] = ([], [])
        self._sequence = 0
        self._tops: tuple[dict[int, list[str]], ...] = ({}, {})

    def __len__(self) -> int:
        """Invocations of the last day."""
        return len(self._entries)

    def __contains__(self, invocation_id: UUID) -> bool:
        """Whether an invocation is in the last day."""
        return invocation_id in self._entries

    def known(self, invocation_id: UUID) -> Use | None:
        """What is known of an invocation of the last day, None if it is not there."""
        entry = self._entries.get(invocation_id)
        return None if entry is None else entry.use

    def uses(self) -> list[tuple[UUID, Use]]:
        """Every invocation of the last day."""
        return [(invocation_id, entry.use) for invocation_id, entry in self._entries.items()]

    def advance(self, now: int) -> None:
        """Let go of what is too old at `now` (microseconds since 1970)."""
        if now <= self.now:
            return
        self.now = now
        for window, leaving in enumerate(self._leaving):
            bound = now - _LENGTHS[window]
            while leaving and leaving[0][0] < bound:
                _, _, entry, invocation_id = heappop(leaving)
                if entry.live and entry.within[window]:
                    self._leave(entry, window)
                    if window == DAY:
                        self._drop(entry, invocation_id)

    def put(self, invocation_id: UUID, use: Use | None) -> None:
        """Set what is known of an invocation; None takes it out."""
        old = self._entries.get(invocation_id)
        if old is not None:
            self._take_out(old, invocation_id)
        if use is None or use.at < self.now - _LENGTHS[DAY]:
            return
        entry = _Entry(use)
        self._entries[invocation_id] = entry
        skill = self._skills.get(use.skill_name)
        if skill is None:
            skill = self._skills[use.skill_name] = _Skill(use.skill_name)
        if use.at >= skill.last_at:
            skill.last_at, skill.last_is_known = use.at, True
        self._count_step(skill, use, 1)
        self._count_who(use, 1)
        self._sequence += 1
        for window, length in enumerate(_LENGTHS):
            if use.at >= self.now - length:
                entry.within[window] = True
                skill.tallies[window].move(use, 1)
                heappush(self._leaving[window], (use.at, self._sequence, entry, invocation_id))
                self._changed(skill, window)

    def skills(self, window: int) -> int:
        """How many skills were used in a window."""
        return sum(1 for skill in self._skills.values() if skill.tallies[window].count)

    def names(self) -> list[str]:
        """The skills that were used in the last day."""
        return list(self._skills)

    def projects(self, limit: int) -> list[str]:
        """The projects with a use in the last day: by invocations, then by name."""
        return _most_used(self._who[0], limit)

    def agents(self, limit: int) -> list[str]:
        """The agents with a use in the last day, in the same order."""
        return _most_used(self._who[1], limit)

    def users(self, limit: int) -> list[str]:
        """The users with a use in the last day, in the same order."""
        return _most_used(self._who[2], limit)

    def version_of(self, skill_name: str) -> int:
        """Goes up with every change of a skill's figures; 0 if it was not used in the last day."""
        skill = self._skills.get(skill_name)
        return 0 if skill is None else skill.version

    def top(self, window: int, limit: int) -> list[str]:
        """The most used skills of a window: by invocations, then by name."""
        names = self._tops[window].get(limit)
        if names is None:
            used = [skill for skill in self._skills.values() if skill.tallies[window].count]
            first = nsmallest(limit, used, key=lambda skill: (-skill.tallies[window].count, skill.name))
            names = self._tops[window][limit] = [skill.name for skill in first]
        return names

    def figures(self, window: int, skill_name: str) -> Figures | None:
        """One skill in a window; None if it was not used in it."""
        skill = self._skills.get(skill_name)
        if skill is None or not skill.tallies[window].count:
            return None
        return figures(skill_name, skill.tallies[window], self._last_at(skill))

    def together(self, window: int) -> Figures | None:
        """All skills as one, named ""; None if nothing was used in the window."""
        used = [skill for skill in self._skills.values() if skill.tallies[window].count]
        if not used:
            return None
        whole = Tally()
        for tally in (skill.tallies[window] for skill in used):
            whole.count += tally.count
            whole.completed += tally.completed
            whole.decided += tally.decided
            whole.nanoseconds += tally.nanoseconds
            whole.durations.extend(tally.durations)
        whole.durations.sort()
        return figures("", whole, max(self._last_at(skill) for skill in used))

    def ratios(self, skill_names: Iterable[str]) -> dict[str, float]:
        """Completion ratio 0..1 of those of the skills that have a decided invocation in the last day."""
        skills = (self._skills.get(name) for name in skill_names)
        tallies = ((skill.name, skill.tallies[DAY]) for skill in skills if skill is not None)
        return {name: tally.completed / tally.decided for name, tally in tallies if tally.decided}

    def p95_durations(self, skill_names: Iterable[str]) -> dict[str, float]:
        """Seconds, of those of the skills that have `P95_FROM` durations or more in the last day."""
        skills = (self._skills.get(name) for name in skill_names)
        ordered = ((skill.name, skill.tallies[DAY].durations) for skill in skills if skill is not None)
        p95s = {name: quantile(durations, 0.95) for name, durations in ordered if len(durations) >= P95_FROM}
        return {name: seconds for name, seconds in p95s.items() if seconds is not None}

    def series(self, skill_names: Iterable[str] | None) -> list[Step]:
        """The steps of the last day in which something began, oldest first: of some skills, or of all."""
        names = self._skills if skill_names is None else skill_names
        sums: dict[int, list[int]] = {}
        for name in names:
            skill = self._skills.get(name)
            for step, counts in (skill.steps if skill else {}).items():
                known = sums.setdefault(step, [0, 0, 0])
                for place, count in enumerate(counts):
                    known[place] += count
        return [Step(step * _STEP, *sums[step]) for step in sorted(sums)]

    def _take_out(self, entry: _Entry, invocation_id: UUID) -> None:
        for window in (HOUR, DAY):
            if entry.within[window]:
                self._leave(entry, window)
        self._drop(entry, invocation_id)

    def _leave(self, entry: _Entry, window: int) -> None:
        entry.within[window] = False
        skill = self._skills[entry.use.skill_name]
        skill.tallies[window].move(entry.use, -1)
        self._changed(skill, window)

    def _drop(self, entry: _Entry, invocation_id: UUID) -> None:
        entry.live = False
        del self._entries[invocation_id]
        skill = self._skills[entry.use.skill_name]
        self._count_step(skill, entry.use, -1)
        self._count_who(entry.use, -1)
        if entry.use.at == skill.last_at:
            skill.last_is_known = False
        if not skill.tallies[DAY].count:
            del self._skills[entry.use.skill_name]

    def _changed(self, skill: _Skill, window: int) -> None:
        self.version += 1
        skill.version = self.version
        self._tops[window].clear()

    def _last_at(self, skill: _Skill) -> int:
        """When the skill was last used; looked up among all only after its last use was taken out."""
        if not skill.last_is_known:
            uses = (entry.use for entry in self._entries.values())
            latest = max(use.at for use in uses if use.skill_name == skill.name)
            skill.last_at, skill.last_is_known = latest, True
        return skill.last_at

    def _count_who(self, use: Use, sign: int) -> None:
        for counts, name in zip(self._who, (use.project, use.agent, use.user_id), strict=True):
            if name is not None:
                counts[name] += sign
                if not counts[name]:
                    del counts[name]

    @staticmethod
    def _count_step(skill: _Skill, use: Use, sign: int) -> None:
        step = use.at // _STEP
        counts = skill.steps.setdefault(step, [0, 0, 0])
        counts[0] += sign
        counts[1] += sign * (use.outcome == "completed")
        counts[2] += sign * (use.outcome == "failed")
        if not counts[0]:
            del skill.steps[step]


def _most_used(counts: Counter[str], limit: int) -> list[str]:
    return [name for name, _ in nsmallest(limit, counts.items(), key=lambda item: (-item[1], item[0]))]
