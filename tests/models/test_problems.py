"""Problems of validation are told in sentences."""

from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from session_buddy.models.problems import problems_of, shown


class Sample(BaseModel):
    count: int = Field(default=0, lt=10, ge=0)
    words: list[str] = []
    even: int = 0

    @field_validator("even")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("give an even number.")
        return value


def told(**fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate(fields)
    return problems_of(caught.value)


def test_a_nested_field_is_named_with_its_path() -> None:
    assert told(words=["a", 3]) == "words.1 must be text (got 3)."


def test_a_validator_of_our_own_speaks_for_itself() -> None:
    assert told(even=3) == "even: give an even number."


def test_bounds_are_told_as_numbers() -> None:
    assert told(count=10) == "count must be less than 10 (got 10)."
    assert told(count=-1) == "count must be 0 or more (got -1)."


def test_a_problem_without_a_sentence_of_its_own_is_told_in_pydantics_words() -> None:
    assert told(words="abc") == "words cannot be used: Input should be a valid list (got 'abc')."


def test_no_more_than_three_problems_are_told() -> None:
    said = told(words=[1, 2, 3, 4, 5])
    assert said.count("must be text") == 3
    assert said.endswith("And 2 more of this kind.")


@pytest.mark.parametrize("value", ["x" * 1_000_000, ["x"] * 1_000_000, {"k": "v" * 1_000_000}])
def test_a_large_value_is_never_repeated(value: object) -> None:
    assert len(shown(value)) < 100


def test_a_long_text_is_told_with_its_length() -> None:
    assert shown("x" * 1000).endswith("... (1,000 characters)")
