"""A random forest on the seven features, to compare with; needs the extra `[ml]`."""

from collections.abc import Sequence

from session_buddy.analytics.success.features import Features
from session_buddy.analytics.success.scoring import ProgressiveScore, Score


def forest_score(features: Sequence[Features], outcomes: Sequence[bool], first_test: int) -> Score | None:
    """Train a default `RandomForestClassifier` on what lies before `first_test`, and score it on the rest.

    Model: 100 trees with scikit-learn's defaults (Breiman, "Random Forests", Machine Learning 45, 2001). It
    knows the seven features and not which skill it is about. None where all outcomes to train on are equal.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    # Two seconds and 150 MB, and only `evaluate` and the benches ever compare with it.
    from sklearn.ensemble import RandomForestClassifier

    if len(set(outcomes[:first_test])) < 2:
        return None
    forest = RandomForestClassifier(random_state=0)
    forest.fit(list(features[:first_test]), list(outcomes[:first_test]))
    said = forest.predict_proba(list(features[first_test:]))[:, 1]
    score = ProgressiveScore()
    for probability, completed in zip(said, outcomes[first_test:], strict=True):
        score.add(float(probability), completed=completed)
    return score.summary()
