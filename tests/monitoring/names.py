"""What the shipped files ask Prometheus for: metrics, their labels, recorded series."""

import json
import re
from collections.abc import Iterator

from session_buddy.serve.metric_families import BY_NAME, PREFIX
from tests.support.monitoring import MONITORING, RULES

ALWAYS = {"job", "instance", "le", "__name__"}
_SELECTOR = re.compile(r"\bsession_buddy_(\w+)(?:\{([^}]*)\})?")
_RECORDED = re.compile(r"\bsession_buddy:[\w:]+")


def expressions() -> Iterator[str]:
    """Every expression of the rules and of the dashboard."""
    text = RULES.read_text("utf-8")
    for found in re.finditer(r"^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.*))", text, re.MULTILINE):
        yield found[1] or found[2]
    for panel in json.loads((MONITORING / "grafana-dashboard.json").read_text("utf-8"))["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]


def family_of(name: str) -> str:
    """The family that a series belongs to, without the prefix."""
    for suffix in ("_bucket", "_count", "_sum"):
        if name.removesuffix(suffix) in BY_NAME:
            return name.removesuffix(suffix)
    return name


def used() -> dict[str, set[str]]:
    """Families that are asked for -> the labels that are matched or grouped by with them."""
    found: dict[str, set[str]] = {}
    for expression in expressions():
        for name, inside in _SELECTOR.findall(expression):
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside))
            found.setdefault(family_of(name), set()).update(labels - ALWAYS)
    return found


def recorded_used() -> set[str]:
    """Recorded series that are asked for."""
    return {name for expression in expressions() for name in _RECORDED.findall(expression)}


def recorded() -> set[str]:
    """Recorded series that there are."""
    return set(re.findall(r"- record: (\S+)", RULES.read_text("utf-8")))


def exported(page: str) -> set[str]:
    """Families of which a page of metrics has a series."""
    names = re.findall(rf"^{PREFIX}(\w+)[{{ ]", page, re.MULTILINE)
    return {family_of(name) for name in names}
