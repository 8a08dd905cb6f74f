"""Which skills mended a failure before."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from session_buddy.analytics.intervals import wilson
from session_buddy.models.runs import Fix, GatePhase


class Mended(NamedTuple):
    """A skill and what it mended. check_name: the check, "" where it is only the phase as a whole."""

    skill_name: str
    check_name: str
    tried_count: int
    fixed_count: int

    @property
    def sure_rate(self) -> float:
        """Lower bound of the 95 % interval of how often it mends such a failure."""
        return wilson(self.fixed_count, self.tried_count)[0]


def mended_before(
    fixes: Sequence[Fix], phase: GatePhase, failed_checks: Collection[str], limit: int
) -> list[Mended]:
    """Skills after which this phase's failure was gone, those of the same checks first, each once.

    Within them by the lower bound of the rate, so that one lucky time does not stand before nine of ten.

    >>> tried = [("a", "pray", 9, 1), ("a", "mend", 9, 8), ("", "wait", 9, 9)]
    >>> fixes = [Fix("tests", *found) for found in tried]
    >>> [found.skill_name for found in mended_before(fixes, "tests", ["a"], 5)]
    ['mend', 'pray', 'wait']
    """
    fitting = [
        Mended(fix.skill_name, fix.check_name, fix.tried_count, fix.fixed_count)
        for fix in fixes
        if fix.phase == phase and fix.fixed_count and (not fix.check_name or fix.check_name in failed_checks)
    ]
    fitting.sort(
        key=lambda found: (not found.check_name, -found.sure_rate, found.skill_name, found.check_name)
    )
    once: dict[str, Mended] = {}
    for found in fitting:
        once.setdefault(found.skill_name, found)
    return list(once.values())[:limit]
