"""What every panel is made of: data source, queries, thresholds, links, places on the grid."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = dict[str, Any]

UID: Final = "session-buddy"
SOURCE: Final[Json] = {"type": "prometheus", "uid": "$datasource"}
COLUMNS: Final = 24
HERE: Final = 'job=~"$job",instance=~"$instance"'
SKILL: Final = f'{HERE},skill_name=~"$skill"'

TO_SKILL: Final[Json] = {
    "title": "This skill alone",
    "url": f"/d/{UID}/{UID}?var-skill=${{__field.labels.skill_name}}&${{datasource:queryparam}}"
    "&${job:queryparam}&${instance:queryparam}&${__url_time_range}",
    "targetBlank": False,
}
TO_SKILL_OF_ROW: Final[Json] = TO_SKILL | {
    "url": TO_SKILL["url"].replace("__field.labels.skill_name", "__data.fields.skill")
}


def query(expression: str, legend: str = "", *, instant: bool = False, form: str = "time_series") -> Json:
    """One query of a panel. form: `time_series`, `table` or `heatmap`."""
    return {
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": expression,
        "format": form,
        "instant": instant,
        "legendFormat": legend,
        "range": not instant,
    }


def thresholds(*steps: tuple[float | None, str]) -> Json:
    """(from this value on, colour), the first from None."""
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]}


PLAIN: Final = thresholds((None, "green"))


def runbook(alert: str) -> Json:
    """A link to what to do about an alert."""
    return {
        "type": "link",
        "title": f"Runbook: {alert}",
        "url": f"${{runbooks}}/SessionBuddy{alert}.md",
        "tooltip": f"What to do when SessionBuddy{alert} fires",
        "icon": "doc",
        "asDropdown": False,
        "includeVars": False,
        "keepTime": False,
        "tags": [],
        "targetBlank": True,
    }


def panel(  # noqa: PLR0913 - a panel has these parts, each given by name
    kind: str,
    title: str,
    description: str,
    queries: Sequence[Json],
    *,
    size: tuple[int, int],
    unit: str = "short",
    options: Json | None = None,
    custom: Json | None = None,
    steps: Json = PLAIN,
    links: Sequence[Json] = (),
    data_links: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
    overrides: Sequence[Json] = (),
    **defaults: Any,
) -> Json:
    """A panel without its place. size: (width of 24, height). links: to runbooks; data_links: of values."""
    field: Json = {"color": {"mode": "palette-classic"}, "thresholds": steps, "unit": unit, **defaults}
    if custom:
        field["custom"] = custom
    if data_links:
        field["links"] = list(data_links)
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "targets": [{**one, "refId": chr(ord("A") + number)} for number, one in enumerate(queries)],
        "fieldConfig": {"defaults": field, "overrides": list(overrides)},
        "options": options or {},
        "links": list(links),
        "transformations": list(transformations),
        "gridPos": {"w": size[0], "h": size[1], "x": 0, "y": 0},
    }


def row(title: str) -> Json:
    """The heading of the panels that follow."""
    return {
        "type": "row",
        "title": title,
        "collapsed": False,
        "panels": [],
        "gridPos": {"w": COLUMNS, "h": 1, "x": 0, "y": 0},
    }


def placed(panels: Sequence[Json]) -> list[Json]:
    """The panels, numbered, each as far up as it can be and then as far left."""
    filled = [0] * COLUMNS
    found = []
    for number, one in enumerate(panels, 1):
        place = one["gridPos"]
        width = place["w"]
        y, x = min((max(filled[left : left + width]), left) for left in range(COLUMNS - width + 1))
        filled[x : x + width] = [y + place["h"]] * width
        found.append({**one, "id": number, "gridPos": {**place, "x": x, "y": y}})
    return found


def lines(*, legend: Sequence[str] = ("lastNotNull", "max")) -> Json:
    """Options of a time series."""
    return {
        "legend": {"calcs": list(legend), "displayMode": "table", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def drawn(style: str = "line", *, fill: int = 10, stacked: bool = False, limits: bool = False) -> Json:
    """How a time series is drawn. limits: with lines at its thresholds."""
    return {
        "drawStyle": style,
        "fillOpacity": fill,
        "lineWidth": 1,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
        "thresholdsStyle": {"mode": "dashed" if limits else "off"},
    }


def reduced() -> Json:
    """Options of a panel that shows the latest value."""
    return {
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }


def stat(colour: str = "value") -> Json:
    """Options of a big figure."""
    return {
        **reduced(),
        "colorMode": colour,
        "graphMode": "area",
        "justifyMode": "auto",
        "percentChangeColorMode": "standard",
        "showPercentChange": False,
        "textMode": "auto",
        "wideLayout": True,
    }


def override(name: str, **properties: Any) -> Json:
    """Settings of one column; an underscore in a property's name stands for a dot."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key.replace("_", "."), "value": value} for key, value in properties.items()],
    }


def from_query(name: str, label: str, metric: str) -> Json:
    """A variable whose values are those of a label. label: as it is shown."""
    definition = f"label_values({metric}, {'skill_name' if name == 'skill' else name})"
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": SOURCE,
        "query": {"query": definition, "refId": f"variable-{name}"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "options": [],
        "regex": "",
        "skipUrlSync": False,
    }


def rename(columns: Mapping[str, str], hidden: Sequence[str]) -> Json:
    """The transformation that gives a table's columns their order and names, and hides others."""
    return {
        "id": "organize",
        "options": {
            "excludeByName": dict.fromkeys(hidden, True),
            "indexByName": {name: place for place, name in enumerate(columns)},
            "renameByName": dict(columns),
        },
    }
