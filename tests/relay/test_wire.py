"""Lines between relay and leader."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from session_buddy.wire import PING, Frames, encode, own_line, request_key


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line)), st.data())
def test_lines_come_out_as_they_went_in_however_they_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    frames, found, at = Frames(), [], 0
    while at < len(stream):
        size = data.draw(st.integers(1, len(stream) - at))
        found += frames.feed(stream[at : at + size])
        at += size
    assert found == lines


@given(st.integers(1, 40), st.integers(0, 100), st.integers(1, 20))
def test_a_line_over_the_limit_is_told_and_the_next_one_is_read(limit: int, size: int, step: int) -> None:
    stream = b"x" * size + b"\n" + b"y\n"
    frames, found = Frames(limit), []
    for at in range(0, len(stream), step):
        found += frames.feed(stream[at : at + step])
    assert found == [b"x" * size if size <= limit else None, b"y"]


def test_of_a_line_over_the_limit_nothing_is_kept() -> None:
    frames = Frames(10)
    for _ in range(100):
        frames.feed(b"x" * 100)
    assert not frames._begun  # what a client without end sends must not fill the memory


@given(st.binary())
def test_any_line_is_either_ours_or_not(line: bytes) -> None:
    document = own_line(line)
    assert document is None or "session_buddy" in document


def test_our_own_lines_are_known() -> None:
    assert own_line(PING) == {"session_buddy": "ping"}
    assert own_line(b'{"session_buddy":') is None
    assert own_line(b'{"session_buddy":' + b"[" * 100_000) is None


@given(st.text())
def test_any_text_survives_as_one_line_of_ascii(text: str) -> None:
    line = encode({"text": text})
    assert b"\n" not in line
    line.decode("ascii")


def test_request_keys_are_uuids_of_version_7_in_order_of_time() -> None:
    keys = [request_key() for _ in range(100)]
    assert {uuid.UUID(key).version for key in keys} == {7}
    assert len(set(keys)) == 100
    assert [key[:13] for key in keys] == sorted(key[:13] for key in keys)
