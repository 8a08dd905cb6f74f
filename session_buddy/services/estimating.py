"""How a strategy would have done where others suggested: judged from the log, before it is tried."""

from collections.abc import Iterator, Sequence
from typing import Final

from session_buddy.analytics.experiments.off_policy import Logged, judged
from session_buddy.analytics.suggesting.context import Context
from session_buddy.models.answers_experiments import PolicyEstimate
from session_buddy.models.experiments import Shown
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.values import PastUse
from session_buddy.services.learned import USES_LEARNED, Learned

SUGGESTIONS_JUDGED: Final = 5_000


def estimate(strategy: str, storage: SkillsStorageProtocol, user_id: str) -> PolicyEstimate:
    """What share of its first skills would have been used next, with an interval that says how sure that is.

    The record is gone through in order of time: at each logged suggestion the strategy knows what was known
    then. What a user asked in words is not kept, so a strategy that goes by words is judged without them.
    user_id: whose uses are those that name no user.
    """
    uses = storage.past_uses(USES_LEARNED)
    logged = storage.experiments.shown(SUGGESTIONS_JUDGED)
    described = {entry.skill_name: entry.description for entry in storage.catalogue()}
    found = judged(_replayed(strategy, uses, logged, Learned(described, user_id, strategy)))
    if found is None:
        return PolicyEstimate(
            strategy=strategy,
            value=None,
            lower=None,
            upper=None,
            logged_value=None,
            suggestion_count=len(logged),
            message=f"No estimate for {strategy}: too few suggestions were made so far.",
        )
    return PolicyEstimate(
        strategy=strategy,
        value=found.mean,
        lower=found.lower,
        upper=found.upper,
        logged_value=found.logged_mean,
        suggestion_count=found.suggestions,
        message=f"{strategy}, by the share of first suggestions that are used next: {found.in_words}",
    )


def _replayed(
    strategy: str, uses: Sequence[PastUse], logged: Sequence[Shown], learned: Learned
) -> Iterator[Logged]:
    """Each suggestion with what the strategy would have put first, knowing the uses before it."""
    projects: dict[str, str | None] = {}
    waiting = iter(uses)
    use = next(waiting, None)
    for shown in logged:
        while use is not None and use.invoked_at < shown.suggested_at:
            learned.take(use)
            projects[use.session_id] = use.project
            use = next(waiting, None)
        context = Context(
            history=learned.history(shown.session_id) or (),
            project=projects.get(shown.session_id),
            user=shown.user_id or "",
        )
        ranking = learned.strategies[strategy].rank(context)
        first = next((one.skill_name for one in ranking if learned.worth_suggesting(one.skill_name)), None)
        yield Logged(
            shown.session_id,
            shown.possible[0],
            shown.possible,
            shown.propensity,
            float(shown.used == shown.possible[0]),
            {} if first is None else {first: 1.0},
        )
