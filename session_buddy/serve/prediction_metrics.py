"""What `/metrics` shows of success probabilities."""

from collections.abc import Mapping

from session_buddy.serve.metrics import Samples, Source
from session_buddy.services.recommending import Recommender


def prediction_source(recommender: Recommender) -> Source:
    """How many were given, and how good those were whose outcome is known."""

    def source() -> Mapping[str, Samples]:
        score, latest = recommender.prediction_score()
        found: dict[str, Samples] = {"predictions_total": [((), recommender.predictions_given)]}
        if score is not None:
            found["prediction_brier_score"] = [((), score.brier)]
            found["prediction_accuracy_ratio"] = [((), score.accuracy)]
        if latest is not None:
            found["model_last_trained_timestamp_seconds"] = [((), latest.timestamp())]
        return found

    return source
