"""Writes `monitoring/grafana-dashboard.json`."""

import json
from pathlib import Path
from typing import Final

from monitoring.dashboard.panels import (
    ALERTING,
    experiments,
    integrations,
    predictions,
    servers,
    skills,
)
from monitoring.dashboard.parts import HERE, SOURCE, UID, Json, from_query, placed

TARGET: Final = Path(__file__).parents[1] / "grafana-dashboard.json"


def dashboard() -> Json:
    """The whole dashboard as Grafana imports it."""
    return {
        "uid": UID,
        "title": "session-buddy",
        "description": "The skills of your coding agents: which are used, which work, and what keeps them.",
        "tags": ["session-buddy", "skills"],
        "editable": False,
        "graphTooltip": 1,
        "refresh": "5s",
        "schemaVersion": 39,
        "version": 1,
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {"refresh_intervals": ["5s", "15s", "1m", "5m"]},
        "timezone": "browser",
        "links": [],
        "annotations": {
            "list": [
                {
                    "name": "Alerts",
                    "datasource": SOURCE,
                    "enable": True,
                    "hide": False,
                    "iconColor": "red",
                    "expr": f"ALERTS{{{ALERTING}}}",
                    "titleFormat": "{{alertname}}",
                    "textFormat": "{{skill_name}}",
                    "step": "1m",
                }
            ]
        },
        "templating": {"list": variables()},
        "panels": placed([*skills(), *servers(), *integrations(), *experiments(), *predictions()]),
    }


def variables() -> list[Json]:
    """What a person chooses at the top."""
    return [
        {
            "type": "datasource",
            "name": "datasource",
            "label": "Data source",
            "query": "prometheus",
            "current": {"text": "default", "value": "default"},
            "hide": 0,
            "options": [],
            "refresh": 1,
            "regex": "",
            "skipUrlSync": False,
        },
        from_query("job", "job", "session_buddy_build_info"),
        from_query("instance", "instance", 'session_buddy_build_info{job=~"$job"}'),
        from_query("skill", "skill", f"session_buddy_skill_completion_ratio{{{HERE}}}"),
        {
            "type": "textbox",
            "name": "runbooks",
            "label": "runbooks at",
            "description": "Where docs/runbooks is served: the address of a forge or web server of yours.",
            "query": "docs/runbooks",
            "current": {"selected": True, "text": "docs/runbooks", "value": "docs/runbooks"},
            "hide": 0,
            "options": [],
            "skipUrlSync": False,
        },
    ]


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
