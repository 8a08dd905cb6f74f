"""What the words of the request fit."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from session_buddy.analytics.suggesting.context import Context, Scored, ranked

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ENDINGS: Final = (
    "ations",
    "ating",
    "ators",
    "ated",
    "ates",
    "ator",
    "ation",
    "ate",
    "ings",
    "ing",
    "ers",
    "er",
    "ies",
    "ed",
    "es",
    "s",
    "e",
    "y",
)
_STOP: Final = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by can do for from how i in into is it its me my need new of on or "
        "our please so some that the their them then there these this to up use used want was we "
        "what when which will with would you your ",
    )
)
_NAME_WEIGHT: Final = 2.0
_LATENESS: Final = 1.2
_LENGTH: Final = 0.75


def words_of(text: str) -> list[str]:
    """The stems of a text's words, small, without those that say nothing.

    >>> words_of("Reviewing the PullRequests")
    ['review', 'pull', 'request']
    """
    found = _WORD.findall(_CAMEL.sub(" ", text).lower())
    return [_stem(word) for word in found if word not in _STOP]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


class TextMatch:
    """Ranks installed skills by how well name and description fit the request.

    Model: BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009)
    over the stems of `name + description`, words of the name counting twice, with the usual parameters
    k1 = 1.2 and b = 0.75. Needs no history, so it is what is left in an empty store. It compares words,
    not meanings: "ship it" does not find "deploy".

    >>> model = TextMatch()
    >>> model.describe({"review-pr": "Review a pull request", "db-migrate": "Write a migration"})
    >>> model.rank(Context(query="please review my changes"))[0].skill_name
    'review-pr'
    """

    name = "text_match"

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, float]] = {}
        self._installed: dict[str, str] = {}
        self._skills_of: dict[str, dict[str, float]] = {}
        self._stale = False
        self._asked: tuple[str, Sequence[tuple[str, Sequence[str]]]] = ("", ())

    def describe(self, skills: Mapping[str, str]) -> None:
        """The installed skills: name -> description. Skills that were only used are known by name."""
        for name in self._installed.keys() - skills.keys():
            self._counts[name] = _counted(name, "")
        for name, description in skills.items():
            if self._installed.get(name) != description:
                self._counts[name] = _counted(name, description)
        self._installed = dict(skills)
        self._stale = True

    def learn(self, context: Context, skill_name: str, completed: bool | None = None) -> None:  # noqa: ARG002
        """A used skill can be found by its name, installed or not."""
        if skill_name not in self._counts:
            self._counts[skill_name] = _counted(skill_name, "")
            self._stale = True

    def rank(self, context: Context) -> list[Scored]:
        """Every skill that shares a word with the request, by relevance."""
        return ranked(self.relevance(context.query or "").items())

    def relevance(self, query: str) -> dict[str, float]:
        """Skill -> relevance, 0 for no word in common, towards 1 as all rare words of the query fit."""
        self._weigh()
        total = len(self._counts)
        best = 0.0
        scores: dict[str, float] = {}
        for word in dict.fromkeys(stem for _, stems in self._stems(query) for stem in stems):
            having = self._skills_of.get(word, {})
            if having:
                rarity = math.log(1.0 + (total - len(having) + 0.5) / (len(having) + 0.5))
                best += rarity * (_LATENESS + 1.0)
                for name, weight in having.items():
                    scores[name] = scores.get(name, 0.0) + rarity * weight
        return {name: min(1.0, score / best) for name, score in scores.items()}

    def matched(self, query: str, skill_name: str) -> list[str]:
        """Words of the query, as they were written, that the skill's name or description has too."""
        counts = self._counts.get(skill_name, {})
        return [word for word, stems in self._stems(query) if any(stem in counts for stem in stems)]

    def _stems(self, query: str) -> Sequence[tuple[str, Sequence[str]]]:
        """Each different word of a query with its stems; kept, since all candidates are held against one."""
        if self._asked[0] != query:
            self._asked = (query, [(word, words_of(word)) for word in dict.fromkeys(_WORD.findall(query))])
        return self._asked[1]

    def _weigh(self) -> None:
        """Make the table word -> skill -> weight anew if skills have changed."""
        if not self._stale:
            return
        self._stale = False
        lengths = {name: sum(counts.values()) for name, counts in self._counts.items()}
        mean = sum(lengths.values()) / max(1, len(lengths)) or 1.0
        self._skills_of = {}
        for name, counts in self._counts.items():
            longer = _LATENESS * (1.0 - _LENGTH + _LENGTH * lengths[name] / mean)
            for word, count in counts.items():
                weight = count * (_LATENESS + 1.0) / (count + longer)
                self._skills_of.setdefault(word, {})[name] = weight


def _counted(name: str, description: str) -> dict[str, float]:
    """How often each word stands in a skill's name and description."""
    counts: dict[str, float] = {}
    for text, weight in ((name, _NAME_WEIGHT), (description, 1.0)):
        for word in words_of(text):
            counts[word] = counts.get(word, 0.0) + weight
    return counts
