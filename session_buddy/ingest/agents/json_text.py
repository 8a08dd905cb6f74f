"""Edits of a JSON document that leave every byte outside the edited value as it was.

A settings file is somebody's own: parsing it and writing it anew would reformat it all. So values are
set and removed in the text, in the document's own indentation and line ends.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")

Path = Sequence[str | int]
"""Keys of objects and indexes of lists, from the document's root."""


@dataclass(frozen=True, slots=True)
class _Member:
    """One member of an object or list: its key or index, and where it and its value lie in the text."""

    key: str | int
    start: int
    value_start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Container:
    """An object or list: the places of its brackets, and its members."""

    start: int
    end: int
    members: tuple[_Member, ...]


def set_value(text: str, path: Path, value: Any) -> str:
    """The document with `value` at `path`; objects on the way that are missing are made.

    text: a JSON document, known to parse. path: keys that lead through objects only.
    """
    return _place(text, path, value)


def append_value(text: str, path: Path, value: Any) -> str:
    """The document with `value` at the end of the list at `path`, which is made if it is missing."""
    if _find(text, path) is None:
        return _place(text, path, [value])
    start = _value_start(text, path)
    return _insert(text, _container(text, start), None, value)


def remove_value(text: str, path: Path) -> str:
    """The document without the member at `path` and its comma; unchanged if it is not there."""
    member = _find(text, path)
    if member is None:
        return text
    container = _container(text, _value_start(text, path[:-1]))
    index = container.members.index(member)
    if len(container.members) == 1:
        return text[: container.start + 1] + text[container.end :]
    if index:
        return text[: container.members[index - 1].end] + text[member.end :]
    return text[: member.start] + text[container.members[1].start :]


def _place(text: str, path: Path, value: Any) -> str:
    member = _find(text, path)
    if member is not None:
        rendered = _render(text, value, _line_indent(text, member.start))
        return text[: member.value_start] + rendered + text[member.end :]
    if len(path) > 1 and _find(text, path[:-1]) is None:
        return _place(text, path[:-1], {path[-1]: value})
    return _insert(text, _container(text, _value_start(text, path[:-1])), str(path[-1]), value)


def _insert(text: str, container: _Container, key: str | None, value: Any) -> str:
    """A member at the end of a container, laid out like those before it."""
    opening = container.start + 1
    if container.members:
        last = container.members[-1]
        gap = text[opening : container.members[0].start]
        separator = "," + (gap if "\n" in gap else " ")
        entry = _entry(text, key, value, _line_indent(text, last.start) if "\n" in gap else None)
        return text[: last.end] + separator + entry + text[last.end :]
    if _unit(text) is None and container.start != _skip(text, 0):
        return text[:opening] + _entry(text, key, value, None) + text[container.end :]
    outer = _line_indent(text, container.start)
    inner = outer + (_unit(text) or "  ")
    line_end = _line_end(text)
    entry = _entry(text, key, value, inner)
    return f"{text[:opening]}{line_end}{inner}{entry}{line_end}{outer}{text[container.end :]}"


def _entry(text: str, key: str | None, value: Any, indent: str | None) -> str:
    rendered = _render(text, value, indent)
    return rendered if key is None else f"{json.dumps(key, ensure_ascii=False)}: {rendered}"


def _render(text: str, value: Any, indent: str | None) -> str:
    """The value as it stands in a line with this indentation; None keeps it on one line."""
    if indent is None:
        return json.dumps(value, ensure_ascii=False)
    lines = json.dumps(value, ensure_ascii=False, indent=_unit(text) or "  ").split("\n")
    return (_line_end(text) + indent).join(lines)


def _unit(text: str) -> str | None:
    """One step of the document's indentation; None if it is written on one line."""
    found = re.search(r"\n([ \t]+)\S", text)
    return found[1] if found else None


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _line_indent(text: str, position: int) -> str:
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _find(text: str, path: Path) -> _Member | None:
    """The member at a path; of equal keys the last, as every JSON parser has it."""
    start = _skip(text, 0)
    member = None
    for key in path:
        if text[start] not in "{[":
            return None
        same = [found for found in _container(text, start).members if found.key == key]
        if not same:
            return None
        member = same[-1]
        start = member.value_start
    return member


def _value_start(text: str, path: Path) -> int:
    member = _find(text, path)
    return _skip(text, 0) if member is None else member.value_start


def _container(text: str, start: int) -> _Container:
    """Read the object or list whose bracket stands at `start`."""
    members: list[_Member] = []
    position = _skip(text, start + 1)
    while text[position] not in "}]":
        if text[position] == ",":
            position = _skip(text, position + 1)
        begin = position
        key: str | int = len(members)
        if text[start] == "{":
            key, position = _DECODER.raw_decode(text, position)
            position = _skip(text, _skip(text, position) + 1)
        _, end = _DECODER.raw_decode(text, position)
        members.append(_Member(key, begin, position, end))
        position = _skip(text, end)
    return _Container(start, position, tuple(members))


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
