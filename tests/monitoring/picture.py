"""Draws a dashboard's panels as SVG, from what Prometheus answered; roughly as Grafana would."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any

FONT = 'font-family="Inter, Helvetica, Arial, sans-serif"'
COLUMN, ROW, GAP, BAR = 52, 32, 8, 26
COLOURS = ("#5794f2", "#73bf69", "#f2cc0c", "#ff9830", "#b877d9", "#f2495c", "#8ab8ff", "#96d98d", "#c4a57b")
NAMED = {"green": "#56a64b", "orange": "#ff780a", "red": "#e02f44", "text": "#464c54", "transparent": "none"}
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Frame:
    """A panel with what its queries gave, and where it is drawn. start, end: seconds since 1970."""

    panel: dict[str, Any]
    answers: Sequence[Rows]
    start: float
    end: float
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0
    marks: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, size: int = 11, **look: str) -> None:
        look = {"fill": "#464c54"} | look
        attributes = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in look.items())
        self.marks.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" {attributes}>{escape(words)}</text>'
        )

    def box(self, x: float, y: float, width: float, height: float, fill: str, opacity: float = 1) -> None:
        self.marks.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" '
            f'fill="{fill}" fill-opacity="{opacity:g}"/>'
        )

    def place(self, at: float, low: float = 0, high: float = 0) -> float:
        """The x of a moment, between margins."""
        return self.x + low + (at - self.start) / (self.end - self.start) * (self.width - low - high)

    def colour_of(self, value: float) -> str:
        """By the panel's thresholds."""
        found = "text"
        for step in self.panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
            if step["value"] is None or value >= step["value"]:
                found = step["color"]
        return NAMED[found]

    def shown(self, value: float) -> str:
        return in_unit(value, self.panel["fieldConfig"]["defaults"]["unit"])


def picture(title: str, frames: Sequence[Frame], rows: int) -> str:
    """All panels on one sheet."""
    width, height = COLUMN * 24 + GAP, ROW * rows + 44
    body = [mark for frame in frames for mark in drawn(frame)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {FONT} role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" fill="#f4f5f5"/>',
            f'<text x="{GAP}" y="27" font-size="16" fill="#24292e">{escape(title)}</text>',
            *body,
            "</svg>\n",
        ]
    )


def drawn(frame: Frame) -> list[str]:
    place = frame.panel["gridPos"]
    inner = Frame(
        frame.panel,
        frame.answers,
        frame.start,
        frame.end,
        GAP + place["x"] * COLUMN + 10,
        44 + place["y"] * ROW + BAR,
        place["w"] * COLUMN - GAP - 20,
        place["h"] * ROW - GAP - BAR - 6,
    )
    inner.box(inner.x - 10, inner.y - BAR, inner.width + 20, inner.height + BAR + 6, "#ffffff")
    inner.text(inner.x, inner.y - 9, frame.panel["title"], 12, font_weight="600", fill="#24292e")
    PAINTERS[frame.panel["type"]](inner)
    return inner.marks


def legend_of(frame: Frame, number: int, labels: dict[str, str]) -> str:
    words = str(frame.panel["targets"][number]["legendFormat"])
    for name, value in labels.items():
        words = words.replace(f"{{{{{name}}}}}", value)
    return words or "value"


def series(frame: Frame) -> list[tuple[str, list[tuple[float, float]]]]:
    """(legend, [(moment, value)]) of every query, without what is not a number; the largest first."""
    found = []
    for number, rows in enumerate(frame.answers):
        for row in rows:
            points = [(float(at), float(value)) for at, value in row["values"]]
            kept = [point for point in points if math.isfinite(point[1])]
            if any(value for _, value in kept) or len(rows) == 1:
                found.append((legend_of(frame, number, row["metric"]), kept))
    return sorted(found, key=lambda one: -sum(value for _, value in one[1]))[: len(COLOURS)]


