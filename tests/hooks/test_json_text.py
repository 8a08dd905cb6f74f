"""Edits of a JSON document touch nothing beside what they edit."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from session_buddy.ingest.agents.json_text import append_value, remove_value, set_value
from tests.support.settings_files import JSON, written

OBJECTS = st.dictionaries(st.text(max_size=4), JSON, max_size=4)


def text_of(data: bytes) -> str:
    return data.decode("utf-8-sig")


@pytest.mark.slow
@given(written(OBJECTS), st.text(max_size=4), JSON)
def test_setting_a_member_is_what_setting_it_in_the_value_is(data: bytes, key: str, value: Any) -> None:
    text = text_of(data)
    expected = {**json.loads(text), key: value}
    edited = json.loads(set_value(text, (key,), value))
    assert (edited, list(edited)) == (expected, list(expected))


@pytest.mark.slow
@given(written(OBJECTS), st.text(max_size=4), st.text(max_size=4), JSON)
def test_a_list_that_is_missing_is_made_with_what_leads_to_it(
    data: bytes, outer: str, inner: str, value: Any
) -> None:
    text = text_of(data)
    document = json.loads(text)
    assume(outer not in document)
    once = append_value(text, (outer, inner), value)
    assert json.loads(once) == {**document, outer: {inner: [value]}}
    twice = append_value(once, (outer, inner), value)
    assert json.loads(twice) == {**document, outer: {inner: [value, value]}}
    assert remove_value(twice, (outer, inner, 1)) == once


@pytest.mark.slow
@given(written(OBJECTS), st.text(max_size=4), JSON)
def test_what_is_added_to_a_document_with_members_can_be_taken_out_without_a_trace(
    data: bytes, key: str, value: Any
) -> None:
    text = text_of(data)
    assume(json.loads(text) and key not in json.loads(text))
    assert remove_value(set_value(text, (key,), value), (key,)) == text


@pytest.mark.slow
@given(written(OBJECTS), st.data())
def test_removing_a_member_leaves_the_others_as_they_were(data: bytes, draw: st.DataObject) -> None:
    text = text_of(data)
    document = json.loads(text)
    assume(document)
    key = draw.draw(st.sampled_from(sorted(document)))
    del document[key]
    assert json.loads(remove_value(text, (key,))) == document


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}\n", '{\n  "a": {\n    "b": [\n      1\n    ]\n  }\n}\n'),
        (
            '{\n    "x": 1\n}\n',
            '{\n    "x": 1,\n    "a": {\n        "b": [\n            1\n        ]\n    }\n}\n',
        ),
        ('{\r\n\t"x": {}\r\n}', '{\r\n\t"x": {},\r\n\t"a": {\r\n\t\t"b": [\r\n\t\t\t1\r\n\t\t]\r\n\t}\r\n}'),
        ('{\n  "a": {}\n}\n', '{\n  "a": {\n    "b": [\n      1\n    ]\n  }\n}\n'),
        ('{"x":1}', '{"x":1, "a": {"b": [1]}}'),
        ('{ "a" : { "b" : [ 0 ] } }', '{ "a" : { "b" : [ 0, 1 ] } }'),
        ('{"a": {"b": []}}', '{"a": {"b": [1]}}'),
        ('{"a": 1, "a": {"b": [0]}}', '{"a": 1, "a": {"b": [0, 1]}}'),
    ],
    ids=["empty", "four spaces", "tabs and CRLF", "empty member", "one line", "loose", "empty list", "twice"],
)
def test_what_is_added_is_laid_out_like_the_rest(before: str, after: str) -> None:
    assert append_value(before, ("a", "b"), 1) == after


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert remove_value('{"a": [1]}', ("b",)) == '{"a": [1]}'
    assert remove_value('{"a": [1]}', ("a", 1)) == '{"a": [1]}'
    assert remove_value('{"a": 1}', ("a", "b")) == '{"a": 1}'
