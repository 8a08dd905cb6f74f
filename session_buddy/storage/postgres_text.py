"""Texts and numbers between Python and PostgreSQL.

A PostgreSQL text cannot hold the character NUL, and what agents say may. So on the way in NUL is written as
DLE and `0`, and DLE as two of them; on the way out that is undone. Within JSON both appear escaped.
"""

import json
import re
from typing import Any

from psycopg.adapt import AdaptersMap, Buffer, Loader
from psycopg.types.string import StrDumper

_NUL, _DLE = "\x00", "\x10"
_IN_JSON = re.compile(r"\\(?:u0000|u0010|.)", re.DOTALL)
_OUT_OF_JSON = re.compile(r"\\u0010(?:0|\\u0010)|\\.", re.DOTALL)
_ESCAPED = {r"\u0000": r"\u00100", r"\u0010": r"\u0010\u0010"}
_RESTORED = {r"\u00100": r"\u0000", r"\u0010\u0010": r"\u0010"}


def escaped(text: str) -> str:
    """A text as PostgreSQL can hold it."""
    if _NUL in text or _DLE in text:
        return text.replace(_DLE, _DLE + _DLE).replace(_NUL, _DLE + "0")
    return text


def restored(text: str) -> str:
    """The text that `escaped` was given."""
    if _DLE in text:
        return re.sub(f"{_DLE}({_DLE}|0)", lambda found: _NUL if found[1] == "0" else _DLE, text)
    return text


def escaped_json(text: str) -> str:
    """The same for texts within JSON."""
    if r"\u00" not in text:
        return text
    return _IN_JSON.sub(lambda found: _ESCAPED.get(found[0], found[0]), text)


def restored_json(text: str) -> str:
    """The JSON that `escaped_json` was given."""
    if r"\u0010" not in text:
        return text
    return _OUT_OF_JSON.sub(lambda found: _RESTORED.get(found[0], found[0]), text)


class _TextDumper(StrDumper):
    def dump(self, obj: str) -> Buffer | None:
        return super().dump(escaped(obj))


class _TextLoader(Loader):
    def load(self, data: Buffer) -> str:
        return restored(bytes(data).decode())


class _NumberLoader(Loader):
    """A sum of whole numbers is whole; everything else is a float, as from DuckDB."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return float(text) if "." in text or "N" in text else int(text)


class _JsonLoader(Loader):
    def load(self, data: Buffer) -> Any:
        return json.loads(restored_json(bytes(data).decode()))


def adapt(adapters: AdaptersMap) -> None:
    """Teach one connection these ways."""
    adapters.register_dumper(str, _TextDumper)
    for kind in ("text", "varchar", "name"):
        adapters.register_loader(kind, _TextLoader)
    adapters.register_loader("numeric", _NumberLoader)
    adapters.register_loader("json", _JsonLoader)
