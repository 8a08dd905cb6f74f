"""An Isolation Forest on log-durations, to compare with; needs the extra `[ml]`.

Model: 100 trees with scikit-learn's defaults that split single durations at random; what is alone after few
splits is unusual (Liu, Ting and Zhou, "Isolation Forest", ICDM 2008). It is trained on the first half of what
lies before the change, and sees one duration at a time: it knows nothing of what came before.
"""

import math
from collections.abc import Sequence


def unusual(series: Sequence[tuple[float, str]], begin: int) -> list[int]:
    """The places after the training half at which a duration is unusually long. series: (seconds, session).

    Raises:
        ImportError: scikit-learn is not installed.
    """
    # Two seconds and 150 MB, and only `evaluate` ever compares with it.
    from sklearn.ensemble import IsolationForest

    logs = [[math.log(max(seconds, 0.001))] for seconds, _ in series]
    train = begin // 2
    forest = IsolationForest(random_state=0)
    forest.fit(logs[:train])
    usual = sorted(log for (log,) in logs[:train])[train // 2]
    said = forest.predict(logs[train:])
    return [
        train + place for place, verdict in enumerate(said) if verdict < 0 and logs[train + place][0] > usual
    ]
