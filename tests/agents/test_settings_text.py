"""Edits of other people's settings as text: TOML, and JSON with comments."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.errors import ConfigurationError
from session_buddy.ingest.agents import jsonc, toml_text
from session_buddy.ingest.agents.json_text import remove_value, set_value
from tests.support.settings_files import SERVERS

VALUES = {"command": "/opt/session-buddy", "args": ["serve", "--home", 'a "b" \\c']}
KEYS = st.text("abcdefgh-_", min_size=1, max_size=5)
LINES = st.sampled_from(
    [
        "# [mcp_servers.x]",
        "",
        'a = "[b]"',
        "b = [\n  1,\n  [2],\n]",
        'c = """\n[mcp_servers.session-buddy]\n"""',
    ]
)


@st.composite
def toml_documents(draw: st.DrawFn) -> str:
    """Tables in the ways that people write them, some that look like ours and are not."""
    blocks = []
    for name in draw(st.lists(KEYS, unique=True, max_size=4)):
        lines = draw(st.lists(LINES, unique=True, max_size=3))
        header = draw(
            st.sampled_from(["[{0}]", "[mcp_servers.{0}]", '[ mcp_servers . "{0}" ]', "[[list.{0}]]"])
        )
        blocks.append("\n".join([header.format(name), *lines]))
    text = "\n".join(blocks) + draw(st.sampled_from(["", "\n", "\n\n# the end"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@given(toml_documents())
def test_our_table_goes_in_and_out_of_any_document_or_is_refused(text: str) -> None:
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    try:
        with_ours = toml_text.with_table(text, "mcp_servers", "session-buddy", VALUES)
    except ConfigurationError:
        return
    assert with_ours.startswith(text)
    assert tomllib.loads(with_ours)["mcp_servers"]["session-buddy"] == VALUES
    assert toml_text.with_table(with_ours, "mcp_servers", "session-buddy", VALUES) == with_ours
    try:
        without = toml_text.without_table(with_ours, "mcp_servers", "session-buddy")
    except ConfigurationError:
        assert '"""' in text
        return
    assert tomllib.loads(without) == before
    assert without.rstrip() == text.rstrip()


@pytest.mark.slow
@given(st.dictionaries(KEYS, st.text(max_size=12) | st.integers() | st.lists(st.text(max_size=5))))
def test_json_without_comments_is_its_own_plain_form(document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=2)
    assert jsonc.plain(text) == text


@pytest.mark.slow
@given(SERVERS, st.sampled_from(['// a " { comment', "/* [ , */", "/* a\n b */"]))
def test_comments_outlive_what_is_put_in_and_taken_out(document: dict[str, Any], comment: str) -> None:
    text = comment + "\n" + json.dumps(document, indent=4) + "\n" + comment
    path = ("mcpServers", "session-buddy")
    put = jsonc.edited(text, lambda plain: set_value(plain, path, {"command": "x"}))
    assert json.loads(jsonc.plain(put))["mcpServers"]["session-buddy"] == {"command": "x"}
    taken = jsonc.edited(put, lambda plain: remove_value(plain, path))
    assert (taken.count(comment), put.count(comment)) == (text.count(comment), text.count(comment))
    left = json.loads(jsonc.plain(taken))
    assert left == document | {"mcpServers": document.get("mcpServers", {})}


def test_a_trailing_comma_stays_and_what_is_put_behind_it_parses() -> None:
    text = '{\n  "servers": {\n    "a": {"command": "a"}, // first\n  },\n}\n'
    put = jsonc.edited(text, lambda plain: set_value(plain, ("servers", "b"), {"command": "b"}))
    assert json.loads(jsonc.plain(put)) == {"servers": {"a": {"command": "a"}, "b": {"command": "b"}}}
    assert "// first" in put
