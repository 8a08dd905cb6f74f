"""A bound counts as missed where the 99 % interval of the figure excludes it, and not before."""

from bench.judging import at_least, at_most, between, false_alarms
from bench.methods_suggesting import Beside


def test_a_bound_is_missed_where_the_interval_excludes_it() -> None:
    assert not at_most("above by chance", 120, 2_000, 0.05, "<= 5 %").missed
    assert at_most("above", 135, 2_000, 0.05, "<= 5 %").missed
    assert not at_least("below by chance", 1_560, 2_000, 0.8, ">= 80 %").missed
    assert at_least("below", 1_540, 2_000, 0.8, ">= 80 %").missed
    assert not between("near", 90, 2_000, 0.05, ".05").missed
    assert between("above", 140, 2_000, 0.05, ".05").missed
    assert between("below", 70, 2_000, 0.05, ".05").missed


def test_false_alarms_are_counted_by_the_skill_and_day() -> None:
    line = false_alarms("quiet", 20, 3_000)
    assert line.figure.startswith("1.00 (")
    assert not line.missed
    assert false_alarms("loud", 40, 3_000).missed


def test_a_tie_is_told_and_missed_only_where_something_was_claimed() -> None:
    tied = Beside("part", (0.6, 0.8, 0.7), (0.5, 0.8, 0.6), 400)
    assert (tied.tied, tied.below) == (["HR@3"], [])
    assert tied.line(strictly=True).missed
    assert not tied.line(strictly=False).missed
    below = tied._replace(best=(0.5, 0.9, 0.6))
    assert below.line(strictly=False).missed