def time_series(frame: Frame) -> None:
    found = series(frame)
    custom = frame.panel["fieldConfig"]["defaults"]["custom"]
    bottom = frame.y + frame.height - 38
    span = bottom - frame.y - 4
    top = frame.panel["fieldConfig"]["defaults"].get("max") or highest(found, custom) * 1.1 or 1
    for share in (0, 0.5, 1):
        y = bottom - share * span
        frame.box(frame.x + 44, y, frame.width - 44, 0.6, "#d8d9da")
        frame.text(frame.x + 40, y + 4, frame.shown(top * share), 10, text_anchor="end")
    floor: dict[float, float] = {}
    for (_, points), colour in zip(found, COLOURS, strict=False):
        if custom["drawStyle"] == "bars":
            for at, value in points:
                floor[at] = floor.get(at, 0) + value
                y = bottom - floor[at] / top * span
                frame.box(frame.place(at, 46, 6), y, 5, value / top * span, colour, 0.85)
        else:
            path = " ".join(f"{frame.place(at, 46, 6):.1f},{bottom - v / top * span:.1f}" for at, v in points)
            frame.marks.append(
                f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.4"/>'
            )
    hours(frame, 46, bottom + 13)
    x = frame.x
    for (name, _), colour in zip(found, COLOURS, strict=False):
        if x + 20 + 6 * len(name) > frame.x + frame.width:
            break
        frame.box(x, bottom + 22, 10, 3, colour)
        frame.text(x + 14, bottom + 28, name, 10)
        x += 26 + 6 * len(name)


def highest(found: Sequence[tuple[str, list[tuple[float, float]]]], custom: dict[str, Any]) -> float:
    """The largest value, or sum of values where they are stacked."""
    stacked = custom["stacking"]["mode"] == "normal"
    totals: dict[float, float] = {}
    for _, points in found:
        for at, value in points:
            totals[at] = totals.get(at, 0) + value if stacked else max(totals.get(at, 0), value)
    return max(totals.values(), default=1)


def hours(frame: Frame, low: float, y: float) -> None:
    """The times of day below a panel."""
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        at = frame.start + share * (frame.end - frame.start)
        words = datetime.fromtimestamp(at, UTC).strftime("%H:%M")
        frame.text(frame.place(at, low, 6), y, words, 10, text_anchor=anchor)


def stat(frame: Frame) -> None:
    value = float(frame.answers[0][0]["value"][1])
    colour = frame.colour_of(value)
    if frame.panel["options"]["colorMode"] == "background":
        frame.box(frame.x - 10, frame.y - 2, frame.width + 20, frame.height + 8, colour, 0.9)
        colour = "#ffffff"
    middle = frame.x + frame.width / 2
    frame.text(
        middle, frame.y + frame.height / 2 + 14, frame.shown(value), 38, fill=colour, text_anchor="middle"
    )


def gauge(frame: Frame) -> None:
    value = float(frame.answers[0][0]["value"][1])
    middle, base, radius = frame.x + frame.width / 2, frame.y + frame.height - 44, frame.width / 2 - 12

    def arc(share_from: float, share_to: float, colour: str, thick: float, r: float) -> None:
        a, b = math.pi * (1 - share_from), math.pi * (1 - share_to)
        frame.marks.append(
            f'<path d="M {middle + r * math.cos(a):.1f} {base - r * math.sin(a):.1f} '
            f'A {r:.1f} {r:.1f} 0 0 1 {middle + r * math.cos(b):.1f} {base - r * math.sin(b):.1f}" '
            f'fill="none" stroke="{colour}" stroke-width="{thick}"/>'
        )

    steps = frame.panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    bounds = [step["value"] or 0 for step in steps] + [1]
    for step, low, high in zip(steps, bounds, bounds[1:], strict=False):
        arc(low, high, NAMED[step["color"]], 4, radius)
    arc(0, 1, "#e9edf2", 18, radius - 14)
    arc(0, min(value, 1), frame.colour_of(value), 18, radius - 14)
    frame.text(middle, base - 4, frame.shown(value), 28, fill=frame.colour_of(value), text_anchor="middle")


def table(frame: Frame) -> None:
    [organize] = [one for one in frame.panel["transformations"] if one["id"] == "organize"]
    names: dict[str, str] = organize["options"]["renameByName"]
    units = {
        one["matcher"]["options"]: prop["value"]
        for one in frame.panel["fieldConfig"]["overrides"]
        for prop in one["properties"]
        if prop["id"] == "unit"
    }
    widths = [0.5] + [0.5 / (len(names) - 1)] * (len(names) - 1)
    lefts = [frame.x + frame.width * sum(widths[:number]) for number in range(len(widths))]
    for left, name in zip(lefts, names.values(), strict=True):
        frame.text(left, frame.y + 10, name, 11, fill="#5794f2")
    for line, row in enumerate(joined(frame, list(names))[: int((frame.height - 16) / 19)]):
        y = frame.y + 31 + 19 * line
        frame.box(frame.x, y - 15, frame.width, 0.6, "#e4e7eb")
        for left, (key, name) in zip(lefts, names.items(), strict=True):
            value = row.get(key, "")
            words = value if isinstance(value, str) else in_unit(value, units.get(name, "whole"))
            frame.text(left, y, words, 11)


