"""The names that somebody may have meant by one that is not known."""

from collections.abc import Sequence

_LIKE = 0.6
"""Least similarity of two names (`difflib`, 0 to 1): a letter left out, doubled or swapped is well above."""
_MOST = 3


def known_names(asked: str, known: Sequence[str], nothing: str) -> str:
    """A sentence with the names nearest to `asked`, else with the first that are known, else `nothing`.

    known: the most used first.
    """
    near = nearest_names(asked, known)
    if near:
        return f"Did you mean {' or '.join(map(repr, near))}?"
    return f"Known are: {', '.join(known[:5])}." if known else nothing


def nearest_names(asked: str, known: Sequence[str]) -> list[str]:
    """At most three: those that differ in the plugin or the case alone, else those that look alike."""
    from difflib import get_close_matches  # a start does not need it

    plain = _plain(asked)
    same = [name for name in known if _plain(name) == plain]
    if same:
        return same[:_MOST]
    by_plain: dict[str, list[str]] = {}
    for name in known:
        by_plain.setdefault(_plain(name), []).append(name)
    like = get_close_matches(plain, by_plain, _MOST, _LIKE)
    return [name for found in like for name in by_plain[found]][:_MOST]


def _plain(name: str) -> str:
    """A skill's name without its plugin and in small letters."""
    return name.rpartition(":")[2].casefold()
