"""Schemas are made lean without losing what they say."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from session_buddy.serve.schemas import input_schema, output_schema


class Shared(BaseModel):
    """Used twice."""

    title: str


class Once(BaseModel):
    """Used once."""

    description: int = Field(description="a field of that name")


class Everything(BaseModel):
    """All that the tools' models use."""

    default: str | None = None
    properties: Annotated[int, Field(ge=1, le=9, description="kept")] = 3
    first: Shared
    second: Shared | None = Field(default=None, description="kept too")
    once: Once | None = None
    few: Literal["a", "b"] | None = None
    many: Literal["a", "b", "c", "d", "e", "f", "g", "h", "i"] = "a"
    listed: list[Once | None] = []
    either: str | list[dict[str, Any]] = ""
    mapped: dict[str, Once] = {}
    named: Annotated[str, Field(min_length=1, max_length=9)] = "x"


def test_an_input_keeps_bounds_defaults_and_required_arguments() -> None:
    lean = input_schema(Everything.model_json_schema())
    assert lean["properties"]["properties"] == {
        "default": 3,
        "description": "kept",
        "maximum": 9,
        "minimum": 1,
        "type": "integer",
    }
    assert lean["required"] == ["first"]
    assert lean["additionalProperties"] is False
    assert lean["properties"]["default"] == {"type": "string"}
    assert lean["properties"]["few"] == {"enum": ["a", "b"], "type": "string"}
    assert lean["properties"]["named"] == {"default": "x", "maxLength": 9, "type": "string"}


def test_an_output_says_types_and_descriptions_alone() -> None:
    lean = output_schema(Everything.model_json_schema())
    properties = lean["properties"]
    assert properties["properties"] == {"description": "kept", "type": "integer"}
    assert properties["many"] == {"type": "string"}
    assert properties["few"] == {"enum": ["a", "b"], "type": "string"}
    assert not {"required", "additionalProperties", "title", "description"} & set(lean)


def test_a_definition_used_once_stands_where_it_is_used() -> None:
    class Whole(BaseModel):
        once: Once | None = None
        first: Shared
        second: Shared

    lean = output_schema(Whole.model_json_schema())
    assert lean["properties"]["once"] == {
        "properties": {"description": {"description": "a field of that name", "type": "integer"}},
        "type": "object",
    }
    assert set(lean["$defs"]) == {"Shared"}


def test_a_definition_used_twice_is_kept_once_without_its_docstring() -> None:
    lean = output_schema(Everything.model_json_schema())
    assert lean["properties"]["second"] == {"$ref": "#/$defs/Shared", "description": "kept too"}
    assert lean["$defs"]["Shared"] == {"properties": {"title": {"type": "string"}}, "type": "object"}


def test_alternatives_stay_apart() -> None:
    lean = input_schema(Everything.model_json_schema())
    assert lean["properties"]["either"] == {
        "anyOf": [
            {"type": "string"},
            {"items": {"additionalProperties": True, "type": "object"}, "type": "array"},
        ],
        "default": "",
    }


def test_values_of_a_mapping_are_described() -> None:
    lean = output_schema(Everything.model_json_schema())
    assert lean["properties"]["mapped"]["additionalProperties"] == {"$ref": "#/$defs/Once"}


@pytest.mark.parametrize("lean", [input_schema, output_schema])
def test_an_enumeration_class_is_a_definition_like_any_other(lean: Any) -> None:
    class Colour(StrEnum):
        RED = "red"

    class Painted(BaseModel):
        colour: Colour

    assert lean(Painted.model_json_schema())["properties"]["colour"]["enum"] == ["red"]
