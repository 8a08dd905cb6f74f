"""The feed's message schemas as the rows that its document has."""

from collections.abc import Iterator, Mapping
from typing import Any


def rows(schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(field, type) of a message in the schema's order; fields inside of others as `data.skills[].name`."""
    return list(_fields(schema, schema.get("$defs", {}), ""))


def _fields(schema: Mapping[str, Any], named: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, field in schema["properties"].items():
        yield f"{before}{name}", _type(field, named)
        inner, mark = _inner(field, named)
        if inner is not None:
            yield from _fields(inner, named, f"{before}{name}{mark}.")


def _inner(field: Mapping[str, Any], named: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """The object inside of a field, and how its path is written."""
    field = _resolved(field, named)
    if field.get("type") == "array":
        item = _resolved(field["items"], named)
        return (item, "[]") if item.get("type") == "object" else (None, "")
    return (field, "") if field.get("type") == "object" else (None, "")


def _resolved(field: Mapping[str, Any], named: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = field.get("$ref")
    return named[reference.rpartition("/")[2]] if reference else field


def _type(field: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    field = _resolved(field, named)
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(one, named) for one in field["anyOf"]))
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field["type"] == "array":
        return f"array of {_type(field['items'], named)}"
    return "time" if field.get("format") == "date-time" else str(field["type"])
