"""What `/metrics` shows, from the parts that know it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from session_buddy import __version__
from session_buddy.config import Settings
from session_buddy.errors import UNAVAILABLE
from session_buddy.live.counters import DURATION_BOUNDS, OTHER, Counted, Histogram
from session_buddy.models.vocabulary import OUTCOMES
from session_buddy.serve.measures import FeedMeasures, RequestMeasures
from session_buddy.serve.metrics import Samples, Source
from session_buddy.services.live_record import LiveRecord


def live_source(live: LiveRecord) -> Source:
    """Skills, sessions and anomalies."""

    def source() -> Mapping[str, Samples]:
        now = live.snapshot()
        labelled = now.counted.labelled
        active = {
            (found.skill_name if found.skill_name in labelled else OTHER, found.anomaly_type)
            for found in now.active_anomalies
        }
        return {
            "skill_invocations_total": {**_no_invocations(now.counted), **now.counted.invocations}.items(),
            "skill_duration_seconds": [
                ((label,), histogram)
                for label, histogram in {**_no_durations(now.counted), **now.counted.durations}.items()
            ],
            "skill_completion_ratio": [((name,), ratio) for name, ratio in now.completion_ratios.items()],
            "skill_duration_p95_seconds": [((name,), p95) for name, p95 in now.p95_durations.items()],
            "anomalies_detected_total": now.counted.anomalies.items(),
            "anomaly_active": [(labels, 1) for labels in sorted(active)],
            "active_sessions": [((), now.active_sessions)],
            "skills_tracked": [((), now.skills_tracked)],
            "metrics_cache_last_update_timestamp_seconds": [((), now.updated_at)],
            "dropped_labels_total": [((), now.counted.dropped_labels)],
        }

    return source


def record_source(live: LiveRecord, settings: Settings, clock: Callable[[], datetime]) -> Source:
    """Journals, folds, imports and the database."""

    def source() -> Mapping[str, Samples]:
        measures = live.measures()
        since = measures.pending_since
        waited = (clock() - since).total_seconds() if since and measures.pending_events else 0.0
        found: dict[str, Samples] = {
            "fold_seconds": [((), measures.fold_seconds)],
            "journal_pending_events": [((), measures.pending_events)],
            "journal_oldest_pending_seconds": [((), max(waited, 0.0))],
            "database_connections_in_use": [((), measures.connections.in_use)],
            "database_connections_max": [((), measures.connections.limit)],
            "database_available": [((), int(measures.unavailable is None))],
            "database_unavailable": [((why,), int(why == measures.unavailable)) for why in UNAVAILABLE],
            "imported_invocations_total": [((), measures.imported_invocations)],
            "events_rejected_total": [
                (("unreadable_line",), measures.unreadable_lines),
                (("forgotten",), measures.forgotten_events),
            ],
        }
        size = _size(settings.database)
        return found if size is None else found | {"database_size_bytes": [((), size)]}

    return source


def server_source(
    settings: Settings, requests: RequestMeasures, feed: FeedMeasures, relays: Callable[[], int]
) -> Source:
    """The servers themselves."""

    def source() -> Mapping[str, Samples]:
        served = requests.taken()
        return {
            "mcp_requests_total": served.count.items(),
            "mcp_request_seconds": [((), served.seconds)],
            "websocket_clients": [((), feed.clients)],
            "websocket_clients_max": [((), feed.max_clients)],
            "websocket_dropped_total": [((reason,), count) for reason, count in feed.dropped().items()],
            "websocket_broadcast_seconds": [((), feed.broadcast_seconds())],
            "relays_connected": [((), relays())],
            "build_info": [((__version__, settings.mode), 1)],
        }

    return source


def _no_invocations(counted: Counted) -> dict[tuple[str, str, str], int]:
    """0 for what is known and may be counted.

    Prometheus sees a series grow only from its second sample on: a series that begins with its first use
    loses that use, and with it the first of every skill under every new leader.
    """
    seen = {(label, phase) for label, phase, _ in counted.invocations}
    unknown = {(label, "unknown") for label in counted.labelled}
    return {(label, phase, outcome): 0 for label, phase in seen | unknown for outcome in OUTCOMES}


def _no_durations(counted: Counted) -> dict[str, Histogram]:
    """The same of durations."""
    empty = Histogram(DURATION_BOUNDS)
    return dict.fromkeys(counted.labelled, empty)


def _size(path: str) -> int | None:
    """Bytes of a file, looked up by name: the database must never be opened a second time."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return None
