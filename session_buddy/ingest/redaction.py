"""What may be kept of the words and names of a person.

Secrets are redacted before anything reaches a disk. A prompt is kept only where the user turned that
on; else, as with user names, a hash under a key that never leaves the home says whether two are the same.
"""

import getpass
import hashlib
import hmac
import os
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.ingest.hook import redact
from session_buddy.models.protocols import KeyedHash, QueryKeeper

__all__ = [
    "KeptWords",
    "describe_query",
    "kept_words",
    "keyed_hash",
    "load_hash_key",
    "redact",
    "user_hash",
]

_USER_HASH = re.compile("[0-9a-f]{64}")
KEY_BYTES = 32
QUERY_LIMIT = 10_000
"""Characters of a redacted query that are kept where queries are kept at all."""


def describe_query(text: str, key: bytes, *, store: bool) -> tuple[str | None, str, int]:
    """What to record of a prompt: (redacted text if `store`, keyed hash, length in characters).

    Hash and length are those of the whole text as it came; the text that is kept is cut.
    """
    kept = redact(text)[:QUERY_LIMIT] if store else None
    return kept, keyed_hash(key, "query", text), len(text)


def user_hash(name: str, key: bytes) -> str:
    """The id under which a user is recorded."""
    return keyed_hash(key, "user", name)


def keyed_hash(key: bytes, purpose: str, value: str) -> str:
    """HMAC-SHA-256 of a value as 64 hexadecimal digits; the same value differs between purposes."""
    message = f"{purpose}\0{value}".encode("utf-8", "surrogatepass")
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def load_hash_key(settings: Settings) -> bytes:
    """The home's random key, made (readable by the user alone) when it is first needed.

    Raises:
        ConfigurationError: the key can be neither read nor made, or the file holds something else.
    """
    path = Path(settings.hash_key)
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"cannot read or make the hash key {path}: {error.strerror or error}. Make that folder writable."
        ) from error
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"the hash key {path} is damaged ({len(key)} bytes instead of {KEY_BYTES}). Restore it from a "
            "backup, or remove it: a new one is made, and users and prompts recorded so far will not be "
            "recognised again."
        )
    return key


def _make_key(path: Path) -> None:
    """Complete under its name from the first moment; of two processes at once, the first one's key stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
        path.hardlink_to(part)
    except FileExistsError:
        pass
    finally:
        Path(part).unlink()


class KeptWords(NamedTuple):
    """What is kept of names and prompts in one home.

    hashed: recognises what was forgotten. keep_query: of a prompt. user_id: of whoever runs this.
    hashed_user: of any name; what it gave before stays as it is.
    """

    hashed: KeyedHash
    keep_query: QueryKeeper
    user_id: str
    hashed_user: KeyedHash


def kept_words(settings: Settings) -> KeptWords:
    """The rules of a home; `ConfigurationError` if its key can be neither read nor made."""
    key = load_hash_key(settings)

    def hashed(text: str) -> str:
        return keyed_hash(key, "forget", text)

    def keep_query(text: str) -> tuple[str | None, str, int]:
        kept, digest, length = describe_query(text, key, store=settings.store_queries)
        return kept, digest or "", length or 0

    def hashed_user(name: str) -> str:
        return name if _USER_HASH.fullmatch(name) else user_hash(name, key)

    return KeptWords(hashed, keep_query, user_hash(getpass.getuser(), key), hashed_user)
