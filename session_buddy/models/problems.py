"""What is wrong with a value, as sentences that a model or a person can act on."""

import reprlib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

_SHOWN_CHARACTERS = 60
_SHOWN_PROBLEMS = 3
_LARGEST_SHOWN = 10**20

_Context = Mapping[str, Any]
_INSTANT = "is no instant; give ISO 8601 with a zone, like 2026-01-31T09:30:00Z"
_SENTENCES: Mapping[str, Callable[[_Context], str]] = {
    "missing": lambda _: "is missing; give it",
    "extra_forbidden": lambda _: "is not known here; leave it out",
    "dict_type": lambda _: "must be an object",
    "string_type": lambda _: "must be text",
    "string_too_short": lambda _: "is empty; give it, or leave it out if it is optional",
    "string_too_long": lambda c: f"is too long; shorten it to {c['max_length']} characters",
    "string_pattern_mismatch": lambda _: "has a control character or a line break; remove it",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "int_parsing_size": lambda _: "is too large; give a smaller whole number",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "finite_number": lambda _: "must be a finite number; leave it out if it is not known",
    "greater_than": lambda c: f"must be more than {c['gt']:g}",
    "greater_than_equal": lambda c: f"must be {c['ge']:g} or more",
    "less_than": lambda c: f"must be less than {c['lt']:g}",
    "less_than_equal": lambda c: f"must be at most {c['le']:.12g}",
    "literal_error": lambda c: f"must be one of {c['expected']}",
    "datetime_type": lambda _: _INSTANT,
    "datetime_parsing": lambda _: _INSTANT,
    "datetime_from_date_parsing": lambda _: _INSTANT,
    "timezone_aware": lambda _: "has no time zone; add Z or an offset, like 2026-01-31T09:30:00Z",
    "uuid_type": lambda _: "is no UUID; copy it from an earlier answer",
    "uuid_parsing": lambda _: "is no UUID; copy it from an earlier answer",
}


def problems_of(error: ValidationError) -> str:
    """The first problems, a sentence each: which field, what is wrong with it, what to do.

    Long values are told by their length, so that an error never repeats a megabyte of input.
    """
    problems = error.errors(include_url=False)
    sentences = [_sentence(problem) for problem in problems[:_SHOWN_PROBLEMS]]
    if len(problems) > _SHOWN_PROBLEMS:
        sentences.append(f"And {len(problems) - _SHOWN_PROBLEMS} more of this kind.")
    return " ".join(sentences)


def shown(value: object) -> str:
    """A value as it can be repeated in a sentence: whole if it is short, else its beginning and length."""
    if isinstance(value, str):
        text = repr(value[:_SHOWN_CHARACTERS])
        return text if len(value) <= _SHOWN_CHARACTERS else f"{text}... ({len(value):,} characters)"
    if isinstance(value, int) and abs(value) > _LARGEST_SHOWN:
        return "a very large number"  # Python refuses to print thousands of digits
    text = reprlib.repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _is_branch(part: object) -> bool:
    """Whether this is not a field's name but which of several types pydantic tried, as in `calls.str`."""
    return isinstance(part, str) and (part in ("str", "int", "float", "bool") or "[" in part)


def _sentence(problem: Mapping[str, Any]) -> str:
    field = ".".join(str(part) for part in problem["loc"] if not _is_branch(part))
    kind = problem["type"]
    if kind == "value_error":
        message = problem["msg"].removeprefix("Value error, ")
        return f"{field}: {message}" if field else message
    known = _SENTENCES.get(kind)
    said = known(problem.get("ctx") or {}) if known else f"cannot be used: {problem['msg']}"
    got = "" if kind in ("missing", "extra_forbidden") else f" (got {shown(problem.get('input'))})"
    return f"{field or 'The input'} {said}{got}."