def joined(frame: Frame, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a table: the queries side by side, by the first column."""
    if not frame.answers[0]:
        return []
    made: dict[str, dict[str, Any]] = {}
    for number, rows in enumerate(frame.answers):
        for row in rows:
            key = row["metric"][columns[0]] + (row["metric"].get("skill_name", "") if number == 0 else "")
            into = made.setdefault(row["metric"][columns[0]] if len(frame.answers) > 1 else key, {})
            into |= row["metric"] | {f"Value #{chr(ord('A') + number)}": float(row["value"][1])}
    rows = [row for row in made.values() if len(frame.answers) == 1 or "Value #A" in row]
    return sorted(rows, key=lambda row: -row.get("Value #A", 0))


def heatmap(frame: Frame) -> None:
    rows = sorted(frame.answers[0], key=lambda row: float(row["metric"]["le"].replace("+Inf", "inf")))
    below: dict[float, float] = {}
    cells = []
    for place, row in enumerate(rows):
        for at, value in row["values"]:
            count = float(value) - below.get(at, 0.0)
            below[at] = float(value)
            cells.append((place, float(at), count))
    most = max((count for _, _, count in cells), default=1) or 1
    tall = (frame.height - 18) / len(rows)
    for place, at, count in cells:
        if count > 0.01:
            y = frame.y + frame.height - 18 - (place + 1) * tall
            frame.box(frame.place(at, 46, 14), y, 9, tall - 1, "#ff780a", 0.15 + 0.85 * (count / most) ** 0.5)
    for place, row in enumerate(rows):
        y = frame.y + frame.height - 18 - place * tall - tall / 2 + 4
        frame.text(frame.x + 40, y, row["metric"]["le"].replace(".0", "") + " s", 10, text_anchor="end")
    hours(frame, 46, frame.y + frame.height - 2)


def pie(frame: Frame) -> None:
    rows = sorted(frame.answers[0], key=lambda row: -float(row["value"][1]))
    total = sum(float(row["value"][1]) for row in rows)
    radius = min(frame.height / 2 - 8, frame.width / 4)
    middle, centre = frame.x + radius + 12, frame.y + frame.height / 2
    ring = 2 * math.pi * (radius - 14)
    before = 0.0
    for number, (row, colour) in enumerate(zip(rows, COLOURS, strict=False)):
        share = float(row["value"][1]) / total
        frame.marks.append(
            f'<circle cx="{middle:.1f}" cy="{centre:.1f}" r="{radius - 14:.1f}" fill="none" '
            f'stroke="{colour}" '
            f'stroke-width="28" stroke-dasharray="{share * ring:.1f} {ring:.1f}" '
            f'stroke-dashoffset="{-before * ring:.1f}" transform="rotate(-90 {middle:.1f} {centre:.1f})"/>'
        )
        before += share
        y = centre - 9 * len(rows) + 19 * number + 10
        frame.box(middle + radius + 24, y - 8, 10, 10, colour)
        words = f"{row['metric']['workflow_phase']}  {float(row['value'][1]):.0f}  ({share:.0%})"
        frame.text(middle + radius + 40, y + 1, words, 11)


def state_timeline(frame: Frame) -> None:
    rows = frame.answers[0]
    tall = min(30.0, (frame.height - 22) / max(len(rows), 1))
    left = 190
    for number, row in enumerate(rows):
        y = frame.y + 6 + number * tall
        frame.text(frame.x, y + tall / 2 + 2, legend_of(frame, 0, row["metric"]), 11)
        moments = [float(at) for at, value in row["values"] if float(value) >= 1]
        if moments:
            begin, end = frame.place(moments[0], left, 6), frame.place(moments[-1], left, 6)
            frame.box(begin, y, max(end - begin, 3), tall - 8, NAMED["orange"], 0.9)
    hours(frame, left, frame.y + frame.height - 4)


def in_unit(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit == "s":
        return f"{value / 60:.1f} min" if value >= 60 else f"{value:.3g} s"
    if unit == "whole":
        return f"{value:.0f}"
    if unit == "cpm":
        return f"{value:.2g} /min"
    return f"{value:.0f}" if value >= 10 else f"{value:.3g}"


PAINTERS: dict[str, Callable[[Frame], None]] = {
    "timeseries": time_series,
    "stat": stat,
    "gauge": gauge,
    "table": table,
    "heatmap": heatmap,
    "piechart": pie,
    "state-timeline": state_timeline,
}
