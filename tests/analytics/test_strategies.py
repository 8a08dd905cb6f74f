"""Every strategy keeps the same promises, whatever it is told."""

import math
import pickle
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from session_buddy.analytics.suggesting.collaborative import Collaborative
from session_buddy.analytics.suggesting.context import Context, Strategy
from session_buddy.analytics.suggesting.markov import Markov
from session_buddy.analytics.suggesting.markov_blend import MarkovBlend
from session_buddy.analytics.suggesting.repeat_last import RepeatLast
from session_buddy.analytics.suggesting.strategies import DEFAULT, STRATEGIES
from session_buddy.analytics.suggesting.workflow_aware import WorkflowAware

EVERY = pytest.mark.parametrize("name", STRATEGIES)
SKILLS = st.sampled_from(["plan", "test", "lint", "commit", "plugin:deploy"])
PHASES = st.sampled_from([None, "unknown", "verification", "deployment"])
SITUATIONS = st.builds(
    Context,
    history=st.lists(SKILLS | st.just("never seen"), max_size=6).map(tuple),
    project=st.sampled_from([None, "/a", "/b"]),
    user=st.sampled_from([None, "u1", "u2"]),
    phase=PHASES,
    query=st.sampled_from([None, "", "run the tests", "???"]),
)
LESSONS = st.lists(st.tuples(SITUATIONS, SKILLS, st.none() | st.booleans()), max_size=25)


def taught(strategy: Strategy, skills: Sequence[str], project: str | None = None) -> Strategy:
    for place, skill in enumerate(skills):
        strategy.learn(Context(history=tuple(skills[:place]), project=project), skill)
    return strategy


def names(strategy: Strategy, context: Context) -> list[str]:
    return [candidate.skill_name for candidate in strategy.rank(context)]


@EVERY
def test_with_nothing_learned_there_is_nothing_to_rank(name: str) -> None:
    assert STRATEGIES[name]().rank(Context(query="test")) == []


@pytest.mark.slow
@EVERY
@settings(max_examples=25)
@given(lessons=LESSONS, asked=SITUATIONS)
def test_scores_are_shares_in_order_with_ties_by_name(name: str, lessons: list, asked: Context) -> None:
    strategy = STRATEGIES[name]()
    for context, skill, completed in lessons:
        strategy.learn(context, skill, completed)
    ranking = strategy.rank(asked)
    assert all(math.isfinite(score) and 0 <= score <= 1 for _, score in ranking)
    assert sum(score for _, score in ranking) <= 1 + 1e-9
    assert ranking == sorted(ranking, key=lambda candidate: (-candidate.score, candidate.skill_name))
    assert len({candidate.skill_name for candidate in ranking}) == len(ranking)
    assert ranking == strategy.rank(asked)


@pytest.mark.slow
@EVERY
@settings(max_examples=25)
@given(lessons=LESSONS, asked=SITUATIONS)
def test_a_restored_strategy_ranks_and_goes_on_learning_alike(
    name: str, lessons: list, asked: Context
) -> None:
    strategy = STRATEGIES[name]()
    for context, skill, completed in lessons:
        strategy.learn(context, skill, completed)
    restored = pickle.loads(pickle.dumps(strategy))
    for one in (strategy, restored):
        one.learn(asked, "lint", True)
    assert restored.rank(asked) == strategy.rank(asked)


@EVERY
def test_every_strategy_goes_by_its_own_name(name: str) -> None:
    assert STRATEGIES[name]().name == name


def test_the_default_comes_first() -> None:
    assert next(iter(STRATEGIES)) == DEFAULT


@given(st.lists(SKILLS, min_size=1, max_size=30))
def test_popularity_and_the_chain_count_as_a_counter_does(skills: list[str]) -> None:
    popularity = taught(STRATEGIES["popularity"](), skills)
    counts = Counter(skills)
    assert names(popularity, Context()) == sorted(counts, key=lambda skill: (-counts[skill], skill))
    chain = taught(Markov(), skills)
    last = skills[-1]
    after = Counter(next_one for one, next_one in pairwise(skills) if one == last)
    expected = sorted(counts, key=lambda skill: (-after[skill], -counts[skill], skill))
    assert names(chain, Context(history=(last,))) == expected


def test_the_last_skill_comes_first_even_if_nobody_used_it_before() -> None:
    assert names(taught(RepeatLast(), ["a", "a", "b"]), Context(history=("new",)))[0] == "new"


