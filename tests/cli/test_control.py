"""The leader's calls for commands: what they take, and what they refuse."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from session_buddy.bootstrap import open_services
from session_buddy.config import Settings
from session_buddy.errors import InvalidInput, NotFound
from session_buddy.serve.control import Control
from tests.cli.conftest import DOCS, SHOP, acknowledge, use


@pytest.fixture(scope="module")
def control(folded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    home = Path(shutil.copytree(folded, tmp_path_factory.mktemp("control") / "home"))
    with open_services(Settings(home=str(home))) as services:
        yield Control(services)


def _quietly(_report: dict[str, Any]) -> None:
    return


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("nonsense", {}, "no call 'nonsense'"),
        ("status", {"verbose": True}, "verbose"),
        ("skill_metrics", {"limit": 0}, "limit"),
        ("skill_metrics", {"limit": "many"}, "limit"),
        ("skill_metrics", {"since": "2026-03-01T00:00:00"}, "since"),
        ("skill_metrics", {"since": "yesterday"}, "since"),
        ("real_time_metrics", {"time_window_hours": -1}, "time_window_hours"),
        ("session_analytics", {"session_id": ""}, "session_id"),
        ("describe_skill", {}, "skill_name"),
        ("forget", {}, "exactly one"),
        ("forget", {"skill_name": "review", "session_id": SHOP}, "exactly one"),
        ("preview_forget", {}, "Name a session"),
    ],
)
def test_what_a_call_cannot_use_is_named(
    control: Control, name: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        control.call(name, arguments, _quietly)


@pytest.mark.parametrize(
    "name",
    ["status", "skill_metrics", "real_time_metrics", "sessions", "session_analytics", "migrations", "fold"],
)
def test_every_answer_can_be_written_as_json(control: Control, name: str) -> None:
    answer = control.call(name, {}, _quietly)
    assert json.loads(json.dumps(answer)) == answer


def test_the_beginning_of_an_id_is_enough_if_only_one_session_has_it(control: Control) -> None:
    assert control.call("session_analytics", {"session_id": DOCS[:4]}, _quietly)["session_id"] == DOCS
    with pytest.raises(NotFound):
        control.call("session_analytics", {"session_id": "zzz"}, _quietly)


@pytest.mark.slow
def test_a_beginning_that_several_sessions_have_is_asked_back(folded: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(folded, tmp_path / "home"))
    acknowledge(home, [use(90, "review", SHOP[:10] + "-another")])
    with (
        open_services(Settings(home=str(home))) as services,
        pytest.raises(InvalidInput, match="2 sessions begin"),
    ):
        Control(services).call("session_analytics", {"session_id": SHOP[:6]}, _quietly)


def test_an_export_comes_in_lines_and_ends_with_their_number(control: Control) -> None:
    reports: list[dict[str, Any]] = []
    assert control.call("export", {}, reports.append) == {"exported": 4}
    lines = "".join(report["lines"] for report in reports).splitlines()
    assert [json.loads(line)["session_id"] for line in lines] == [SHOP, SHOP, SHOP, DOCS]


def test_a_preview_deletes_nothing_and_says_what_would_go(control: Control) -> None:
    (preview,) = control.call("preview_forget", {"target": "review"}, _quietly)
    assert (preview["scope"], preview["value"], preview["invocation_count"]) == ("skill", "review", 3)
    assert preview["first_at"] == "2026-03-01T09:01:00Z"
    (before,) = control.call("preview_forget", {"before": "2026-03-01T09:30:00Z"}, _quietly)
    assert before["invocation_count"] == 3
    assert control.call("status", {}, _quietly)["counts"]["skill_invocation"] == 4
