"""Values as short text: the same words in tables and sentences, readable without colour."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from session_buddy.analytics.intervals import wilson

if TYPE_CHECKING:  # pydantic takes longer to import than a whole command that prints JSON
    from session_buddy.models.answers import Durations, Rate

NOTHING = "-"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Text from a record without characters that would steer the terminal; a marker shows where one was."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def rate(value: Rate | None) -> str:
    """A proportion with its interval: `83 % (71-91)`."""
    if value is None:
        return NOTHING
    return f"{_percent(value.value)} % ({_percent(value.lower)}-{_percent(value.upper)})"


def share(successes: int, trials: int) -> str:
    """The same from counts."""
    if not trials:
        return NOTHING
    lower, upper = wilson(successes, trials)
    return f"{_percent(successes / trials)} % ({_percent(lower)}-{_percent(upper)})"


def _percent(ratio: float) -> str:
    """Whole percent; 100 and 0 only where it is exactly so."""
    if 0.995 <= ratio < 1:
        return "99"
    if 0 < ratio < 0.005:
        return "1"
    return f"{ratio * 100:.0f}"


def seconds(value: float | None) -> str:
    """A duration in at most six characters: `4.2 s`, `38 s`, `12 min`, `3.5 h`, `4 d`."""
    if value is None:
        return NOTHING
    if value < 9.95:
        return f"{value:.1f} s"
    if value < 99.5:
        return f"{value:.0f} s"
    if value < 5970:
        return f"{value / 60:.0f} min"
    if value < 99 * 3600:
        return f"{value / 3600:.1f} h"
    return f"{value / 86400:.0f} d"


def percentile(duration: Durations | None, which: str) -> str:
    """`p50` or `p95` of durations; `~` marks one that is not exact."""
    if duration is None:
        return NOTHING
    value = duration.p50_seconds if which == "p50" else duration.p95_seconds
    return ("~" if duration.relative_error > 0.02 else "") + seconds(value)


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago: `just now`, `12 min ago`, `3 h ago`, `5 d ago`, else the date."""
    if moment is None:
        return "never"
    past = ((now or datetime.now(UTC)) - moment).total_seconds()
    if past < -60:
        return when(moment)
    for limit, unit, name in ((60, 1, ""), (3600, 60, "min"), (86400, 3600, "h"), (30 * 86400, 86400, "d")):
        if past < limit:
            return f"{int(past / unit)} {name} ago" if name else "just now"
    return f"{moment.astimezone():%Y-%m-%d}"


def when(moment: datetime | None) -> str:
    """A local time to the minute: `2026-03-01 14:05`."""
    return NOTHING if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


def size(octets: int) -> str:
    """Bytes: `512 B`, `1.4 MB`."""
    value = float(octets)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 99.5 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 skill`, `3,204 skills`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def rows_of(counts: Mapping[str, int]) -> str:
    """What the record holds, by its tables: `4 events, 4 invocations, 2 skills, 2 sessions`."""
    names = {
        "skill_event": "event",
        "skill_invocation": "invocation",
        "skill_metrics": "skill",
        "sessions": "session",
    }
    return ", ".join(count(number, names.get(table, table)) for table, number in counts.items())