def test_the_phase_decides_where_it_is_known() -> None:
    strategy = WorkflowAware()
    for phase, skill in (("verification", "test"), ("deployment", "release"), ("verification", "test")):
        strategy.learn(Context(phase=phase), skill)
    assert names(strategy, Context(phase="deployment"))[0] == "release"
    assert names(strategy, Context(phase="verification"))[0] == "test"
    assert names(strategy, Context(phase="cleanup"))[0] == "test"


def test_what_goes_well_for_similar_users_comes_first() -> None:
    strategy = Collaborative()
    for skill, completed in (("good", True), ("bad", False)):
        for _ in range(5):
            strategy.learn(Context(user="ada"), skill, completed)
    strategy.learn(Context(user="ada"), "shared", True)
    strategy.learn(Context(user="bob"), "shared", True)
    ranking = names(strategy, Context(user="bob"))
    assert ranking.index("good") < ranking.index("bad")


def test_the_blend_follows_a_habit_of_three_steps() -> None:
    """After b comes c or d, depending on what was before b: one step back is not enough."""
    blend = MarkovBlend()
    for _ in range(6):
        taught(blend, ["a", "b", "c"])
        taught(blend, ["x", "b", "d"])
    assert names(blend, Context(history=("a", "b")))[0] == "c"
    assert names(blend, Context(history=("x", "b")))[0] == "d"


def test_the_blend_learns_inside_the_session() -> None:
    blend = taught(MarkovBlend(), ["a", "b"] * 8)
    history: list[str] = []
    for skill in ["a", "z", "a", "z", "a", "z", "a"]:
        blend.learn(Context(history=tuple(history), project="/new"), skill)
        history.append(skill)
    assert names(blend, Context(history=tuple(history), project="/new"))[0] == "z"


def test_the_blend_sees_what_came_before_a_run() -> None:
    """Five tests hide from a chain of three what they began with."""
    blend = MarkovBlend()
    for _ in range(6):
        taught(blend, ["plan", *["test"] * 5, "commit"])
        taught(blend, ["fix", *["test"] * 5, "deploy"])
    after_plan, after_fix = (("plan", *["test"] * 5), ("fix", *["test"] * 5))
    assert names(blend, Context(history=after_plan)).index("commit") < names(
        blend, Context(history=after_plan)
    ).index("deploy")
    assert names(blend, Context(history=after_fix)).index("deploy") < names(
        blend, Context(history=after_fix)
    ).index("commit")


def test_the_blend_learns_where_in_a_session_a_skill_comes() -> None:
    blend = MarkovBlend()
    for _ in range(8):
        taught(blend, ["look", "look", "look", "look", "look", "look", "look", "look", "commit"])
    early, late = (Context(history=("look",) * times) for times in (4, 8))
    share = {context: dict(blend.rank(context))["commit"] for context in (early, late)}
    assert share[late] > 2 * share[early]


def test_a_project_has_habits_of_its_own() -> None:
    blend = MarkovBlend()
    for _ in range(10):
        taught(blend, ["a", "b"], project="/one")
        taught(blend, ["a", "c"], project="/two")
    assert names(blend, Context(history=("a",), project="/one"))[0] == "b"
    assert names(blend, Context(history=("a",), project="/two"))[0] == "c"


def test_the_words_of_a_request_find_a_skill_that_was_never_used() -> None:
    blend = MarkovBlend()
    blend.describe({"db-migrate": "Write a schema migration for the database", "plan": "Make a plan"})
    taught(blend, ["plan", "test"] * 5)
    assert names(blend, Context(query="write a migration"))[0] == "db-migrate"
    assert names(blend, Context(history=("plan",)))[0] == "test"


def test_evidence_counts_what_happened() -> None:
    blend = MarkovBlend()
    for _ in range(3):
        taught(blend, ["plan", "test", "commit"], project="/shop")
    taught(blend, ["plan", "test", "lint"], project="/other")
    support = blend.support(Context(history=("plan", "test"), project="/shop"), "commit")
    assert (support.uses, support.project_uses) == (3, 3)
    assert support.followed is not None
    assert (support.followed.times, support.followed.seen) == (3, 4)
    assert support.after == ("plan", "test")
    assert blend.support(Context(), "unheard of").followed is None
