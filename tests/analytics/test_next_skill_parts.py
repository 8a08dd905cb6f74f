"""The parts of the blend against what they are defined to be."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.analytics.suggesting.context import Scored
from session_buddy.analytics.suggesting.counts import Counts
from session_buddy.analytics.suggesting.exploring import explored
from session_buddy.analytics.suggesting.mixing import FLOOR, GeometricMixture
from session_buddy.analytics.suggesting.recency import FadingCounts, faded
from session_buddy.analytics.suggesting.successors import Successors, following
from session_buddy.analytics.suggesting.text_match import TextMatch, words_of
from tests.support.references import Reference

scipy_optimize = Reference("scipy.optimize")

ITEMS = st.lists(st.integers(0, 3), max_size=30)
UNIFORM = np.full(4, 0.25)


def witten_bell(history: list[int], context: tuple[int, ...], item: int) -> float:
    """The definition, by recursion over a list, instead of tables."""
    lower = witten_bell(history, context[1:], item) if context else 0.25
    size = len(context)
    after = Counter(
        history[place]
        for place in range(size, len(history))
        if tuple(history[place - size : place]) == context
    )
    seen, kinds = sum(after.values()), len(after)
    return lower if not seen else (after[item] + kinds * lower) / (seen + kinds)


@given(ITEMS)
def test_chains_are_smoothed_as_witten_and_bell_define(history: list[int]) -> None:
    chain = Successors(order=3)
    for place, item in enumerate(history):
        chain.learn(history[:place], item)
    found = chain.distribution(history, UNIFORM)
    expected = [witten_bell(history, tuple(history[-3:]), item) for item in range(4)]
    assert found == pytest.approx(expected)
    assert sum(found) == pytest.approx(1)
    assert following(np.array(history, dtype=np.int64), 3, UNIFORM) == pytest.approx(found)
    popular = chain.distribution((), UNIFORM)
    assert chain.distribution(history, popular, lowest=1) == pytest.approx(found)


@given(ITEMS, st.floats(0.5, 20))
def test_recency_is_a_sum_of_fading_uses(items: list[int], half_life: float) -> None:
    weights = [0.25] * 4
    for age, item in enumerate(reversed(items)):
        weights[item] += 0.5 ** (age / half_life)
    expected = [weight / sum(weights) for weight in weights]
    assert FadingCounts(half_life, items).distribution(UNIFORM) == pytest.approx(expected)
    assert faded(np.array(items, dtype=np.int64), half_life, UNIFORM) == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 9)), max_size=60), st.integers(1, 60))
def test_counts_are_the_same_with_few_items_with_many_and_after_more_came(
    added: list[tuple[int, int]], asked_after: int
) -> None:
    counts, expected = Counts(), np.zeros(100)
    for place, (item, amount) in enumerate(added):
        counts.add(item, amount)
        expected[item] += amount
        if place == asked_after:
            counts.add_to(np.zeros(max(found for found, _ in added) + 1), 1.0)
    for size in (100, 1_000):  # an eighth of all items is less or more than what is known
        result = np.ones(size)
        counts.add_to(result, 0.5)
        assert result[:100] == pytest.approx(1 + expected / 2)
        assert (result[100:] == 1).all()
    counts.divide(2.0)
    halved = np.zeros(100)
    counts.add_to(halved, 1.0)
    assert halved == pytest.approx(expected / 2)


def test_recency_does_not_overflow_in_a_long_session() -> None:
    counts = FadingCounts(0.5, [place % 4 for place in range(5_000)])
    found = counts.distribution(UNIFORM)
    assert all(math.isfinite(value) for value in found)
    assert max(found) == found[3]


@pytest.mark.slow
def test_weights_move_against_the_gradient_of_the_loss() -> None:
    rng = np.random.default_rng(5)
    experts = {name: rng.dirichlet(np.ones(6)) for name in ("a", "b", "c")}
    floored = np.array([[p * (1 - FLOOR) + FLOOR / 6 for p in experts[name]] for name in experts])

    def loss(weights: np.ndarray) -> float:
        mixed = np.exp(weights @ np.log(floored))
        return float(-np.log(mixed[2] / mixed.sum()))

    start = np.full(3, 1 / 3)
    mixture = GeometricMixture(tuple(experts), step=0.02, largest_step=0.02)
    assert mixture.learn(experts, 2) == pytest.approx(loss(start))
    moved = np.array([mixture.weights[name] for name in experts]) - start
    assert moved == pytest.approx(-0.02 * scipy_optimize.approx_fprime(start, loss, 1e-7), abs=1e-6)


def test_an_expert_that_is_absent_keeps_its_weight() -> None:
    mixture = GeometricMixture(("here", "away"))
    mixture.learn({"here": np.array([0.9, 0.1])}, 0)
    assert mixture.weights["away"] == 0.5


def test_words_are_stems_without_those_that_say_nothing() -> None:
    assert words_of("Please review my reviewed CodeReviews!") == ["review", "review", "cod", "review"]
    assert words_of("the of and") == []


def test_rare_words_and_names_weigh_more() -> None:
    text = TextMatch()
    text.describe(
        {
            "release-notes": "Write the text of a release",
            "plan": "Write down what to do, for a release or anything else",
            "draw": "Write pictures",
        }
    )
    found = text.relevance("write release notes")
    assert list(found) == ["release-notes", "plan", "draw"]
    assert found["release-notes"] > found["plan"] > found["draw"]
    assert all(0 < value <= 1 for value in found.values())
    assert text.matched("Write the RELEASE", "plan") == ["Write", "RELEASE"]


def test_relevance_is_that_of_bm25_over_the_best_there_could_be() -> None:
    """k1 = 1.2, b = .75, words of the name twice."""
    skills = {"apple": "pear plum plum", "pear": "plum", "fig": "apple apple apple pear melon kiwi"}
    bags = {name: [name, name, *description.split()] for name, description in skills.items()}
    mean = sum(map(len, bags.values())) / len(bags)
    text = TextMatch()
    text.describe(skills)
    found = text.relevance("apple plum mango")
    rarity = {}
    for word in ("apple", "plum"):
        having = sum(word in bag for bag in bags.values())
        rarity[word] = math.log(1 + (len(bags) - having + 0.5) / (having + 0.5))
    for name, bag in bags.items():
        length = 1.2 * (1 - 0.75 + 0.75 * len(bag) / mean)
        score = sum(rarity[word] * bag.count(word) * 2.2 / (bag.count(word) + length) for word in rarity)
        assert found[name] == pytest.approx(score / (2.2 * sum(rarity.values())))


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text(), max_size=4))
def test_any_text_can_be_matched(query: str, skills: dict[str, str]) -> None:
    text = TextMatch()
    text.describe(skills)
    assert all(0 < value <= 1 for value in text.relevance(query).values())


@given(st.integers(1, 6), st.integers(0, 2**128 - 1))
def test_exploring_reorders_the_same_candidates(count: int, lot: int) -> None:
    candidates = [Scored(str(place), 1 / count) for place in range(count)]
    placed = explored(candidates, count, lot, epsilon=0.5)
    assert sorted(found.candidate for found in placed) == candidates
    assert all(0 < found.propensity <= 1 for found in placed)


@pytest.mark.slow
def test_propensities_are_the_shares_in_which_candidates_stand_there() -> None:
    rng = np.random.default_rng(7)
    candidates = [Scored(name, 0.25) for name in "abcd"]
    stood: Counter[tuple[str, int]] = Counter()
    said: dict[tuple[str, int], float] = {}
    runs = 20_000
    for _ in range(runs):
        for place, found in enumerate(explored(candidates, 4, int(rng.integers(2**62)) << 64, epsilon=0.4)):
            stood[found.candidate.skill_name, place] += 1
            said[found.candidate.skill_name, place] = found.propensity
    for key, propensity in said.items():
        assert stood[key] / runs == pytest.approx(propensity, abs=0.015)


def test_without_exploring_the_order_stays() -> None:
    candidates = [Scored("a", 0.6), Scored("b", 0.4)]
    assert [found.candidate for found in explored(candidates, 1, 3, epsilon=0.0)] == candidates[:1]
    assert explored([], 5, 3) == []
