"""Event logs for `evaluate`: what is read, and what is refused with the line's number."""

import gzip
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.errors import InvalidInput
from session_buddy.ingest.event_log import read_event_log

TABLE = """session_id,ts,tool,skill,is_error,rejected,cmd0,detail,project,user,source
s1,2026-03-01T10:00:00Z,Skill,plan,False,False,,,web,ada,shop
s1,2026-03-01T10:00:01,Bash,,True,,pytest,,web,ada,shop
s1,2026-03-01T12:00:02+02:00,Task,,False,True,,Explore,web,ada,shop
s1,2026-03-01T10:00:03Z,Read,,,,,,web,ada,shop
"""


def written(folder: Path, text: str) -> str:
    path = folder / "log"
    path.write_text(text, "utf-8")
    return str(path)


def test_a_table_says_what_was_called_for_and_how_it_went(tmp_path: Path) -> None:
    uses = read_event_log(written(tmp_path, TABLE))
    assert [use.fine for use in uses] == ["Skill plan", "Bash pytest", "Task Explore", "Read"]
    assert [use.completed for use in uses] == [True, False, False, None]
    assert [use.skill_name for use in uses] == ["plan", None, None, None]
    assert [use.at - uses[0].at for use in uses] == [0, 1, 2, 3]
    assert {(use.source, use.project, use.user) for use in uses} == {("shop", "web", "ada")}


def test_a_compressed_table_is_read_alike(tmp_path: Path) -> None:
    packed = tmp_path / "log.csv.gz"
    packed.write_bytes(gzip.compress(TABLE.encode()))
    assert read_event_log(str(packed)) == read_event_log(written(tmp_path, TABLE))


def test_an_export_is_read_as_uses_of_skills(tmp_path: Path) -> None:
    line = (
        '{"skill_name": "lint", "session_id": "s", "invoked_at": "2026-03-01T10:00:00Z", "completed": true}\n'
    )
    uses = read_event_log(written(tmp_path, line + "\n" + line))
    assert [(use.skill_name, use.tool, use.completed) for use in uses] == [("lint", "", True)] * 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "no column 'session_id'"),
        ("", "no column 'session_id'"),
        ("session_id,ts,tool\ns1,yesterday,Bash\n", "line 2: 'yesterday' is no time"),
        ("session_id,ts,tool\ns1,2026-03-01,\n", "line 2: tool and session_id"),
        ('{"skill_name": "lint"}\n', "line 1: no exported invocation"),
        ('{"skill_name": \n', "line 1: no exported invocation"),
    ],
)
def test_what_is_no_event_log_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_event_log(written(tmp_path, text))


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(TABLE.encode())[:40])
    with pytest.raises(InvalidInput, match="no event log"):
        read_event_log(str(packed))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes"
    path.write_bytes(data)
    with suppress(InvalidInput):
        assert isinstance(read_event_log(str(path)), list)
