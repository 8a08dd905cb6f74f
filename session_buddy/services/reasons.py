"""Why a skill is suggested and what a probability rests on, in words."""

from typing import Final

from session_buddy.analytics.success.scoring import Score
from session_buddy.analytics.suggesting.markov_blend import Support
from session_buddy.services.wording import number_of

FEW_USES: Final = 20
FEW_OUTCOMES: Final = 5
MOVED_UP: Final = " This time the first was moved up by lot, so that it can be judged too (`exploration`)."


def reason(support: Support) -> str:
    """What speaks for a skill, the most specific first."""
    reasons = []
    if support.matched_words:
        reasons.append(f"its name or description has {', '.join(support.matched_words[:5])}")
    if support.followed is not None:
        share = f"{support.followed.times:g} of {support.followed.seen:g} times"
        reasons.append(f"came next {share} after {' then '.join(support.after)}")
    if support.project_uses:
        reasons.append(f"used {_times(support.project_uses)} in this project")
    elif support.uses:
        reasons.append(f"used {_times(support.uses)}, not in this project")
    return "; ".join(reasons) or "installed, and not used yet"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def message(uses: int, found: int, *, asked_in_words: bool, complete: bool) -> str:
    """What to make of the suggestions, in a sentence."""
    if not found:
        return "Nothing to suggest: no skill is installed or was used, or none fits; say more in query."
    if not complete:
        return "The record is still being read, so this rests on a part of it; ask again in a moment."
    if uses == 0:
        how = "by the words of the query alone" if asked_in_words else "in no order that means anything"
        return f"No use is recorded yet, so these installed skills are listed {how}."
    if uses < FEW_USES:
        return f"Only {_times(uses)} was a skill used: the order is little more than a guess."
    return f"Learned from the latest {uses} uses; a score is a share of probability, not a verdict."


def odds_in_words(decided: int, score: Score | None) -> str:
    """What a probability rests on, in a sentence."""
    if score is None:
        return "insufficient_data: no outcome of any skill is known yet, so nothing can be said."
    if decided == 0:
        return "insufficient_data: no outcome of this skill is known; this is the rate of all skills."
    if decided < FEW_OUTCOMES:
        known = number_of(decided, "outcome")
        return f"insufficient_data: {known} known, so this leans on the rate of all skills."
    return f"From {decided} outcomes of this skill and what surrounds the use; the past is no promise."
