"""Counting the runs that happen under this leader, for `/metrics`."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from session_buddy.live.moments import LIVE_FOR
from session_buddy.models.protocols import Clock
from session_buddy.models.runs import GateEvent, StageEvent

LABELS_KEPT: Final = 200
OTHER: Final = "_other"
_IDS_KEPT: Final = 10_000


class RunCounts:
    """Runs by label since this leader began; what is told of later than an hour is history. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[UUID, None] = OrderedDict()
        self._stages: Counter[tuple[str, str, str]] = Counter()
        self._gates: Counter[tuple[str, str]] = Counter()
        self._labels: set[tuple[str, str]] = set()

    def noted(self, event: StageEvent | GateEvent) -> None:
        """A run was acknowledged."""
        if event.occurred_at < self._clock() - LIVE_FOR:
            return
        with self._lock:
            if event.id in self._known:
                return
            self._known[event.id] = None
            if len(self._known) > _IDS_KEPT:
                self._known.popitem(last=False)
            if isinstance(event, GateEvent):
                self._gates[event.phase, event.outcome] += 1
            else:
                self._stages[*self._label(event.pipeline_name, event.stage), event.outcome] += 1

    def stages(self) -> Mapping[tuple[str, str, str], int]:
        """(pipeline, stage, outcome) -> runs."""
        with self._lock:
            return dict(self._stages)

    def gates(self) -> Mapping[tuple[str, str], int]:
        """(phase, outcome) -> runs."""
        with self._lock:
            return dict(self._gates)

    def _label(self, pipeline_name: str, stage: str) -> tuple[str, str]:
        """The labels of a stage; those that come after the first `LABELS_KEPT` share one."""
        label = (pipeline_name, stage)
        if label not in self._labels:
            if len(self._labels) >= LABELS_KEPT:
                return (OTHER, OTHER)
            self._labels.add(label)
        return label
