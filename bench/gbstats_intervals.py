"""Run by a Python that has gbstats: cases as JSON on standard input, its intervals on standard output.

A case is {"control", "treatment", "planned", "alpha", "relative"}. A group is {"n", "m": [sum]} for a
proportion and {"n", "m": [sum, sum of squares]} for a mean; with {"d": [sum, sum of squares], "product": sum}
it is a ratio.
"""

import json
import sys

from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import ProportionStatistic, RatioStatistic, SampleMeanStatistic


def statistic(group: dict) -> object:
    n, values = group["n"], group["m"]
    if len(values) == 1:
        return ProportionStatistic(n=n, sum=values[0])
    main = SampleMeanStatistic(n=n, sum=values[0], sum_squares=values[1])
    if "d" not in group:
        return main
    denominator = SampleMeanStatistic(n=n, sum=group["d"][0], sum_squares=group["d"][1])
    return RatioStatistic(
        n=n, m_statistic=main, d_statistic=denominator, m_d_sum_of_products=group["product"]
    )


def result(case: dict) -> dict:
    config = SequentialConfig(
        sequential_tuning_parameter=case["planned"],
        alpha=case["alpha"],
        difference_type="relative" if case["relative"] else "absolute",
    )
    test = SequentialTwoSidedTTest(statistic(case["control"]), statistic(case["treatment"]), config)
    found = test.compute_result()
    return {"difference": found.expected, "interval": found.ci, "p_value": float(found.p_value)}


json.dump([result(case) for case in json.load(sys.stdin)], sys.stdout)
