"""What `/metrics` shows of experiments."""

from collections.abc import Mapping

from session_buddy.serve.metrics import Samples, Source
from session_buddy.services.experimenting import Experimenter

_UNDECIDED = ("too_few_units", "too_few_outcomes", "undecided")


def experiment_source(experimenter: Experimenter) -> Source:
    """The experiments at work, and those that ended lately, as the last look saw them."""

    def source() -> Mapping[str, Samples]:
        found = experimenter.latest
        return {
            "ab_test_samples": [
                ((test.test_name, group.group_name), group.outcome_count)
                for test in found
                for group in test.groups
            ],
            "ab_test_min_sample_size": [((test.test_name,), test.min_sample_size) for test in found],
            "ab_test_decided": [((test.test_name,), test.decision not in _UNDECIDED) for test in found],
            "ab_test_adopted": [
                ((test.test_name,), test.winner_strategy == test.default_strategy)
                for test in found
                if test.winner_strategy is not None
            ],
            "ab_test_sample_ratio_mismatch": [
                ((test.test_name,), test.decision == "assignment_broken") for test in found
            ],
        }

    return source
