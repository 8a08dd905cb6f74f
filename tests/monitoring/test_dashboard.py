"""The dashboard's file: from the generator, in Grafana's types, by the rules of Grafana's own linter."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitoring.dashboard.__main__ import TARGET, text
from tests.docs.pages import DOCS

HERE = Path(__file__).parent
SHIPPED = json.loads(TARGET.read_text("utf-8"))
PANELS = [panel for panel in SHIPPED["panels"] if panel["type"] != "row"]
ASKED_FOR = {
    "Skill invocations",
    "Completion rate, 24 h",
    "Anomalies",
    "Active sessions",
    "Top skills, 24 h",
    "Durations",
    "Workflow phases",
    "Anomalies over time",
    "Live feed",
    "Database connections",
    "Alerts that fire",
}
UNITS = {"short", "percentunit", "cpm", "s", "bytes", "none", "dateTimeFromNow", "bool_yes_no"}


def queries() -> Iterator[tuple[str, str]]:
    """(title of the panel, expression) of every query."""
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def test_the_file_is_what_the_generator_makes() -> None:
    assert TARGET.read_text("utf-8") == text()


def test_all_panels_that_were_asked_for_are_there_and_it_refreshes_every_five_seconds() -> None:
    assert {panel["title"] for panel in PANELS} >= ASKED_FOR
    assert SHIPPED["refresh"] == "5s"
    assert {row["title"] for row in SHIPPED["panels"] if row["type"] == "row"} >= {
        "Experiments",
        "Predictions",
    }


def test_panels_have_their_own_places() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in SHIPPED["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in SHIPPED["panels"]}) == len(SHIPPED["panels"])


def test_links_lead_to_runbooks_that_exist_and_skills_to_themselves() -> None:
    urls = [link["url"] for panel in PANELS for link in panel["links"]]
    named = {url.removeprefix("${runbooks}/") for url in urls}
    assert {name for name in named if not (DOCS / "runbooks" / name).is_file()} == set()
    drilling = [panel["title"] for panel in PANELS if "var-skill=" in json.dumps(panel)]
    assert drilling == ["Skill invocations", "Top skills, 24 h", "Anomalies over time"]


def test_what_can_be_bad_is_coloured_by_thresholds() -> None:
    plain = [{"color": "green", "value": None}]
    coloured = {
        panel["title"] for panel in PANELS if panel["fieldConfig"]["defaults"]["thresholds"]["steps"] != plain
    }
    assert coloured >= {"Completion rate, 24 h", "Anomalies", "Database connections", "Sample reached"}


# The rules that Grafana publishes with its dashboard-linter, by the names they have there.


def test_template_datasource_rule() -> None:
    [source] = [one for one in SHIPPED["templating"]["list"] if one["type"] == "datasource"]
    assert (source["name"], source["label"], source["query"]) == ("datasource", "Data source", "prometheus")


@pytest.mark.parametrize("name", ["job", "instance"])
def test_template_job_rule_and_template_instance_rule(name: str) -> None:
    [found] = [one for one in SHIPPED["templating"]["list"] if one["name"] == name]
    assert found["type"] == "query"
    assert found["datasource"]["uid"] == "$datasource"
    assert found["label"] == name
    assert found["multi"]
    assert found["allValue"] == ".+"


def test_template_label_promql_rule_and_template_on_time_change_reload_rule() -> None:
    found = [one for one in SHIPPED["templating"]["list"] if one["type"] == "query"]
    assert {one["name"] for one in found} == {"job", "instance", "skill"}
    for one in found:
        assert re.fullmatch(r"label_values\(session_buddy_\w+(\{.+\})?, \w+\)", one["query"]["query"])
        assert one["refresh"] == 2


def test_uneditable_dashboard_rule() -> None:
    assert SHIPPED["editable"] is False


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_panel_rules(panel: dict[str, Any]) -> None:
    assert panel["datasource"] == {"type": "prometheus", "uid": "$datasource"}
    assert panel["title"]
    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["targets"]


@pytest.mark.parametrize(("title", "expression"), list(queries()))
def test_target_rules(title: str, expression: str) -> None:
    selectors = re.findall(r"(?:session_buddy[\w:]+|\bALERTS)(\{[^}]*\})?", expression)
    assert selectors
    for selector in selectors:
        assert 'job=~"$job"' in selector
        assert 'instance=~"$instance"' in selector
    assert re.findall(r"\bi?rate\([^[]*\[(?!\$__rate_interval\])", expression) == []
    counters = re.findall(r"(\w*)\(session_buddy_\w+_total\b", expression)
    assert len(counters) == len(re.findall(r"session_buddy_\w+_total\b", expression))
    assert set(counters) <= {"rate", "increase"}


def test_target_promql_rule(promtool: Path, tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": resolved(one)} for number, (_, one) in enumerate(queries())
    ]
    path = tmp_path / "queries.yaml"
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    checked = subprocess.run([promtool, "check", "rules", path], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_target_logql_rules_have_nothing_to_look_at() -> None:
    assert {target["datasource"]["type"] for panel in PANELS for target in panel["targets"]} == {"prometheus"}


def resolved(expression: str) -> str:
    return re.sub(r"\$__\w+", "5m", expression).replace("$", "")


@pytest.mark.slow
@pytest.mark.node
def test_it_has_the_types_of_grafana(node_modules: Path, tmp_path: Path) -> None:
    checked = type_checked(SHIPPED, node_modules, tmp_path)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.slow
@pytest.mark.node
def test_the_types_of_grafana_find_what_is_wrong(node_modules: Path, tmp_path: Path) -> None:
    wrong = json.loads(json.dumps(SHIPPED).replace('"displayMode": "table"', '"displayMode": "tabel"'))
    checked = type_checked(wrong, node_modules, tmp_path)
    assert "tabel" in checked.stdout


def type_checked(
    dashboard: dict[str, Any], node_modules: Path, folder: Path
) -> subprocess.CompletedProcess[str]:
    """What `tsc` says of a dashboard that is written out as literals of Grafana's types."""
    (folder / "dashboard_types.ts").write_text((HERE / "dashboard_types.ts").read_text())
    (folder / "node_modules").symlink_to(node_modules)
    parts = {
        "Panels": dashboard["panels"],
        "Variables": dashboard["templating"]["list"],
        "Annotations": dashboard["annotations"]["list"],
        "Whole": {
            key: value
            for key, value in dashboard.items()
            if key not in {"panels", "templating", "annotations"}
        },
    }
    lines = [f"import type {{ {', '.join(parts)} }} from './dashboard_types';"]
    lines += [f"export const {name.lower()}: {name} = {json.dumps(part)};" for name, part in parts.items()]
    (folder / "dashboard.ts").write_text("\n".join(lines))
    return subprocess.run(
        [
            *(str(node_modules / ".bin/tsc"), "--noEmit", "--strict", "--skipLibCheck"),
            *("--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "dashboard.ts"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
    )
