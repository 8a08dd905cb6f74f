"""What one use adds to the totals now, less what it added before."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from session_buddy.live.sketch import bucket_of
from session_buddy.models.answers import Invocation

_COUNTED = ("completed", "failed", "abandoned")


def difference(before: Invocation | None, after: Invocation | None) -> dict[str, Any]:
    """What a use adds to each total of its skill now, less what it added before."""
    counts = _counts(after)
    counts.subtract(_counts(before))
    return {
        **counts,
        "duration_now": (after.duration_seconds if after else None) or 0.0,
        "duration_before": (before.duration_seconds if before else None) or 0.0,
    }


def _counts(known: Invocation | None) -> Counter[str]:
    counts = Counter(
        {
            "invocation_count": int(known is not None),
            "reported_count": int(known is not None and known.outcome_source == "reported"),
            "inferred_count": int(known is not None and known.outcome_source == "inferred"),
            "duration_count": int(known is not None and known.duration_seconds is not None),
            "rating_count": int(known is not None and known.rating is not None),
            "rating_sum": (known.rating if known else None) or 0,
        }
    )
    for outcome in _COUNTED:
        counts[f"{outcome}_count"] = int(known is not None and known.outcome == outcome)
    return counts


def tallies_of(known: Invocation | None) -> Iterator[tuple[str, str, str]]:
    """(skill, dimension, value) of each tally that counts a use."""
    if known is None:
        return
    yield known.skill_name, "workflow_phase", known.workflow_phase
    if known.duration_seconds is not None:
        yield known.skill_name, "duration_bucket", str(bucket_of(known.duration_seconds))
    if known.error_type is not None:
        yield known.skill_name, "error_type", known.error_type
