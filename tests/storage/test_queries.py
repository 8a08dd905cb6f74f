"""The named statements and the parser that finds them."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.errors import StorageError
from session_buddy.storage.queries import parse_queries, queries


def test_every_statement_has_a_description() -> None:
    found = queries()
    assert len(found) > 40
    for query in found.values():
        assert query.description.endswith((".", "?"))
        assert query.sql


def test_every_statement_is_one_statement() -> None:
    for query in queries().values():
        assert len(duckdb.extract_statements(query.sql)) == 1, query.name


def test_a_statement_is_found_by_its_name_with_what_it_is_for() -> None:
    one = "-- one --\n-- Says one,\n-- and no more.\nSELECT 1; -- really\n\n"
    text = one + "-- two --\n-- Says two.\nSELECT 2;\n"
    found = parse_queries(text)
    assert list(found) == ["one", "two"]
    assert found["one"].description == "Says one, and no more."
    assert found["one"].sql == "SELECT 1; -- really"
    assert found["two"].sql == "SELECT 2"


@pytest.mark.parametrize(
    "text",
    [
        "-- one --\nSELECT 1;\n",
        "-- one --\n-- Only described.\n",
        "-- one --\n-- A.\nSELECT 1;\n-- one --\n-- B.\nSELECT 2;\n",
    ],
)
def test_a_statement_without_description_text_or_name_of_its_own_is_refused(text: str) -> None:
    with pytest.raises(StorageError, match="'one'"):
        parse_queries(text)


@pytest.mark.slow
@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), st.text("abc \n'", min_size=1), max_size=5
    )
)
def test_what_was_written_is_what_is_found(bodies: dict[str, str]) -> None:
    statements = {name: f"SELECT {body}".strip() for name, body in bodies.items()}
    text = "".join(f"-- {name} --\n-- About it.\n{statement};\n\n" for name, statement in statements.items())
    assert {name: query.sql for name, query in parse_queries(text).items()} == statements
