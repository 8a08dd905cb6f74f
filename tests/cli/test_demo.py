"""`demo`: the whole product on recorded sessions, without touching anything of the user's."""

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.slow


def test_the_demo_tells_its_story_and_leaves_nothing_behind(run: Run, home: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    result = run("demo", TMPDIR=str(scratch))
    assert (result.returncode, result.stderr) == (0, "")
    story = " ".join(result.stdout.split())
    for told in ("code-review", "changelog-polisher", "unknown skill", "check failed", "install claude"):
        assert told in story
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    for line in _shown_in_readme():
        assert line in story, line
    assert list(scratch.iterdir()) == []
    assert not home.exists()
    assert list((tmp_path / "user").iterdir()) == []


def _shown_in_readme() -> list[str]:
    """The rows that README shows of the demo, without what depends on the day."""
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    block = readme.partition("From the demo:")[2].partition("```\n")[2].partition("```")[0]
    rows = [re.sub(r" +\d+ d ago$", "", line) for line in block.splitlines() if line]
    return [" ".join(row.split()) for row in rows]


def test_the_demo_s_data_can_be_kept_and_looked_at(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert run("demo", "--home", str(kept)).returncode == 0
    assert "code-review" in run("--home", str(kept), "top").stdout


def test_the_demo_does_not_play_into_a_record_that_is_there(run: Run, recorded: Path) -> None:
    result = run("demo", "--home", str(recorded))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "not empty" in result.stderr
