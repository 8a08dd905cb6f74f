"""Lines of a file that may still grow, from where the last reading stopped, in bounded memory."""

import io
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CHUNK_BYTES: Final = 1024 * 1024
LINE_LIMIT: Final = 32 * 1024 * 1024
"""A longer line is passed over without being held in memory: no record of an agent is that long."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31  # zlib's way to say: with the header of gzip


class Unreadable(Exception):
    """A file, or the rest of it, cannot be read; `str(error)` is the reason."""


@dataclass(slots=True)
class Position:
    """How far a file has been read: bytes behind the last complete line, and complete lines."""

    offset: int = 0
    lines: int = 0
    oversized: int = 0


def is_compressed(path: Path) -> bool:
    """Whether a file is gzip, told by its first bytes."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP_MAGIC


def read_lines(path: Path, position: Position, *, to_end: bool = False) -> Iterator[bytes]:
    """Lines behind `position`, which moves on with each line that was taken.

    The last line counts only when its newline is there; with `to_end` it is given as it stands. Lines
    beyond `LINE_LIMIT` are counted in `position.oversized` and not given. A gzip file is read from its
    beginning, so `position.offset` counts uncompressed bytes.

    Raises:
        Unreadable: it is no file, may not be read, or its compressed data is damaged or cut off; the
            lines before that place have been given.
    """
    try:
        _require_file(path)
        compressed = is_compressed(path)
        with path.open("rb") as file:
            if not compressed:
                file.seek(position.offset)
            chunks = _behind(_inflated(file), position.offset) if compressed else _chunks(file)
            yield from _split(chunks, position, to_end=to_end)
    except EOFError as error:
        raise Unreadable(f"its compressed data is cut off after line {position.lines}") from error
    except zlib.error as error:
        raise Unreadable(f"its compressed data is damaged after line {position.lines}") from error
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror or error}") from error


def _require_file(path: Path) -> None:
    """A device or a pipe has no end, and whoever opens it may wait forever."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise Unreadable("it is a directory, not a file")
    if not stat.S_ISREG(mode):
        raise Unreadable("it is not a regular file")


def _chunks(file: io.BufferedReader) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _inflated(file: io.BufferedReader) -> Iterator[bytes]:
    """The data of a gzip file, all that there is before the place where it is cut off or damaged."""
    stream = zlib.decompressobj(_GZIP_WINDOW)
    fresh = True
    while compressed := file.read(CHUNK_BYTES // 16):
        while compressed:
            yield stream.decompress(compressed, CHUNK_BYTES)
            fresh = False
            compressed = stream.unconsumed_tail or stream.unused_data
            if stream.eof:
                stream, fresh = zlib.decompressobj(_GZIP_WINDOW), True
                compressed = compressed.lstrip(b"\0")  # padding is allowed between members
    if not fresh:
        raise EOFError


def _behind(chunks: Iterator[bytes], offset: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[offset:]
        offset = max(0, offset - len(chunk))


def _split(chunks: Iterator[bytes], position: Position, *, to_end: bool) -> Iterator[bytes]:
    pending: list[bytes] = []
    held = 0
    skipping = False
    for chunk in chunks:
        *complete, rest = chunk.split(b"\n")
        for piece in complete:
            line = b"".join((*pending, piece)) if pending else piece
            position.offset += held + len(piece) + 1
            position.lines += 1
            if skipping or len(line) > LINE_LIMIT:
                position.oversized += 1
            else:
                yield line
            pending, held, skipping = [], 0, False
        held += len(rest)
        if rest and not skipping:
            pending.append(rest)
        if held > LINE_LIMIT:
            pending, skipping = [], True
    if to_end and held:
        position.offset += held
        position.lines += 1
        if skipping:
            position.oversized += 1
        else:
            yield b"".join(pending)
