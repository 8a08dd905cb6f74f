"""Rows as the values that answers are made of."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from session_buddy.models.answers import ActiveAnomaly, Invocation, SessionSummary, TopSkill
from session_buddy.models.events import CatalogueEvent, SkillEvent
from session_buddy.models.values import CatalogueEntry, PastUse, SkillTotals, Window

_FIRST = datetime(1, 1, 1)  # noqa: DTZ001 - the database holds UTC without a zone
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001 - as above


def utc(value: datetime | None) -> datetime | None:
    """A time of the database, which holds UTC without saying so."""
    return None if value is None else value.replace(tzinfo=UTC)


def naive(value: datetime) -> datetime:
    """A time as the database holds it."""
    return value.astimezone(UTC).replace(tzinfo=None)


def bounds(window: Window) -> dict[str, datetime]:
    """A window as parameters; an open side reaches as far as times go."""
    return {
        "since": naive(window.since) if window.since else _FIRST,
        "until": naive(window.until) if window.until else _LAST,
    }


def aware(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its times in UTC."""
    return {name: utc(value) if isinstance(value, datetime) else value for name, value in row.items()}


def invocation_of(row: Mapping[str, Any]) -> Invocation:
    """A row of `skill_invocation`."""
    evidence = json.loads(row["evidence"]) if row["evidence"] else ()
    return Invocation(**aware(row) | {"evidence": tuple(evidence)})


def event_of(row: Mapping[str, Any]) -> SkillEvent:
    """A row of `skill_event`; what it does not say is absent, as in the journal."""
    fields = {name: value for name, value in aware(row).items() if value is not None}
    if "evidence" in fields:
        fields["evidence"] = tuple(json.loads(fields["evidence"]))
    return SkillEvent(**fields)


def record_of(value: SkillEvent | Invocation) -> dict[str, object]:
    """An event or an invocation as parameters of a statement that writes its row."""
    fields: dict[str, Any] = {name: getattr(value, name) for name in type(value).model_fields if name != "v"}
    evidence = fields["evidence"]
    fields["evidence"] = (
        None if evidence is None else json.dumps([item.model_dump(exclude_none=True) for item in evidence])
    )
    return {name: naive(field) if isinstance(field, datetime) else field for name, field in fields.items()}


def totals_of(row: Mapping[str, Any]) -> SkillTotals:
    """A row of `skill_metrics` with its tallies: rows of them, or by dimension and value."""
    fields = aware(row)
    tallies = fields.pop("tallies") or ()
    by_dimension: dict[str, dict[str, int]] = {}
    if isinstance(tallies, Mapping):
        by_dimension.update(tallies)
    else:
        for tally in tallies:
            by_dimension.setdefault(tally["d"], {})[tally["v"]] = tally["n"]
    buckets = by_dimension.get("duration_bucket", {})
    return SkillTotals(
        **fields | {"duration_sum": float(fields["duration_sum"])},
        duration_buckets={int(bucket): count for bucket, count in buckets.items()},
        errors=by_dimension.get("error_type", {}),
        phases=by_dimension.get("workflow_phase", {}),
    )


def window_totals_of(row: Mapping[str, Any]) -> SkillTotals:
    """A row of totals over a window, with its quantiles."""
    fields = aware(row)
    p50, p95 = fields.pop("quantiles") or (None, None)
    return SkillTotals(
        **fields | {"errors": fields["errors"] or {}, "phases": fields["phases"] or {}},
        p50_seconds=p50,
        p95_seconds=p95,
    )


def top_skill_of(row: Mapping[str, Any]) -> TopSkill:
    """A row of the real-time list."""
    return TopSkill(**aware(row))


def anomaly_of(row: Mapping[str, Any]) -> ActiveAnomaly:
    """A row of `skill_anomalies`."""
    return ActiveAnomaly(**aware(row))


def session_of(row: Mapping[str, Any]) -> SessionSummary:
    """A row of the sessions."""
    return SessionSummary(**aware(row))


def past_use_of(row: tuple[Any, ...]) -> PastUse:
    """A row of what teaches: its columns in the order of the fields."""
    invocation_id, skill_name, session_id, project, user_id, invoked_at, *rest = row
    return PastUse(
        invocation_id, skill_name, session_id, project, user_id, invoked_at.replace(tzinfo=UTC), *rest
    )


def catalogue_entry_of(row: Mapping[str, Any]) -> CatalogueEntry:
    """A row of the catalogue."""
    return CatalogueEntry(**{**row, "scopes": tuple(row["scopes"])})


def catalogue_event_of(row: Mapping[str, Any]) -> CatalogueEvent:
    """The event that a row of the catalogue came from."""
    values = dict(row)
    values["kind"] = "skill_installed" if values.pop("installed") else "skill_removed"
    values["occurred_at"] = values["occurred_at"].replace(tzinfo=UTC)
    values["project"] = values["project"] or None
    return CatalogueEvent(**values)
