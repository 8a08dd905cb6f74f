"""Identity: one key for one thing, so that everything that speaks of one use meets in one row."""

import hashlib
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER_THE_TIME: Final = (1 << 80) - 1


def hashed_id(*parts: str) -> UUID:
    """UUIDv8 (RFC 9562, section 5.8) made from the SHA-256 of `parts`.

    The same parts give the same id in every process and on every machine. Parts are length-prefixed,
    so ("ab", "c") and ("a", "bc") differ.
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    value = bytearray(digest.digest()[:16])
    value[6] = (value[6] & 0x0F) | 0x80
    value[8] = (value[8] & 0x3F) | 0x80
    return UUID(bytes=bytes(value))


def hashed_id_at(at: datetime, *parts: str) -> UUID:
    """UUIDv8 that begins with milliseconds since 1970, as a UUIDv7 does, and goes on as `hashed_id(*parts)`.

    The same time and parts give the same id. What happened together lies together in an index, so a log of
    millions of events has few pages that change. at: with a zone; before 1970 counts as 1970.
    """
    milliseconds = max(0, (at - _EPOCH) // timedelta(milliseconds=1))
    return UUID(int=milliseconds << 80 | hashed_id(*parts).int & _AFTER_THE_TIME)


def time_ordered_id() -> UUID:
    """UUIDv7 (RFC 9562, section 5.7): sorts by its time of making, random otherwise."""
    value = bytearray((time.time_ns() // 1_000_000).to_bytes(6, "big") + os.urandom(10))
    value[6] = (value[6] & 0x0F) | 0x70
    value[8] = (value[8] & 0x3F) | 0x80
    return UUID(bytes=bytes(value))


def time_of(key: str) -> datetime | None:
    """When a UUIDv7 was made, to the millisecond; None if `key` is no UUIDv7."""
    try:
        value = UUID(key)
    except ValueError:
        return None
    if value.version != 7:
        return None
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


def invocation_id_of_tool_use(tool_use_id: str) -> UUID:
    """The invocation that a Claude Code `tool_use` block began, whoever tells of it."""
    return hashed_id("claude-code", "tool_use", tool_use_id)


def invocation_id_of_prompt(prompt_id: str) -> UUID:
    """The invocation that a user typed; a hook's `prompt_id` is the transcript's `promptId`."""
    return hashed_id("claude-code", "prompt", prompt_id)


def key_of_skill(run_key: str) -> str:
    """The request key under which a run of a gate or stage tells of the skill that ran it."""
    return str(hashed_id("request", run_key, "skill"))
