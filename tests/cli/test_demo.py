"""`demo`: the whole product on recorded sessions, without touching anything of the user's."""

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
    assert list(scratch.iterdir()) == []
    assert not home.exists()
    assert list((tmp_path / "user").iterdir()) == []


def test_the_demo_s_data_can_be_kept_and_looked_at(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert run("demo", "--home", str(kept)).returncode == 0
    assert "code-review" in run("--home", str(kept), "top").stdout


def test_the_demo_does_not_play_into_a_record_that_is_there(run: Run, recorded: Path) -> None:
    result = run("demo", "--home", str(recorded))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "not empty" in result.stderr
