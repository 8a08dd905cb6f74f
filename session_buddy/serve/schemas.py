"""JSON schemas as they are sent to clients: only what a reader of `tools/list` can use.

Every schema is read by a model at the start of every conversation, so bytes are tokens. What goes:
titles (the names again), docstrings of nested models, regular expressions, that a text must not be empty
(nobody means to send one, and it is refused with a reason all the same), and `null`: inputs accept it all
the same, and answers leave out what has no value. Outputs also lose bounds, defaults, long
enumerations, and closed objects and required fields, so that a later version may add a field. Definitions
used once are put where they are used. What is left has one `type` everywhere, which is what clients that
map schemas to other dialects need.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]
_REFERENCE = "#/$defs/"
_DROPPED = frozenset({"title", "pattern", "minLength", "$defs"})
_DROPPED_FROM_OUTPUTS = frozenset({"default", "maximum", "maxLength", "minimum", "required"})
_ENUMERATION_LIMIT = 8


def input_schema(schema: Mapping[str, Any]) -> Schema:
    """The arguments of a tool; arguments that are not named are refused."""
    lean = {key: value for key, value in _Lean(schema, output=False).root().items() if key != "description"}
    return {**lean, "additionalProperties": False}


def output_schema(schema: Mapping[str, Any]) -> Schema:
    """The answer of a tool; the tool's own description says what it is."""
    lean = _Lean(schema, output=True).root()
    return {key: value for key, value in lean.items() if key != "description"}


class _Lean:
    """One pass over one schema."""

    def __init__(self, schema: Mapping[str, Any], *, output: bool) -> None:
        self._schema = schema
        self._output = output
        self._definitions: Mapping[str, Schema] = schema.get("$defs", {})
        uses = list(_references(schema))
        self._shared = {name for name in self._definitions if uses.count(name) > 1}

    def root(self) -> Schema:
        lean = self._node(self._schema)
        if self._shared:
            lean["$defs"] = {name: self._definition(name) for name in sorted(self._shared)}
        return lean

    def _definition(self, name: str) -> Schema:
        return {
            key: value for key, value in self._node(self._definitions[name]).items() if key != "description"
        }

    def _node(self, node: Mapping[str, Any]) -> Schema:
        if "anyOf" in node:
            return self._union(node)
        if "$ref" in node:
            return self._reference(node)
        lean = {key: self._child(key, value) for key, value in node.items() if key not in _DROPPED}
        if self._output:
            return {key: value for key, value in lean.items() if _says_something(key, value)}
        if lean.get("default", ...) is None:
            del lean["default"]
        return lean

    def _child(self, key: str, value: Any) -> Any:
        if key == "properties":
            return {name: self._node(child) for name, child in value.items()}
        if key == "items" or (key == "additionalProperties" and isinstance(value, Mapping)):
            return self._node(value)
        return value

    def _union(self, node: Mapping[str, Any]) -> Schema:
        arms = [arm for arm in node["anyOf"] if arm.get("type") != "null"]
        siblings = {key: value for key, value in node.items() if key != "anyOf"}
        if len(arms) > 1:
            return {**self._node(siblings), "anyOf": [self._node(arm) for arm in arms]}
        return self._node({**arms[0], **siblings})

    def _reference(self, node: Mapping[str, Any]) -> Schema:
        name = node["$ref"].removeprefix(_REFERENCE)
        siblings = {key: value for key, value in node.items() if key != "$ref" and key not in _DROPPED}
        siblings = {key: value for key, value in siblings.items() if not (key == "default" and value is None)}
        return (
            {"$ref": node["$ref"], **siblings}
            if name in self._shared
            else {**self._definition(name), **siblings}
        )


def _says_something(key: str, value: Any) -> bool:
    """Whether a keyword of an output's schema helps a reader."""
    if key == "enum":
        return len(value) <= _ENUMERATION_LIMIT
    return key not in _DROPPED_FROM_OUTPUTS and not (key == "additionalProperties" and value is False)


def _references(node: Any) -> Iterator[str]:
    """Names of the definitions that a schema refers to, once for each use."""
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(_REFERENCE)
        for child in node.values():
            yield from _references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child)
