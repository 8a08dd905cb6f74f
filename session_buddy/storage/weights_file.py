"""The weights of suggestions in a file of the home: those of one user, also where a team shares a store.

They are no part of the record: where the file is gone they are learned again, from the latest uses.
"""

import json
import logging
import math
import os
import threading
from typing import Any, Final

from session_buddy.models.weights import KeptWeights
from session_buddy.private_files import remove, write_private

WEIGHTS: Final = "weights.json"
"""Name of the file in a home."""

_log = logging.getLogger(__name__)


class WeightsFile:
    """A `WeightsKeeper`."""

    def __init__(self, home: str) -> None:
        self._path = os.path.join(home, WEIGHTS)
        self._lock = threading.Lock()
        self._may_write = False

    def read(self) -> KeptWeights | None:
        """As `WeightsKeeper.read`."""
        with self._lock:
            self._may_write = True
            try:
                with open(self._path, "rb") as file:
                    return _kept(json.load(file))
            except (OSError, ValueError, OverflowError):
                return None

    def write(self, kept: KeptWeights) -> None:
        """As `WeightsKeeper.write`; what cannot be written is learned anew by the next leader."""
        text = json.dumps({"weights": dict(kept.weights), "uses": kept.uses, "until": kept.until})
        with self._lock:
            if not self._may_write:
                return
            try:
                write_private(self._path, text.encode())
            except OSError as error:
                self._may_write = False
                _log.warning("how suggestions are weighed could not be kept: %s", error)

    def forget(self) -> None:
        """Remove what was learned from uses of which some are forgotten now."""
        with self._lock:
            self._may_write = False
            remove(self._path)


def _kept(found: Any) -> KeptWeights | None:
    """What the file says, if it says what it should."""
    if not isinstance(found, dict) or not isinstance(found.get("weights"), dict):
        return None
    weights, uses, until = found["weights"], found.get("uses", -1), found.get("until", -1)
    if not all(_is_share(value) for value in (*weights.values(), uses, until)):
        return None
    return KeptWeights({name: float(value) for name, value in weights.items()}, int(uses), float(until))


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0
