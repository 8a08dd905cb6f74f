"""What the alerts and the dashboard ask for is exported, and what is exported is documented."""

import re

from session_buddy.serve.metric_families import BY_NAME, FAMILIES, PREFIX
from tests.docs.pages import DOCS
from tests.monitoring.names import expressions, recorded, recorded_used, used
from tests.support.monitoring import RULES


def test_every_metric_that_is_asked_for_has_a_name_and_labels_of_the_contract() -> None:
    asked = used()
    assert len(list(expressions())) > 60
    assert set(asked) <= set(BY_NAME)
    for name, labels in asked.items():
        assert labels <= set(BY_NAME[name].labels), name


def test_labels_that_are_grouped_by_or_told_are_of_the_contract() -> None:
    known = {label for family in FAMILIES for label in family.labels} | {"job", "instance", "le"}
    text = "\n".join(expressions()) + RULES.read_text("utf-8")
    grouped = {
        label.strip()
        for group in re.findall(r"\b(?:by|on|without|ignoring) \(([^)]*)\)", text)
        for label in group.split(",")
    }
    assert grouped - known == set()
    assert set(re.findall(r"\$labels\.(\w+)", text)) - known == set()


def test_every_series_that_is_recorded_is_asked_for_and_documented() -> None:
    assert recorded_used() <= recorded()
    assert recorded() <= recorded_used()
    page = (DOCS / "reference" / "metrics.md").read_text("utf-8")
    assert {name for name in recorded() if f"`{name}`" not in page} == set()


def test_every_metric_is_documented_with_its_kind_labels_and_meaning() -> None:
    page = (DOCS / "reference" / "metrics.md").read_text("utf-8")
    for family in FAMILIES:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        assert f"| `{PREFIX}{family.name}` | {family.kind} | {labels} | {family.help}" in page
    documented = set(re.findall(rf"^\| `{PREFIX}(\w+)`", page, re.MULTILINE))
    assert documented == set(BY_NAME)
