"""What is kept of prompts and names."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.ingest.redaction import QUERY_LIMIT, describe_query, keyed_hash, load_hash_key, user_hash

KEY = b"k" * 32


def test_a_query_is_kept_as_hash_and_length_alone_unless_asked_for() -> None:
    text, digest, length = describe_query("deploy to production", KEY, store=False)
    assert (text, length) == (None, 20)
    assert digest == keyed_hash(KEY, "query", "deploy to production")


@pytest.mark.slow
def test_a_query_that_is_kept_is_redacted_and_bounded() -> None:
    text, _, length = describe_query("password=hunter2 " + "x" * 1_000_000, KEY, store=True)
    assert text is not None
    assert text.startswith("password=[redacted:password] xxx")
    assert (len(text), length) == (QUERY_LIMIT, 1_000_017)


@given(st.text(min_size=1))
def test_equal_texts_have_equal_hashes_and_keys_and_purposes_separate_them(text: str) -> None:
    digest = keyed_hash(KEY, "query", text)
    assert digest == keyed_hash(KEY, "query", text)
    assert len({digest, user_hash(text, KEY), keyed_hash(b"j" * 32, "query", text)}) == 3


def test_the_key_is_made_once_and_for_this_user_only(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path / "home"))
    key = load_hash_key(settings)
    assert len(key) == 32
    assert load_hash_key(settings) == key
    assert stat.S_IMODE(Path(settings.hash_key).stat().st_mode) == 0o600
    assert os.listdir(settings.home) == ["hash.key"]


def test_processes_that_begin_at_once_share_one_key(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: load_hash_key(settings), range(8)))) == 1


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_key_is_refused_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    settings = Settings(home=str(tmp_path))
    Path(settings.hash_key).write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"is damaged .* Restore it from a backup, or remove it"):
        load_hash_key(settings)


def test_a_home_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot read or make the hash key"):
        load_hash_key(Settings(home=str(tmp_path / "file")))
